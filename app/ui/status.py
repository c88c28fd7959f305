"""The HTTP status of what is refused: whose fault it is, and whether to ask again."""

from app.services.authority import NotAllowed
from app.services.errors import Refused
from storage.errors import NotFound, StorageError, Unavailable


class TooLarge(Refused):
    """More bytes than are taken at once."""


REFUSALS = (Refused, StorageError)  # NotAllowed among them
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (TooLarge, 413),
    (Unavailable, 503),
)


def status_of(refused: Exception) -> int:
    """400 for what the request got wrong; 503 where the object store is away, so that clients try again."""
    return next((status for kind, status in STATUS if isinstance(refused, kind)), 400)
