"""Nothing without sign-in: one ASGI gate before every route and the websocket, and the headers of all answers."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
import streamlit
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.services.authority import Actor
from app.services.context import Context
from app.services.outage import noted
from app.services.sign_in import actor_for
from app.services.tokens import bearer
from app.ui.origin import refusal
from app.ui.watched import ENDED, Watched
from storage.errors import AWAY

COOKIE = "bgad_session"
OPEN = frozenset({"/healthz", "/login", "/setup", "/oidc/start", "/oidc/back"})
FOR_TOKENS = ("/api/", "/image/", "/thumb/", "/heatmap/", "/logp/", "/certificate/")
INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def _inline_hashes() -> str:
    """The scripts that stand in Streamlit's own page, by hash: no other inline script runs."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in INLINE.findall(page))
    return " ".join(f"'sha256-{digest}'" for digest in digests)


HEADERS = {
    # Streamlit sets style attributes and its charts decode in workers; scripts come from this server alone.
    "Content-Security-Policy": (
        f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {_inline_hashes()}; "
        "style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Gate:
    """Lets through who holds a valid sign-in; sends people to the sign-in page and answers programs with 401.

    A script's token opens the image, certificate and `/api` routes, and no page. What is not for this server's name, or
    would change something from another site, is not even looked at.

    A websocket is checked when it connects, and every few seconds as long as it is open: it is closed when its sign-in
    has ended, whether anything was asked over it or not. Until then a page's next run notices, and every use case.

    While the database is away, everything is answered 503, to be asked again, and open websockets stay open.

    Args:
        every: seconds between two looks at an open websocket's sign-in.
    """

    def __init__(self, app: ASGIApp, *, context: Callable[[], Context], every: float = 5.0) -> None:
        self.app = app
        self.context = context
        self.every = every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        sent: list[str] = []
        try:
            await self._let_through(scope, receive, _noting(send, sent))
        except AWAY as error:
            words = noted(error)
            if scope["type"] == "http" and sent:
                raise  # half an answer went out: the connection is cut, so that nobody takes it for a whole one
            await _away(HTTPConnection(scope), words)(scope, receive, send)

    async def _let_through(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if (wrong := refusal(connection, self.context().settings)) is not None:
            await _refused(connection, *wrong)(scope, receive, send)
            return
        if scope["path"] not in OPEN:
            actor = await anyio.to_thread.run_sync(self._actor, connection)
            if actor is None:
                await _turned_away(connection)(scope, receive, send)
                return
            scope.setdefault("state", {})["actor"] = actor
        if scope["type"] == "websocket":
            async with Watched(receive, send, partial(self._still, connection), self.every) as watched:
                await self.app(scope, watched.receive, watched.send)
        else:
            await self.app(scope, receive, _with_headers(send))

    def _still(self, connection: HTTPConnection) -> object | None:
        """Who holds an open websocket's sign-in; while that cannot be asked, somebody."""
        try:
            return self._actor(connection)
        except AWAY as error:
            return noted(error)

    def _actor(self, connection: HTTPConnection) -> Actor | None:
        kind, _, token = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return actor_for(self.context(), connection.cookies.get(COOKIE))
        path, is_http = connection.scope["path"], connection.scope["type"] == "http"
        if not is_http or not path.startswith(FOR_TOKENS):
            return None
        actor = bearer(self.context(), token.strip())
        reads = actor is not None and actor.scopes is not None and "read" in actor.scopes
        return actor if path.startswith("/api/") or reads else None


def _refused(connection: HTTPConnection, status: int, why: str) -> ASGIApp:
    if connection.scope["type"] == "websocket":
        return _close
    return PlainTextResponse(f"{why}\n", status_code=status, headers={**HEADERS, "Cache-Control": "no-store"})


def _turned_away(connection: HTTPConnection) -> ASGIApp:
    if connection.scope["type"] == "websocket":
        return _close
    wants_page = connection.scope["method"] == "GET" and "text/html" in connection.headers.get("accept", "")
    answer: Response
    if wants_page:
        path = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
        answer = RedirectResponse(f"/login?next={quote(path, safe='')}", status_code=303)
    else:
        answer = PlainTextResponse("sign in at /login first\n", status_code=401)
    answer.headers.update({**HEADERS, "Cache-Control": "no-store"})
    return answer


def _away(connection: HTTPConnection, words: str) -> ASGIApp:
    if connection.scope["type"] == "websocket":
        return _try_again_later
    path, wants_page = connection.url.path, "text/html" in connection.headers.get("accept", "")
    headers = {**HEADERS, "Cache-Control": "no-store", "Retry-After": "2", **({"Refresh": "3"} if wants_page else {})}
    if path.startswith("/api/"):
        return JSONResponse({"error": words}, status_code=503, headers=headers)
    return PlainTextResponse(f"{words}\n", status_code=503, headers=headers)


async def _try_again_later(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 1013, "reason": "the database does not answer"})


async def _close(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send(ENDED)


def _noting(send: Send, sent: list[str]) -> Send:
    async def wrapped(message: Message) -> None:
        sent.append(message["type"])
        await send(message)

    return wrapped


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return wrapped
