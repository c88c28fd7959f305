"""Restore: an installation from a backup, in an empty home and an empty database of either kind."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app.services.authority import Actor, refuse_below
from app.services.backup import BackupReport, report_of, verify_backup
from app.services.context import UNFINISHED
from app.services.errors import Refused
from app.settings import Settings
from storage import archive, dump, migrate
from storage.archive import Archive
from storage.blobs import Blobs
from storage.database import Database
from storage.errors import StorageError
from storage.models import Role
from storage.row_backup import WHOLE


def restore_backup(settings: Settings, actor: Actor, path: Path) -> BackupReport:
    """Verify a backup and make an installation from it; the rows come last and all at once.

    A backup that an upgrade made by itself holds rows alone: it goes into an empty database beside its objects.

    Raises:
        Refused: home or database hold something already, or the backup is of a newer release.
        StorageError: the backup is not whole, or something cannot be written.
    """
    refuse_below(actor, actor.role, Role.admin)  # there is no database yet that would know more
    report = verify_backup(path)
    if not migrate.known(report.revision):
        raise Refused(f"{path.name} is of a newer release (schema {report.revision}): install that one first")
    with archive.opened(path) as opened, _told(settings):
        _require_empty(settings, whole=opened.manifest["kind"] == WHOLE)
        marker = settings.home / UNFINISHED
        settings.home.mkdir(parents=True, exist_ok=True)
        marker.write_text(f"restoring {path.name}\n", encoding="utf-8")
        _restore_files(opened, settings)
        _restore_rows(opened, settings)
        marker.unlink()
        return report_of(opened)


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """What the disk or the database refuses, as a sentence."""
    try:
        yield
    except KeyboardInterrupt:
        raise StorageError(
            f"stopped: {settings.home} and its database are half restored: empty both, try again"
        ) from None
    except (OSError, DBAPIError) as error:
        said = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
        raise StorageError(
            f"{settings.home} or its database cannot be written ({said.strip().partition(chr(10))[0]}): free some "
            "space, empty both, try again"
        ) from error


def _require_empty(settings: Settings, *, whole: bool) -> None:
    there = sorted(path.name for path in settings.home.iterdir()) if settings.home.exists() else []
    if whole and there:
        raise Refused(
            f"{settings.home} is not empty ({', '.join(there[:3])}): restore into a new folder, BGAD_HOME=... names it"
        )
    database = Database(settings.database_url)
    try:
        with database.engine.connect() as connection:
            found = dump.revision(connection)
    finally:
        database.dispose()
    if found is not None:
        raise Refused("the database is not empty: restore into a new one, BGAD_DATABASE_URL=... names it")


def _restore_files(opened: Archive, settings: Settings) -> None:
    blobs = Blobs(settings.objects_url)
    for name in opened.names("objects"):
        blobs.put(b"".join(opened.chunks(name)))
    for name in opened.names("weights"):
        _write(settings.home / f"{name}.safetensors", opened.chunks(name))
    for name in opened.names("uploads"):
        _write(settings.home / name, opened.chunks(name))


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _restore_rows(opened: Archive, settings: Settings) -> None:
    """The schema as the backup has it, all rows in one transaction, then the schema of this release."""
    weights = {
        given: str(settings.home / "weights" / f"{digest}.safetensors")
        for given, digest in opened.manifest["weights"].items()
    }
    database = Database(settings.database_url)
    try:
        migrate.upgrade(database.engine, opened.manifest["revision"])
        with database.engine.connect().execution_options(bgad_write=True) as connection, connection.begin():
            there = {table.name: table for table in dump.tables(connection)}
            for name, kept in opened.manifest["tables"].items():
                if name not in there:
                    raise StorageError(f"the backup has a table {name} that this release does not know: update it")
                rows = opened.lines(f"tables/{name}.jsonl")
                if name == "projects":
                    rows = (_moved(line, kept["columns"], weights) for line in rows)
                dump.load(connection, there[name], kept["columns"], rows)
        migrate.upgrade(database.engine)
    finally:
        database.dispose()


def _moved(line: bytes, columns: list[str], weights: dict[str, str]) -> bytes:
    """A project's row whose weights lie where the restore has put them."""
    values = json.loads(line)
    settings = values[columns.index("settings")] or {}
    if settings.get("weights") in weights:
        settings["weights"] = weights[settings["weights"]]
    return json.dumps(values).encode()
