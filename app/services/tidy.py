"""What nothing needs any more, by what projects keep: found, said, and on request deleted, while everything runs.

The store is listed first, the rows are read next, and each object's age is looked at once more by the deletion itself.
That is enough: an object that a row named before the rows were read stays; one that is named later was put or renewed
by its writer just before, so it is young; and one that a run wrote long before its rows is no older than that run. Only
a writer outside of a run that stands still for an hour between an object and its row could lose it.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.services import retention
from app.services.authority import Actor, require
from app.services.context import Context
from app.services.errors import Refused
from app.services.removal import JUST_NOW, safe_before
from storage import audit, references, removal, runs
from storage.blobs import NAME, OBJECT
from storage.models import ACTIVE, Role, Run
from storage.stores import Entry

GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Leftover:
    """One thing that nothing needs: a path in the object store, or on this machine's disk."""

    kind: str
    bytes: int
    stored: str = ""
    local: Path | None = None


@dataclass(frozen=True)
class Tally:
    """How much of one kind there is."""

    kind: str
    count: int
    bytes: int


OBJECTS = "objects that no row names"
RESULTS = "results of shards, taken over by their rows"
UNFINISHED = "unfinished files of processes that are gone"
UPLOADS = "uploads that no run waits for"
FOLDERS = "folders of runs that are over"
COPIES = "copies of objects that no row names"


def tidy(context: Context, actor: Actor, *, older_than: timedelta = GRACE, remove: bool = False) -> list[Tally]:
    """Find what nothing needs and nobody touched for `older_than`, for an admin; what `remove` deleted, by kind.

    Keeps the names of all old objects in memory, and reads every row once.

    Raises:
        Refused: `older_than` is too short to tell a leftover from something that is just being written.
        StorageError: the store cannot be read or changed; what was deleted until then is told by the next tidy.
    """
    with context.database.read() as session:
        require(session, actor, Role.admin)
    if older_than < JUST_NOW:
        raise Refused(f"{older_than} is too young to be sure that nobody needs it: give {JUST_NOW} or more")
    ruled = _past_their_days(context, actor, remove=remove)
    before = safe_before(context, older_than)
    age = context.blobs.clock() - before
    found = [*_in_store(context, before), *_on_disk(context, age)]
    if remove:
        found = [each for each in found if _deleted(context, each, before)]
    tallies = _by_kind(found)
    if remove and found:
        details = {tally.kind: {"count": tally.count, "bytes": tally.bytes} for tally in tallies}
        with context.database.write() as session:
            audit.record(session, by=actor.name, action="tidy", details=details)
    return ruled + tallies


def _past_their_days(context: Context, actor: Actor, *, remove: bool) -> list[Tally]:
    """Images that a project keeps for so many days and no longer: their rows first, their objects with the others."""
    with context.database.read() as session:
        projects = retention.ruled(session)
    tallies = []
    for project in projects:
        found, size = retention.past(context, project)
        count = retention.enforce(context, project.id, found, by=actor.name) if remove else sum(map(len, found))
        if count:
            kind = f"images of {project.slug} past its {project.settings[retention.KEEP]} days, without a label"
            tallies.append(Tally(kind, count, 0 if remove else size))  # removed, their objects are counted as such
    return tallies


def _in_store(context: Context, before: datetime) -> Iterator[Leftover]:
    old = [entry for entry in context.blobs.entries() if entry.modified < before]
    objects = {_key(entry): entry for entry in old if OBJECT.fullmatch(entry.path)}
    with context.database.read() as session:
        free = references.unnamed(session, objects)
    for key in sorted(free):
        yield Leftover(OBJECTS, objects[key].size, stored=objects[key].path)
    for entry in old:
        if NAME.fullmatch(entry.path):
            yield Leftover(RESULTS, entry.size, stored=entry.path)
        elif _key(entry).startswith("."):  # as `write_atomically` names what it has not finished
            yield Leftover(UNFINISHED, entry.size, stored=entry.path)


def _on_disk(context: Context, age: timedelta) -> Iterator[Leftover]:
    """Everything under the home that is older than `age` by this machine's clock and belongs to nobody."""
    home, limit = context.settings.home, time.time() - age.total_seconds()
    with context.database.read() as session:
        waiting = removal.awaited_uploads(session)
        over = {folder for folder in (home / "runs").glob("*") if not _goes_on(runs.run(session, folder.name))}
        copies = {path.name: path for path in (home / "cache").glob("*/*") if path.is_file()}
        free = references.unnamed(session, copies)
    for kind, paths in (
        (UPLOADS, [path for path in (home / "uploads").glob("*") if path.name not in waiting]),
        (FOLDERS, sorted(over)),
        (COPIES, [copies[name] for name in sorted(free)]),
    ):
        for path in paths:
            if (size := _size_if_old(path, limit)) is not None:
                yield Leftover(kind, size, local=path)


def _goes_on(run: Run | None) -> bool:
    return run is not None and run.state in ACTIVE


def _size_if_old(path: Path, limit: float) -> int | None:
    """Bytes of a file or folder in which nothing was changed since `limit`; None otherwise."""
    try:
        found = [each.stat() for each in (path, *path.rglob("*"))]
    except FileNotFoundError:  # a worker was faster
        return None
    return None if max(each.st_mtime for each in found) >= limit else sum(each.st_size for each in found)


def _deleted(context: Context, each: Leftover, before: datetime) -> bool:
    if each.local is None:
        return context.blobs.discard(each.stored, before=before)
    try:
        shutil.rmtree(each.local) if each.local.is_dir() else each.local.unlink()
    except OSError:  # a worker was faster, or the rights are missing: the next tidy tells
        return False
    return True


def _by_kind(found: list[Leftover]) -> list[Tally]:
    kinds = dict.fromkeys(each.kind for each in found)
    sizes = {kind: [each.bytes for each in found if each.kind == kind] for kind in kinds}
    return [Tally(kind, len(all_of), sum(all_of)) for kind, all_of in sizes.items()]


def _key(entry: Entry) -> str:
    return entry.path.rpartition("/")[2]
