"""A project's end: what would go is said first, then it goes for good.

All rows go in one transaction together with the audit entry that counts them. Objects go after it, and only those that
no row of any project names and that nobody wrote or renewed a moment ago; a process that is killed in between leaves
objects that nothing names, which `tidy` collects.
"""

import contextlib
import logging
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import audit, references, removal, runs
from storage.blobs import path_of
from storage.errors import StorageError
from storage.models import Role, now

log = logging.getLogger(__name__)

JUST_NOW = timedelta(minutes=10)  # from an object's bytes to the row that names it, with clocks that differ

WORDS = {
    "images": "images",
    "annotations": "labels, with their history",
    "masks": "of these, with a mask",
    "typed_masks": "masks of single types",
    "label_reviews": "reviews of labels",
    "label_imports": "imports of labels",
    "imported_labels": "labels of these imports",
    "defect_types": "defect types",
    "versions": "versions",
    "promotions": "promotions",
    "operating_points": "operating points",
    "evaluations": "evaluations",
    "scores": "scores",
    "ingests": "arrivals of images",
    "runs": "runs",
    "run_lines": "lines of their logs",
    "shards": "parts of large scorings",
    "leases": "images given to somebody",
    "skips": "images put off",
    "memberships": "roles of people",
    "api_tokens": "tokens of scripts",
}


@dataclass(frozen=True)
class Goes:
    """What a removal deletes.

    Attributes:
        rows: rows by table, and labels that carry a mask under `masks`.
        objects, bytes: files in the object store that nothing else needs: images, thumbnails, maps, checkpoints.
        shared: objects that stay, because another project's rows name them too.
    """

    slug: str
    name: str
    rows: dict[str, int]
    objects: int
    bytes: int
    shared: int

    def told(self) -> list[tuple[str, str]]:
        """(what, how much) for people, the heaviest first; of shared objects it is said that they stay."""
        found = [(words, self.rows[table]) for table, words in WORDS.items() if table in self.rows]
        found += [(table.replace("_", " "), n) for table, n in self.rows.items() if table not in {*WORDS, "projects"}]
        lines = [(words, f"{count:,}") for words, count in found]
        lines.append(("files of images, maps and models", f"{self.objects:,} ({self.bytes / 2**20:,.1f} MiB)"))
        if self.shared:
            lines.append(("files that stay, because another project has them too", f"{self.shared:,}"))
        return lines


@dataclass(frozen=True)
class Removed:
    """What a removal deleted; `waiting` objects were too young to tell whether somebody is about to name them."""

    name: str
    rows: int
    objects: int
    bytes: int
    waiting: int

    def told(self) -> str:
        """One sentence for people."""
        went = f"{self.name} is removed: {self.rows:,} rows and {self.objects:,} files ({self.bytes / 2**20:,.1f} MiB)"
        if not self.waiting:
            return went
        return f"{went}; {self.waiting:,} files that were written minutes ago go with `bgad-inspect tidy --remove`"


@dataclass(frozen=True)
class _Belongings:
    """What lies outside of the database: (path in the store, bytes), run folders, staged uploads."""

    objects: dict[str, int]
    shared: int
    results: list[str]
    folders: list[Path]


def what_goes(context: Context, actor: Actor, slug: str) -> Goes:
    """What `remove_project` would delete, for an admin; reads all rows once."""
    with context.database.read() as session:
        project = project_of(session, actor, slug, Role.admin)
        rows = removal.counts(session, project.id)
        found = _belongings(context, session, project.id)
    return Goes(slug, project.name, rows, len(found.objects), sum(found.objects.values()), found.shared)


def remove_project(context: Context, actor: Actor, slug: str, *, confirm: str) -> Removed:
    """Delete a project with all that belongs to it, for good; backups that were taken hold it still.

    Raises:
        Refused: `confirm` is not the slug, or a run of the project has not ended.
    """
    with context.database.read() as session:
        project = project_of(session, actor, slug, Role.admin)
        if confirm != slug:
            raise Refused(f"{confirm[:80]!r} is not {slug!r}: type the project's short name to remove it")
        _refuse_while_running(session, project.id, slug)
        found = _belongings(context, session, project.id)
    with context.database.write() as session:
        project = project_of(session, actor, slug, Role.admin)
        removal.hold(session, project.id)
        _refuse_while_running(session, project.id, slug)
        rows = removal.counts(session, project.id)
        files = {"objects": len(found.objects), "bytes": sum(found.objects.values()), "shared": found.shared}
        details = {"slug": slug, "name": project.name, "rows": rows, **files}
        audit.record(session, by=actor.name, action="remove project", details=details, project_id=project.id)
        removal.remove(session, project.id)
    deleted = _discard(context, found)
    count = sum(rows.values()) - rows.get("masks", 0)
    return Removed(str(details["name"]), count, len(deleted), sum(deleted.values()), len(found.objects) - len(deleted))


def safe_before(context: Context, grace: timedelta) -> datetime:
    """By the object store's clock: what was not written since then, somebody would have named by now if they meant to.

    A run that is going on may name what it wrote at its very start, so nothing is old that is younger than the oldest.
    """
    with context.database.read() as session:
        since = runs.oldest_active(session)
    age = now() - since if since is not None else timedelta()
    return context.blobs.clock() - grace - max(age, timedelta())


def _belongings(context: Context, session: Session, project_id: int) -> _Belongings:
    named = removal.objects(session, project_id)
    alone = references.unnamed(session, named, without=project_id)
    home = context.settings.home
    folders = [home / "runs" / run_id for run_id in removal.run_ids(session, project_id)]
    folders += [home / "uploads" / Path(name).name for name in removal.uploads(session, project_id)]
    objects = context.blobs.sizes(alone)
    return _Belongings(objects, len(named) - len(alone), removal.results(session, project_id), folders)


def _refuse_while_running(session: Session, project_id: int, slug: str) -> None:
    if (run := runs.active_run(session, project_id)) is not None:
        raise Refused(
            f"a {run.kind} of {slug} is {run.state.value} (by {run.by}, run {run.id}): cancel it, or wait until it ends"
        )


def _discard(context: Context, found: _Belongings) -> dict[str, int]:
    """Delete what the committed removal set free; objects that somebody named or wrote meanwhile stay."""
    before = safe_before(context, JUST_NOW)
    with context.database.read() as session:
        free = references.unnamed(session, found.objects)
    deleted: dict[str, int] = {}
    try:
        for key in free:
            if context.blobs.discard(path_of(key), before=before):
                deleted[key] = found.objects[key]
        for name in found.results:
            context.blobs.discard(name, before=before)
    except StorageError as error:
        log.warning("objects of a removed project are left for `bgad-inspect tidy`: %s", error)
    _sweep(copies(context, found.objects))
    _sweep(found.folders)
    return deleted


def copies(context: Context, keys: Iterable[str]) -> list[Path]:
    """Where this machine keeps copies of objects that lie in a bucket."""
    return [context.settings.home / "cache" / key[:2] / key for key in keys]


def _sweep(paths: Iterable[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
