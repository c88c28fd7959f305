"""The audit trail as admins read and check it."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.services.authority import Actor, require
from app.services.cells import inert
from app.services.context import Context
from app.services.errors import Refused
from storage import audit, images
from storage.audit import Checked
from storage.models import Role

__all__ = ["Checked", "Filter", "Told", "trail", "trail_actions", "trail_csv", "verify_trail"]

PAGE = 200


@dataclass(frozen=True)
class Told:
    """One entry; `project` is a slug, "project 3 (deleted)" for one that is gone, "" for none."""

    id: int
    at: datetime
    by: str
    action: str
    project: str
    details: dict[str, Any]
    sha256: str


@dataclass(frozen=True)
class Filter:
    """Which entries: by whom, of what kind, of which project, from when and before when; None leaves it open."""

    by: str | None = None
    action: str | None = None
    project: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def trail(
    context: Context, actor: Actor, *, which: Filter | None = None, before: int | None = None, limit: int = PAGE
) -> list[Told]:
    """The latest entries, the newest first; `before` is the id of the last one seen.

    Raises:
        Refused: the filter names a project that is not there.
    """
    with context.database.read() as session:
        require(session, actor, Role.admin)
        return list(_told(session, which or Filter(), before, limit))


def trail_actions(context: Context, actor: Actor) -> list[str]:
    """Every kind of entry that there is."""
    with context.database.read() as session:
        require(session, actor, Role.admin)
        return list(audit.actions(session))


def trail_csv(context: Context, actor: Actor, *, which: Filter | None = None) -> str:
    """All entries of a filter as CSV, the newest first; no cell of it is a formula to a spreadsheet."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["id", "at", "by", "action", "project", "details", "sha256"])
    before: int | None = None
    with context.database.read() as session:
        require(session, actor, Role.admin)
        while page := list(_told(session, which or Filter(), before, PAGE)):
            for row in page:
                details = json.dumps(row.details, sort_keys=True, ensure_ascii=False)
                cells = [row.id, row.at.isoformat(), row.by, row.action, row.project, details, row.sha256]
                writer.writerow([inert(str(cell)) for cell in cells])
            before = page[-1].id
    return target.getvalue()


def verify_trail(context: Context, actor: Actor, *, known: str = "") -> Checked:
    """Read the whole chain.

    Args:
        known: "NUMBER:HASH" of an entry that somebody wrote down, which has to be in it still.

    Raises:
        Refused: `known` is not of that form.
    """
    with context.database.read() as session:
        require(session, actor, Role.admin)
        return audit.verify(session, known=_known(known) if known else None)


def _told(session: Session, which: Filter, before: int | None, limit: int) -> Iterator[Told]:
    slugs = {project.id: project.slug for project in images.projects(session)}
    wanted = next((number for number, slug in slugs.items() if slug == which.project), None)
    if which.project and wanted is None:
        raise Refused(f"there is no project {which.project!r} (there is: {', '.join(slugs.values()) or 'none yet'})")
    rows = audit.entries(
        session,
        project_id=wanted,
        by=which.by or None,
        action=which.action or None,
        since=which.since,
        until=which.until,
        before=before,
        limit=limit,
    )
    for row in rows:
        gone = f"project {row.project_id} (deleted)" if row.project_id else ""
        project = slugs.get(row.project_id or 0, gone)
        yield Told(row.id, row.at, row.by, row.action, project, row.details, row.sha256)


def _known(text: str) -> tuple[int, str]:
    number, _, sha256 = text.strip().partition(":")
    if not number.isdigit() or len(sha256) != 64:
        raise Refused(f"{text[:80]!r} is no entry: give NUMBER:HASH as `audit verify` printed it")
    return int(number), sha256
