"""Own routes: health, sign-in and sign-out, and inspection images, which never travel as Streamlit media."""

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.services.authority import NotAllowed
from app.services.certificate import certificate as certificate_of
from app.services.errors import Refused
from app.services.heat import FUSED
from app.services.label import heatmap_png, image_bytes
from app.services.label_aids import log_p_bytes
from app.services.preview import pasted_png
from app.services.sign_in import SIGNED_IN_FOR, sign_in, sign_out
from app.ui.certificate_page import certificate_page
from app.ui.gate import COOKIE
from app.ui.opened import opened
from app.ui.sign_in_page import sign_in_page
from storage.errors import NotFound, StorageError

MAX_FORM = 4096
A_DAY = "private, max-age=86400, immutable"  # an image and a version's heat never change under their number


def health(_request: Request) -> Response:
    """200 when the database answers."""
    with opened().database.read() as session:
        session.connection()
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


def show_sign_in(request: Request) -> Response:
    return _page(next_path=_local(request.query_params.get("next", "/")))


async def do_sign_in(request: Request) -> Response:
    if not _same_origin(request):
        return PlainTextResponse("the form was sent from another site: open this one and sign in\n", status_code=403)
    body = await request.body()
    if len(body) > MAX_FORM:
        return PlainTextResponse(f"the form has {len(body)} bytes, {MAX_FORM} is the most\n", status_code=413)
    form = {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
    name, next_path = form.get("name", ""), _local(form.get("next", "/"))
    try:
        token = await run_in_threadpool(sign_in, opened(), name, form.get("password", ""))
    except Refused as refused:
        return _page(next_path=next_path, name=name, error=str(refused), status=401)
    answer = RedirectResponse(next_path, status_code=303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(SIGNED_IN_FOR.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=opened().settings.secure_cookies,
    )
    return answer


def do_sign_out(request: Request) -> Response:
    sign_out(opened(), request.cookies.get(COOKIE))
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(COOKIE)
    return answer


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
    except NotFound as missing:
        return PlainTextResponse(f"{missing}\n", status_code=404)
    except NotAllowed as refused:
        return PlainTextResponse(f"{refused}\n", status_code=403)
    except (Refused, StorageError) as refused:
        return PlainTextResponse(f"{refused}\n", status_code=400)
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
    Route("/image/{id:int}", image),
    Route("/thumb/{id:int}", thumb),
    Route("/heatmap/{id:int}", heatmap),
    Route("/pasted/{run}/{index:int}", pasted),
    Route("/certificate/{slug}/{number:int}", certificate),
    Route("/logp/{id:int}", log_p),
]


def _id(request: Request) -> int:
    number: int = request.path_params["id"]
    if number > 2**62:
        raise NotFound(f"there is no image {number}: it may belong to another installation")
    return number


def _picture(request: Request, read: Callable[[], tuple[bytes, str]]) -> Response:
    try:
        data, media_type = read()
    except NotFound as missing:
        return PlainTextResponse(f"{missing}\n", status_code=404)
    except NotAllowed as refused:
        return PlainTextResponse(f"{refused}\n", status_code=403)
    except (Refused, StorageError) as refused:
        return PlainTextResponse(f"{refused}\n", status_code=400)
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"Cache-Control": A_DAY, "ETag": tag, "Vary": "Cookie"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=media_type, headers=headers)


def _page(*, next_path: str, name: str = "", error: str = "", status: int = 200) -> Response:
    html = sign_in_page(next_path=next_path, name=name, error=error, demo=opened().settings.demo)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})


def _local(path: str) -> str:
    """A path of this site, whatever was asked for: no other host, no scheme, no trick with a second slash."""
    parts = urlsplit(path.replace("\\", "/"))
    usable = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    printable = path.isprintable() and not parts.path.startswith(("/login", "/logout"))
    return path if usable and printable and "\\" not in path else "/"


def _same_origin(request: Request) -> bool:
    """Browsers say where a form comes from; one that says nothing is no browser."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
