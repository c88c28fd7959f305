"""A file that a person named: it is there whole, or not at all."""

from pathlib import Path

from app.services.errors import Refused
from storage.stores import write_atomically


def write_out(path: Path, content: str | bytes) -> None:
    """Write text as UTF-8, or bytes, under the name that was asked for.

    Raises:
        Refused: it cannot be written; nothing is left of it.
    """
    try:
        write_atomically(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror or error}): choose another place") from error
