"""The pasted defects that the next retrain would train on: ask for them, and read the latest ones."""

from sqlalchemy import select

from app import jobs
from app.services.access import project_of, run_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.retrain import refusal, training_data
from storage.errors import NotFound
from storage.models import ACTIVE, Role, Run, RunState

KIND = "preview"


def request_preview(context: Context, actor: Actor, project_slug: str, *, preset: str = "product") -> str:
    """Queue the pasting and return the run's id; one that waits or works is returned instead.

    Raises:
        Refused: too few normal parts, or no known defect with a mask.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        data = training_data(session, project.id)
        if (why := refusal(project, data)) is not None:
            raise Refused(why)
        if not any(said.mask for _, said in data.anomalies):
            raise Refused(
                f"none of the {len(data.anomalies)} known defects has a mask, and only a mask can be cut out: outline "
                "one on the Label page"
            )
        active = select(Run.id).where(Run.project_id == project.id, Run.kind == KIND, Run.state.in_(ACTIVE))
        if found := session.scalar(active):
            return found
        return jobs.submit(session, project_id=project.id, kind=KIND, by=actor.name, arguments={"preset": preset})


def last_preview(context: Context, actor: Actor, project_slug: str) -> tuple[str, int] | None:
    """(run id, how many pictures) of the latest one."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        query = select(Run).where(Run.project_id == project.id, Run.kind == KIND, Run.state == RunState.done)
        run = session.scalars(query.order_by(Run.created_at.desc()).limit(1)).first()
    return (run.id, len(run.result["pictures"])) if run is not None and run.result else None


def pasted_png(context: Context, actor: Actor, run_id: str, index: int) -> bytes:
    """One picture of a preview.

    Raises:
        NotFound: no such preview, or no such picture in it.
    """
    with context.database.read() as session:
        run = run_of(session, actor, run_id, Role.viewer)
    pictures = run.result["pictures"] if run.kind == KIND and run.result else []
    if not 0 <= index < len(pictures):
        raise NotFound(f"there is no pasted picture {index} of run {run_id[:36]}: ask for them again")
    return context.blobs.get(pictures[index])
