"""Own routes: health, sign-in and sign-out, and inspection images, which never travel as Streamlit media."""

import hashlib
from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.services.certificate import certificate as certificate_of
from app.services.errors import Refused
from app.services.first_admin import code_is_out, make_first_admin
from app.services.heat import FUSED
from app.services.label import heatmap_png, image_bytes
from app.services.label_aids import log_p_bytes
from app.services.oidc import is_configured
from app.services.preview import pasted_png
from app.services.sign_in import sign_in, sign_out
from app.ui.api import API
from app.ui.certificate_page import certificate_page
from app.ui.forms import browser_of, form_of, let_in, local
from app.ui.gate import COOKIE
from app.ui.oidc_routes import OIDC
from app.ui.opened import opened
from app.ui.sign_in_page import setup_page, sign_in_page
from app.ui.status import REFUSALS, status_of
from storage.errors import NotFound, StorageError

A_DAY = "private, max-age=86400, immutable"  # an image and a version's heat never change under their number


def health(_request: Request) -> Response:
    """200 when the database answers."""
    with opened().database.read() as session:
        session.connection()
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


def show_sign_in(request: Request) -> Response:
    return _page(next_path=local(request.query_params.get("next", "/")))


async def do_sign_in(request: Request) -> Response:
    try:
        form = await form_of(request)
    except Refused as refused:
        return PlainTextResponse(f"{refused}\n", status_code=413)
    name, next_path = form.get("name", ""), local(form.get("next", "/"))
    try:
        enter = partial(sign_in, opened(), name, form.get("password", ""), browser=browser_of(request))
        token = await run_in_threadpool(enter)
    except Refused as refused:
        return _page(next_path=next_path, name=name, error=str(refused), status=401)
    return let_in(token, next_path)


def do_sign_out(request: Request) -> Response:
    if request.headers.get("sec-fetch-site") == "cross-site":  # another site may not sign anybody out
        return RedirectResponse("/", status_code=303)
    sign_out(opened(), request.cookies.get(COOKIE))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


def show_setup(_request: Request) -> Response:
    if not code_is_out(opened()):
        return PlainTextResponse("there is nothing to set up here: sign in at /login\n", status_code=404)
    return HTMLResponse(setup_page(), headers={"Cache-Control": "no-store"})


async def do_setup(request: Request) -> Response:
    try:
        form = await form_of(request)
        given = {key: form.get(key, "") for key in ("code", "name", "password")}
        make = partial(make_first_admin, opened(), **given, browser=browser_of(request))
        return let_in(await run_in_threadpool(make), "/")
    except (Refused, StorageError) as refused:
        page = setup_page(name=form.get("name", ""), code=form.get("code", ""), error=str(refused))
        return HTMLResponse(page, status_code=401, headers={"Cache-Control": "no-store"})


def image(request: Request) -> Response:
    return _picture(request, lambda: image_bytes(opened(), request.state.actor, _id(request), thumb=False))


def thumb(request: Request) -> Response:
    return _picture(request, lambda: image_bytes(opened(), request.state.actor, _id(request), thumb=True))


def heatmap(request: Request) -> Response:
    def draw() -> tuple[bytes, str]:
        query = request.query_params
        version, longest = query.get("version", ""), query.get("longest", "1024")
        if not version.isdigit() or not longest.isdigit() or not 16 <= int(longest) <= 2048:
            raise Refused("a heatmap needs ?version= with a version's id, and longest= from 16 to 2048 if any")
        level = query.get("level", FUSED)
        data = heatmap_png(opened(), request.state.actor, _id(request), int(version), level, longest=int(longest))
        return data, "image/png"

    return _picture(request, draw)


def pasted(request: Request) -> Response:
    def read() -> tuple[bytes, str]:
        run_id, index = request.path_params["run"], request.path_params["index"]
        return pasted_png(opened(), request.state.actor, run_id, index), "image/png"

    return _picture(request, read)


def certificate(request: Request) -> Response:
    """A version's certificate: always as things stand now."""
    slug, number = request.path_params["slug"], request.path_params["number"]
    try:
        if number > 2**31:
            raise NotFound(f"there is no version v{number}")
        html = certificate_page(certificate_of(opened(), request.state.actor, slug, number))
    except REFUSALS as refused:
        return PlainTextResponse(f"{refused}\n", status_code=status_of(refused))
    return HTMLResponse(html, headers={"Cache-Control": "no-store", "Vary": "Cookie"})


def log_p(request: Request) -> Response:
    """The log-likelihoods that the mask editor grows regions along."""

    def read() -> tuple[bytes, str]:
        version = request.query_params.get("version", "")
        if not version.isdigit() or int(version) > 2**62:
            raise Refused("log-likelihoods need ?version= with a version's id")
        level = request.query_params.get("level", FUSED)
        data = log_p_bytes(opened(), request.state.actor, _id(request), int(version), level)
        return data, "application/octet-stream"

    return _picture(request, read)


ROUTES = [
    Route("/healthz", health),
    Route("/login", show_sign_in, methods=["GET"]),
    Route("/login", do_sign_in, methods=["POST"]),
    Route("/logout", do_sign_out, methods=["GET"]),
    Route("/setup", show_setup, methods=["GET"]),
    Route("/setup", do_setup, methods=["POST"]),
    Route("/image/{id:int}", image),
    Route("/thumb/{id:int}", thumb),
    Route("/heatmap/{id:int}", heatmap),
    Route("/pasted/{run}/{index:int}", pasted),
    Route("/certificate/{slug}/{number:int}", certificate),
    Route("/logp/{id:int}", log_p),
    *API,
    *OIDC,
]


def _id(request: Request) -> int:
    number: int = request.path_params["id"]
    if number > 2**62:
        raise NotFound(f"there is no image {number}: it may belong to another installation")
    return number


def _picture(request: Request, read: Callable[[], tuple[bytes, str]]) -> Response:
    try:
        data, media_type = read()
    except REFUSALS as refused:
        return PlainTextResponse(f"{refused}\n", status_code=status_of(refused))
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"Cache-Control": A_DAY, "ETag": tag, "Vary": "Cookie"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def _page(*, next_path: str, name: str = "", error: str = "", status: int = 200) -> Response:
    settings = opened().settings
    elsewhere = settings.oidc_name if is_configured(settings) else ""
    html = sign_in_page(next_path=next_path, name=name, error=error, demo=settings.demo, elsewhere=elsewhere)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})
