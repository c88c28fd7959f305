"""Who may ask a served model: a file with one line per token, its name and its SHA-256. Tokens themselves are nowhere.

A token has 256 random bits, so that a plain hash of it tells nothing; a password would need a slow one.
"""

import hashlib
import hmac
import os
import re
import secrets
import threading
from pathlib import Path

from app.services.errors import Refused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
PREFIX = "bgad_"
MAKES_ONE = "`bgad-inspect model-token NAME` (or `bgad-serve token NAME`)"


def add_token(path: Path, name: str) -> str:
    """Make a token, add its hash to the file, and return it: nobody can read it again.

    Raises:
        Refused: a name that is odd or taken, or a file that cannot be written.
    """
    if not NAME.fullmatch(name):
        raise Refused(f"{name!r} is no name for a token: letters, digits, dots and dashes, for example line-4")
    if name in (_read(path) if path.exists() else {}).values():
        raise Refused(f"{path} has a token for {name} already: remove its line to replace it")
    token = PREFIX + secrets.token_urlsafe(32)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8") as file:
            file.write(f"{name} {_hash(token)}\n")
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}): choose another place") from error
    return token


class Tokens:
    """The tokens of a file, read again when it changes: a removed line ends its token at once.

    Raises:
        Refused: no such file, none in it, or a line that is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        if not path.is_file() or not (found := _read(path)):
            raise Refused(
                f"{path} has no token, and nothing is served without one: {MAKES_ONE} with --tokens {path} makes one"
            )
        self._state, self._found = self._stat(), found

    def holder(self, token: str) -> str | None:
        """The name that a token was made for; None for a stranger's."""
        digest = _hash(token)
        found = None
        for known, name in self._current().items():
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def _current(self) -> dict[str, str]:
        with self._lock:
            if (state := self._stat()) != self._state:
                self._found = _read(self.path) if state else {}
                self._state = state
            return self._found

    def _stat(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    """Name by hash; empty lines and those that begin with # are nobody's."""
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read ({error}): give a file made by {MAKES_ONE}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, digest = line.strip().partition(" ")
        if not NAME.fullmatch(name) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise Refused(f"line {number} of {path} is no token's: NAME and 64 hexadecimal digits are")
        found[digest] = name
    return found
