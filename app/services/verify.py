"""Ask for a version's figures to be made again from its snapshot, and read what came out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import jobs
from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from storage import audit, versions
from storage.models import ACTIVE, Role, Run, RunState

KIND = "verify"


@dataclass(frozen=True)
class Verification:
    """What recomputing a version from its snapshot gave.

    Attributes:
        boundaries: every b_n and b_a is the same to the last bit.
        scored, differing: images scored again, and those with another score or standing.
        last_bits: those whose score differs by less than a millionth, because others were in their batch then.
        labels_changed: labels of the snapshot that no longer read as they did.
    """

    at: datetime
    by: str
    boundaries: bool
    scored: int
    differing: int
    last_bits: int
    labels_changed: int

    @property
    def same(self) -> bool:
        return self.boundaries and self.differing == 0 and self.labels_changed == 0


def request_verification(context: Context, actor: Actor, project_slug: str, number: int) -> str:
    """Queue it and return the run's id; one that waits or works is returned instead."""
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        versions.version_by_number(session, project.id, number)
        active = select(Run.id).where(Run.project_id == project.id, Run.kind == KIND, Run.state.in_(ACTIVE))
        if found := session.scalar(active):
            return found
        run_id = jobs.submit(
            session,
            project_id=project.id,
            kind=KIND,
            by=actor.name,
            reason=f"v{number} again from its snapshot",
            arguments={"version": number},
        )
        audit.record(
            session, by=actor.name, action=KIND, details={"run": run_id, "version": number}, project_id=project.id
        )
    return run_id


def verifications(context: Context, actor: Actor, project_slug: str) -> dict[int, Verification]:
    """The latest result of each version, by its number."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        query = select(Run).where(Run.project_id == project.id, Run.kind == KIND, Run.state == RunState.done)
        found = list(session.scalars(query.order_by(Run.created_at)))
    made = {}
    for run in found:
        if run.result and run.finished_at:
            facts = {k: run.result[k] for k in ("boundaries", "scored", "differing", "last_bits", "labels_changed")}
            made[int(run.result["version"])] = Verification(at=run.finished_at, by=run.by, **facts)
    return made
