"""An open websocket that ends with the sign-in it was opened by."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

import anyio.to_thread
from starlette.types import Message, Receive, Send

ENDED: Message = {"type": "websocket.close", "code": 4401, "reason": "sign in first"}


class Watched:
    """Passes a websocket's messages on, both ways, until nobody is signed in any more.

    Args:
        receive, send: the websocket's own.
        holder: asks the database who holds the sign-in now, None for nobody; called in a thread.
        every: seconds between two such questions.
    """

    def __init__(self, receive: Receive, send: Send, holder: Callable[[], object | None], every: float) -> None:
        self._receive, self._send, self._holder, self._every = receive, send, holder, every
        self._coming: asyncio.Future[Message] | None = None
        self._asked = time.monotonic()
        self._ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._coming is not None:
            self._coming.cancel()

    async def receive(self) -> Message:
        """The next message from the browser; a disconnect when the sign-in has ended."""
        while not self._ended:
            if self._coming is None:
                self._coming = asyncio.ensure_future(self._receive())
            due = self._asked + self._every
            await asyncio.wait({self._coming}, timeout=max(0.0, due - time.monotonic()))
            if time.monotonic() >= due:
                self._asked = time.monotonic()
                if await anyio.to_thread.run_sync(self._holder) is None:
                    self._ended = True
                    await self._send(ENDED)
                    break
            if self._coming.done():
                message, self._coming = self._coming.result(), None
                return message
        return {"type": "websocket.disconnect", "code": ENDED["code"]}

    async def send(self, message: Message) -> None:
        """To the browser, unless it was turned away in between."""
        if not self._ended:
            await self._send(message)
