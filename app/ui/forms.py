"""Reading the few forms of our own, and the cookie that they end in."""

from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.services.errors import Refused
from app.services.sign_in import SIGNED_IN_FOR
from app.ui.gate import COOKIE
from app.ui.opened import opened

MAX_FORM = 4096


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; Refused when it is larger than any of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise Refused(f"the form has more than {MAX_FORM} bytes: open the page again")
    return {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}


def browser_of(request: Request) -> str:
    """What the browser calls itself, as text for its owner's list of sign-ins."""
    name = request.headers.get("user-agent", "")
    return "".join(sign for sign in name if sign.isprintable())[:200]


def let_in(token: str, next_path: str) -> Response:
    """On to where somebody was going, with the cookie."""
    answer = RedirectResponse(next_path, status_code=303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(SIGNED_IN_FOR.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=opened().settings.secure_cookies,
    )
    return answer


def local(path: str) -> str:
    """A path of this site, whatever was asked for: no other host, no scheme, no trick with a second slash."""
    parts = urlsplit(path.replace("\\", "/"))
    usable = not parts.scheme and not parts.netloc and parts.path.startswith("/") and not parts.path.startswith("//")
    printable = path.isprintable() and not parts.path.startswith(("/login", "/logout"))
    return path if usable and printable and "\\" not in path else "/"
