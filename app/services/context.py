"""What every use case stands on: the settings, the database, the object store."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from app.services.authority import Actor
from app.services.errors import Refused
from app.settings import Settings
from storage.blobs import Blobs
from storage.database import Database
from storage.errors import StorageError
from storage.row_backup import save_before_upgrade

UNFINISHED = ".restoring"  # in a home whose restore has not come to its end

__all__ = ["Actor", "Context", "open_context", "opened"]


@dataclass(frozen=True)
class Context:
    """Handed to every use case first; open one per process."""

    settings: Settings
    database: Database
    blobs: Blobs


def open_context(settings: Settings) -> Context:
    """Make the home folder, bring the schema up to date (its rows are backed up first) and open the stores.

    Raises:
        Refused: the home cannot be written, the database not reached, or the object store not opened.
    """
    _make_home(settings)
    with ExitStack() as undo:
        try:
            database = Database(settings.database_url)
            undo.callback(database.dispose)
            save_before_upgrade(database, settings.home / "backups")
            database.upgrade()
        except (DBAPIError, ArgumentError, StorageError, OSError) as error:
            raise Refused(
                f"the database {_shown(settings.database_url)} cannot be opened ({_first_line(error)}): "
                "see that it runs and may be written, or set BGAD_DATABASE_URL"
            ) from error
        try:
            blobs = Blobs(settings.objects_url)
        except (StorageError, OSError, ValueError, ImportError) as error:
            raise Refused(
                f"the object store {settings.objects_url} cannot be opened ({_first_line(error)}): set BGAD_OBJECTS_URL"
            ) from error
        undo.pop_all()
    return Context(settings, database, blobs)


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """What `open_context` opens, for a process that needs it for a while; its connections are closed at the end."""
    context = open_context(settings)
    try:
        yield context
    finally:
        context.database.dispose()


def _make_home(settings: Settings) -> None:
    probe = settings.home / ".writable"
    if (settings.home / UNFINISHED).exists():
        raise Refused(
            f"a restore into {settings.home} has not come to its end: empty that folder and the database, "
            "then restore once more"
        )
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink(missing_ok=True)
    except OSError as error:
        raise Refused(
            f"the folder {settings.home} cannot be written ({error.strerror or error}): "
            "free some space, mend its rights, or set BGAD_HOME to another folder"
        ) from error


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return repr(url)


def _first_line(error: Exception) -> str:
    origin = getattr(error, "orig", None) or error
    return str(origin).strip().splitlines()[0] if str(origin).strip() else type(origin).__name__
