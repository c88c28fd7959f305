"""The bias check: ask for it, and read what the last one found."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import jobs
from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.proportions import Share
from app.services.retrain import PRESETS, refusal, training_data
from storage import annotations, audit, typed_masks
from storage.models import ACTIVE, Role, Run, RunState

KIND = "bias"


@dataclass(frozen=True)
class TypeBias:
    """One defect type.

    Attributes:
        normal_only: stopped by a run that learnt from normal parts alone.
        unseen: stopped by a run that learnt from all other types.
        seen: held-out ones that are stopped by a run that learnt from this type too.
        lost, gained: of the same defects, how many the others' knowledge lost and gained; p is the paired test's.
        warns: learning from the other types hurts this one.
    """

    name: str
    normal_only: Share
    unseen: Share
    seen: Share
    lost: int
    gained: int
    p: float
    warns: bool


@dataclass(frozen=True)
class BiasCheck:
    """The latest one; `alarms` are held-out good parts that each run stops."""

    at: datetime
    by: str
    preset: str
    types: list[TypeBias]
    alarms: dict[str, Share]


def request_bias_check(context: Context, actor: Actor, project_slug: str, *, preset: str = "demo") -> str:
    """Queue the check and return the run's id; one that waits or works is returned instead.

    Raises:
        Refused: too few normal parts, fewer than two types of known defects, or an unknown preset.
    """
    if preset not in PRESETS:
        raise Refused(f"preset {preset!r} is not known: choose {', '.join(PRESETS)}")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        data = training_data(session, project.id)
        if (why := refusal(project, data)) is not None:
            raise Refused(why)
        known = {row.id: row.name for row in annotations.defect_types(session, project.id)}
        several = typed_masks.names_of(session, project.id)
        types = {known[said.defect_type_id] for _, said in data.anomalies if said.defect_type_id in known}
        types.update(name for _, said in data.anomalies for name in several.get(said.id, ()))
        if len(types) < 2:
            raise Refused(
                f"the bias check leaves one defect type out, and the known defects have {len(types)}: label defects of "
                "at least two types"
            )
        active = select(Run.id).where(Run.project_id == project.id, Run.kind == KIND, Run.state.in_(ACTIVE))
        if found := session.scalar(active):
            return found
        run_id = jobs.submit(session, project_id=project.id, kind=KIND, by=actor.name, arguments={"preset": preset})
        audit.record(session, by=actor.name, action=KIND, details={"run": run_id}, project_id=project.id)
    return run_id


def last_bias_check(context: Context, actor: Actor, project_slug: str) -> BiasCheck | None:
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        query = select(Run).where(Run.project_id == project.id, Run.kind == KIND, Run.state == RunState.done)
        run = session.scalars(query.order_by(Run.created_at.desc()).limit(1)).first()
    if run is None or not run.result or run.finished_at is None:
        return None
    types = [
        TypeBias(
            name=name,
            normal_only=Share(*row["normal_only"]),
            unseen=Share(*row["unseen"]),
            seen=Share(*row["seen"]),
            lost=row["lost"],
            gained=row["gained"],
            p=row["p"],
            warns=row["warns"],
        )
        for name, row in run.result["types"].items()
    ]
    alarms = {name: Share(*row) for name, row in run.result["alarms"].items()}
    return BiasCheck(run.finished_at, run.by, run.arguments.get("preset", "demo"), types, alarms)
