"""How long a project keeps images that nobody labelled and no version was made from: for good, unless an admin says."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import audit, images, removal, retention, runs
from storage.models import Project, Role, now

KEEP = "keep_days"
LONGEST = 36_500


def keep_days(context: Context, actor: Actor, project_slug: str) -> int | None:
    """Days that such images are kept; None: for good."""
    with context.database.read() as session:
        return _days(project_of(session, actor, project_slug, Role.viewer))


def set_keep_days(context: Context, actor: Actor, project_slug: str, days: int | None) -> None:
    """Keep such images for so many days from their arrival, or for good (None); `tidy` deletes what is older.

    Raises:
        Refused: not from 1 to 36,500 days.
    """
    if days is not None and not 1 <= days <= LONGEST:
        raise Refused(f"{days} days are not from 1 to {LONGEST:,}: choose others, or keep images for good")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.admin)
        project.settings = {**project.settings, KEEP: days}
        audit.record(session, by=actor.name, action="keep days", details={"days": days}, project_id=project.id)


def ruled(session: Session) -> list[Project]:
    """The projects that don't keep everything for good."""
    return [project for project in images.projects(session) if _days(project) is not None]


def past(context: Context, project: Project) -> tuple[list[list[int]], int]:
    """(ids of the images past the project's days, in batches; bytes that only they may need)."""
    found, keys = list[list[int]](), set[str]()
    with context.database.read() as session:
        used = retention.used(session, project.id)
        for batch in retention.expired(session, project.id, before=_before(project), used=used):
            found.append(batch)
            keys |= retention.keys_of(session, batch)
    return found, sum(context.blobs.sizes(keys).values())


def enforce(context: Context, project_id: int, found: list[list[int]], *, by: str) -> int:
    """Delete the rows of what `past` found and is past still, batch by batch, each with its audit entry; how many went.

    Stops while a run of the project goes on, which may be about to score them. Their objects are left to `tidy`.
    """
    total = 0
    for batch in found:
        with context.database.write() as session:
            removal.hold(session, project_id, image_ids=batch)
            project = images.project(session, project_id)
            if _days(project) is None or runs.active_run(session, project_id) is not None:
                break
            gone = retention.remove(session, project_id, batch, before=_before(project))
            if gone:
                details = {"days": _days(project), "images": gone}
                audit.record(session, by=by, action="retention", details=details, project_id=project_id)
        total += gone
    return total


def _days(project: Project) -> int | None:
    days: int | None = project.settings.get(KEEP)
    return days


def _before(project: Project) -> datetime:
    return now() - timedelta(days=_days(project) or LONGEST)
