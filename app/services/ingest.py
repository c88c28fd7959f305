"""Bring images into a project: every file ends as an image, a duplicate, or a refusal with its reason."""

import errno
import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from app import jobs
from app.services.access import project_of
from app.services.arrival import Tally, bring_in, no_room
from app.services.authority import Actor, require
from app.services.context import Context
from app.services.errors import Refused
from app.services.layout import Refusal, arrange
from app.services.projects import create_project
from app.services.sources import NAMES, opened
from storage import audit, images
from storage.models import Ingest, Role

__all__ = [
    "CONTENTS",
    "Content",
    "IngestReport",
    "Refusal",
    "create_project",
    "ingest_reports",
    "ingest_source",
    "project_of",
    "request_ingest",
    "stage_upload",
]

Content = Literal["auto", "normal", "unknown"]
CONTENTS = ("auto", "normal", "unknown")
SPARE = 512 * 2**20  # bytes that an upload must leave free on the disk


@dataclass(frozen=True)
class IngestReport:
    """What one arrival came to."""

    ingest_id: int
    added: int
    duplicates: int
    refused: list[Refusal]


def ingest_source(
    context: Context,
    actor: Actor,
    project_slug: str,
    source: Path,
    *,
    content: Content = "auto",
    progress: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
    ingest_id: int | None = None,
) -> IngestReport:
    """Bring in a folder, a zip or staged uploads. Killed or stopped at any moment, a second call completes it.

    Args:
        content: what unlabelled images are; see `arrange`.
        progress: called with files done and files in all.
        should_stop: asked before each file.
        ingest_id: go on with this arrival instead of opening a new one.

    Raises:
        Refused: nothing can be read from the source, or there is no room left.
        Stopped: `should_stop` answered true; what was brought in stays.
    """
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
    if content not in CONTENTS:
        raise Refused(f"content {content!r} is not known: choose {', '.join(CONTENTS)}")
    with opened(source) as entries:
        candidates, refused = arrange(entries, content)
        if ingest_id is None:
            ingest_id = _open_ingest(context, actor, project.id, source.name)
        tally = Tally(ingest_id, refused=refused)
        if not candidates:
            _close_ingest(context, tally)
            raise Refused(f"{source.name} holds no image that can be read ({len(refused)} other files): check the path")
        try:
            bring_in(context, project.id, candidates, tally, progress=progress, should_stop=should_stop)
        except OSError as error:
            raise Refused(no_room(error, tally)) from error
    _close_ingest(context, tally)
    return IngestReport(ingest_id, tally.added, tally.duplicates, tally.refused)


def stage_upload(context: Context, actor: Actor, files: Iterable[tuple[str, bytes | BinaryIO]]) -> Path:
    """Keep uploads until a worker ingests them. Each is stored under a number; its name is only ever text."""
    with context.database.read() as session:
        require(session, actor, Role.engineer)
    folder = context.settings.home / "uploads" / uuid.uuid4().hex
    names: dict[str, str] = {}
    try:
        folder.mkdir(parents=True)
        for number, (name, file) in enumerate(files):
            if shutil.disk_usage(folder).free < SPARE:
                raise OSError(errno.ENOSPC, "no space left on the disk")
            with (folder / f"{number:06d}").open("wb") as target:
                target.write(file) if isinstance(file, bytes) else shutil.copyfileobj(file, target, 2**20)
            names[f"{number:06d}"] = name.replace("\\", "/")[:400] or f"file {number}"
        if not names:
            raise Refused("nothing was uploaded: choose images or a zip")
        (folder / NAMES).write_text(json.dumps(names), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Refused(f"the upload cannot be kept ({error.strerror or error}): free some space, try again") from error
    return folder


def request_ingest(context: Context, actor: Actor, project_slug: str, source: Path, content: Content = "auto") -> str:
    """Queue the ingest of a staged upload and return the run's id. Other places are for the command line alone."""
    with context.database.read() as session:
        project_of(session, actor, project_slug, Role.engineer)
    uploads = (context.settings.home / "uploads").resolve()
    if content not in CONTENTS or source.resolve().parent != uploads or not (source / NAMES).is_file():
        raise Refused(f"{source.name} is no staged upload: upload the files again")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        arrival = images.start_ingest(session, project_id=project.id, source=_shown(source), by=actor.name)
        arguments = {"source": source.name, "content": content, "ingest_id": arrival.id}
        return jobs.submit(session, project_id=project.id, kind="ingest", by=actor.name, arguments=arguments)


def ingest_reports(context: Context, actor: Actor, project_slug: str) -> Sequence[Ingest]:
    """All arrivals of a project, the latest first."""
    with context.database.read() as session:
        return list(images.ingests(session, project_of(session, actor, project_slug, Role.viewer).id))


def _shown(folder: Path) -> str:
    names = list(json.loads((folder / NAMES).read_text(encoding="utf-8")).values())
    return names[0] if len(names) == 1 else f"{len(names)} uploaded files"


def _open_ingest(context: Context, actor: Actor, project_id: int, source: str) -> int:
    with context.database.write() as session:
        return images.start_ingest(session, project_id=project_id, source=source, by=actor.name).id


def _close_ingest(context: Context, tally: Tally) -> None:
    refused = [{"name": refusal.name, "reason": refusal.reason} for refusal in tally.refused]
    with context.database.write() as session:
        done = images.finish_ingest(
            session, tally.ingest_id, added=tally.added, duplicates=tally.duplicates, refused=refused
        )
        details = {"ingest": done.id, "added": done.added, "duplicates": done.duplicates, "refused": len(refused)}
        audit.record(session, by=done.by, action="ingest", details=details, project_id=done.project_id)
