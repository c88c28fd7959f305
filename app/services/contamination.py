"""Normals that look unlike the others, before a boundary can doubt them: ask for the ranking, and read the last one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import jobs
from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.retrain import refusal, training_data
from app.services.suspects import Suspect
from storage import annotations, audit, label_reviews, runs
from storage.label_reviews import Who
from storage.models import Annotation, Image, Role, Run, RunState, Verdict

KIND = "contamination"
MOST = 2000  # normals that are looked at, drawn by their content hashes


@dataclass(frozen=True)
class OddNormals:
    """The latest ranking.

    Attributes:
        looked, normals: how many good parts it ranked, of how many there were.
        found: those of its first whose label still stands and nobody has reviewed, the oddest first.
    """

    at: datetime
    looked: int
    normals: int
    found: list[Suspect]


def request_contamination(context: Context, actor: Actor, project_slug: str) -> str:
    """Queue the ranking and return the run's id; one that waits or works is returned instead.

    Raises:
        Refused: too few normal parts.
    """
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        if (why := refusal(project, training_data(session, project.id))) is not None:
            raise Refused(why)
        if found := runs.active_run(session, project.id, KIND):
            return found.id
        run_id = jobs.submit(session, project_id=project.id, kind=KIND, by=actor.name, arguments={})
        audit.record(session, by=actor.name, action=KIND, details={"run": run_id}, project_id=project.id)
    return run_id


def odd_normals(context: Context, actor: Actor, project_slug: str, *, who: Who = "all") -> OddNormals | None:
    """The latest ranking, without what was settled since; None before there is one."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        finished = select(Run).where(Run.project_id == project.id, Run.kind == KIND, Run.state == RunState.done)
        run = session.scalars(finished.order_by(Run.created_at.desc()).limit(1)).first()
        if run is None or not run.result or run.finished_at is None:
            return None
        ranked = {label: (rank, times) for rank, (label, times) in enumerate(run.result["odd"], 1)}
        query = (
            select(Annotation, Image)
            .join(Image, Image.id == Annotation.image_id)
            .where(Annotation.id.in_(ranked), Annotation.verdict == Verdict.normal)
            .where(annotations.is_current(Annotation), ~label_reviews.is_reviewed(), label_reviews.said_by(who))
        )
        rows = sorted(session.execute(query).all(), key=lambda row: ranked[row[0].id])
    looked = run.result["looked"]
    found = [_suspect(said, image, *ranked[said.id], looked) for said, image in rows]
    return OddNormals(run.finished_at, looked, run.result["normals"], found)


def _suspect(said: Annotation, image: Image, rank: int, times: float, looked: int) -> Suspect:
    reason = f"{rank} of {looked}: its oddest place lies {times:.2f} times as far from the others as the middle part's"
    return Suspect(image.id, said.id, image.name, Verdict.normal, None, said.by, None, reason)
