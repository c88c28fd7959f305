"""The two routes of a sign-in elsewhere: out to the provider, and back with its answer."""

import json
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.services.errors import Refused
from app.services.oidc import Flow, SignInFailed, begin, finish
from app.ui.forms import browser_of, let_in, local
from app.ui.opened import opened
from app.ui.sign_in_page import sign_in_page

FLOW = "bgad_oidc"  # HttpOnly, for these two routes alone, and for ten minutes
MINUTES = 10


async def start(request: Request) -> Response:
    next_path = local(request.query_params.get("next", "/"))
    try:
        go = partial(begin, opened(), redirect_uri=_back(request), next_path=next_path)
        url, flow = await run_in_threadpool(go)
    except Refused as refused:
        return _failed(refused, next_path)
    answer = RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
    secure = opened().settings.secure_cookies
    kept = json.dumps(flow.as_dict())
    answer.set_cookie(FLOW, kept, max_age=60 * MINUTES, path="/oidc", httponly=True, samesite="lax", secure=secure)
    return answer


async def back(request: Request) -> Response:
    given = request.query_params
    try:
        flow = _flow(request)
        if given.get("error"):
            raise SignInFailed("the provider did not let you in: begin again, or sign in with a password")
        done = partial(
            finish,
            opened(),
            flow,
            redirect_uri=_back(request),
            state=given.get("state", ""),
            code=given.get("code", ""),
            issuer=given.get("iss"),
            browser=browser_of(request),
        )
        answer = let_in(await run_in_threadpool(done), local(flow.next_path))
    except Refused as refused:
        answer = _failed(refused, "/")
    answer.delete_cookie(FLOW, path="/oidc")
    return answer


OIDC = [Route("/oidc/start", start, methods=["GET"]), Route("/oidc/back", back, methods=["GET"])]


def _flow(request: Request) -> Flow:
    try:
        kept = json.loads(request.cookies[FLOW])
        return Flow(*(str(kept[name]) for name in ("state", "nonce", "verifier", "next_path")))
    except (KeyError, ValueError, TypeError):
        raise SignInFailed("this sign-in was begun in another browser or too long ago: begin again") from None


def _back(request: Request) -> str:
    """Where the provider sends people back; the Host was checked by the gate."""
    scheme = "https" if opened().settings.secure_cookies else "http"
    return f"{scheme}://{request.headers['host']}/oidc/back"


def _failed(refused: Refused, next_path: str) -> Response:
    settings = opened().settings
    html = sign_in_page(
        next_path=next_path, name="", error=str(refused), demo=settings.demo, elsewhere=settings.oidc_name
    )
    return HTMLResponse(html, status_code=401, headers={"Cache-Control": "no-store"})
