"""What one server takes: bytes and pixels of an image, and images at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.services.pictures import MAX_PIXELS


@dataclass(frozen=True)
class Limits:
    """Attributes:
    max_bytes: of a request's body.
    max_pixels: of its image, known from its header before it is decoded.
    at_once: images that are scored at the same time.
    waiting: requests that may wait for those; more are sent away.
    """

    max_bytes: int = 32 * 2**20
    max_pixels: int = MAX_PIXELS
    at_once: int = 2
    waiting: int = 8


class Busy(Exception):
    """As many are in as may be."""


class Room:
    """Lets `at_once` score and `waiting` wait; the next one is told to come back."""

    def __init__(self, limits: Limits) -> None:
        self._most = limits.at_once + limits.waiting
        self._scoring = asyncio.Semaphore(limits.at_once)
        self.inside = 0

    @property
    def full(self) -> bool:
        return self.inside >= self._most

    @asynccontextmanager
    async def place(self) -> AsyncIterator[asyncio.Semaphore]:
        """A place inside, from before a body is read; the semaphore is held while scoring alone.

        Raises:
            Busy: there is none.
        """
        if self.full:
            raise Busy
        self.inside += 1
        try:
            yield self._scoring
        finally:
            self.inside -= 1
