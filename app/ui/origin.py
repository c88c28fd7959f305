"""Is this request for us, and from us: the Host check, and the Origin check on everything that changes something."""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from app.settings import Settings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal(connection: HTTPConnection, settings: Settings) -> tuple[int, str] | None:
    """(status, sentence) for a request that is not answered; None for one that is."""
    host = connection.headers.get("host", "")
    if not answers_to(name_of(host), settings):
        return (
            421,
            f"this server does not answer to the name {name_of(host)[:80]!r}: set BGAD_HOSTS to the names it has",
        )
    changes = connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE
    origin = connection.headers.get("origin")
    if changes and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return 403, "this was sent from another site: open the page here and do it again"
    return None


def answers_to(name: str, settings: Settings) -> bool:
    """Whether a Host is one of ours: another one is a page elsewhere that made its name point here.

    An address cannot be made to point here, so that addresses are fine; names have to be known.
    """
    name = name.lower().rstrip(".")
    known = {settings.host.lower(), socket.gethostname().lower(), *settings.hosts} | LOCAL
    return name in known or _is_address(name)


def name_of(host: str) -> str:
    """The name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
