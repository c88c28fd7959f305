"""Retrains that start by themselves: by new labels, by schedule, by overlap, by drift. The run says which it was."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import jobs
from app.services.access import project_of
from app.services.authority import SYSTEM, Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.retrain import PRESETS, learnt_since, refusal, request_retraining, training_data
from storage import audit, images, versions
from storage.models import Annotation, Project, Role, Run, Version, now


@dataclass(frozen=True)
class Triggers:
    """What starts a retrain; 0 and False switch one off.

    Every one of them waits for a label that came after the last retrain was asked for: the same labels would give the
    same version, and a retrain that failed would start for ever.

    Attributes:
        new_labels: so many labels that the newest version has not learnt from.
        hours: so long after the last retrain was asked for.
        overlap: of the deciding version's normal parts and known defects (fused map), as a share.
        drift: the deciding version has a drift alarm.
    """

    new_labels: int = 0
    hours: int = 0
    overlap: float = 0.0
    drift: bool = False
    preset: str = "product"


@dataclass(frozen=True)
class Evidence:
    """What the triggers are held against."""

    fresh: int
    last_retrain: datetime
    overlap: float | None
    alarms: list[str]


def project_triggers(context: Context, actor: Actor, project_slug: str) -> Triggers:
    with context.database.read() as session:
        return _triggers(project_of(session, actor, project_slug, Role.viewer))


def set_triggers(context: Context, actor: Actor, project_slug: str, triggers: Triggers) -> None:
    """Start retrains by other evidence from now on.

    Raises:
        Refused: a number below 0, a share above 1, or an unknown preset.
    """
    if triggers.new_labels < 0 or triggers.hours < 0 or not 0 <= triggers.overlap <= 1:
        raise Refused(
            f"{triggers.new_labels} labels, {triggers.hours} hours, overlap {triggers.overlap:g}: give numbers of 0 or "
            "more, and a share of at most 1"
        )
    if triggers.preset not in PRESETS:
        raise Refused(f"preset {triggers.preset!r} is not known: choose {', '.join(PRESETS)}")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        project.settings = {**project.settings, "triggers": asdict(triggers)}
        audit.record(session, by=actor.name, action="set triggers", details=asdict(triggers), project_id=project.id)


def start_due(context: Context) -> list[str]:
    """Queue every retrain that is due and return the runs' ids; two workers at once queue one."""
    with context.database.read() as session:
        due = [
            (project.slug, _triggers(project).preset, reason)
            for project in images.projects(session)
            if project.settings.get("triggers") and (reason := _due(session, project)) is not None
        ]
    return [request_retraining(context, SYSTEM, slug, reason=reason, preset=preset) for slug, preset, reason in due]


def reason_for(triggers: Triggers, evidence: Evidence, moment: datetime) -> str | None:
    """The first trigger that the evidence meets, as a sentence; None when none does."""
    if evidence.fresh == 0:
        return None
    if 0 < triggers.new_labels <= evidence.fresh:
        return f"by evidence: {evidence.fresh} new labels, {triggers.new_labels} were asked for"
    if triggers.drift and evidence.alarms:
        return f"by drift: {evidence.alarms[0]}"
    if triggers.overlap and evidence.overlap is not None and evidence.overlap > triggers.overlap:
        share, most = 100 * evidence.overlap, 100 * triggers.overlap
        return f"by evidence: normal parts and known defects overlap by {share:.1f} %, above {most:.1f} %"
    if triggers.hours and moment - evidence.last_retrain >= timedelta(hours=triggers.hours):
        return f"by schedule: {triggers.hours} hours after the last retrain, with {evidence.fresh} new labels"
    return None


def _triggers(project: Project) -> Triggers:
    return Triggers(**project.settings.get("triggers", {}))


def _due(session: Session, project: Project) -> str | None:
    newest = next(iter(versions.versions(session, project.id)), None)
    deciding = versions.deciding_version(session, project.id)
    if newest is None or deciding is None or session.scalar(jobs.active(project.id, "retrain")):
        return None
    asked = session.scalar(select(func.max(Run.created_at)).where(Run.project_id == project.id, Run.kind == "retrain"))
    said = session.scalar(select(func.max(Annotation.created_at)).where(Annotation.project_id == project.id))
    data = training_data(session, project.id)
    if asked is None or said is None or said <= asked or refusal(project, data) is not None:
        return None
    fresh = sum(learnt_since(data, newest))
    return reason_for(_triggers(project), _evidence(deciding, fresh, asked), now())


def _evidence(deciding: Version, fresh: int, asked: datetime) -> Evidence:
    return Evidence(
        fresh=fresh,
        last_retrain=asked,
        overlap=deciding.histograms.get("overlap", {}).get("fused"),
        alarms=(deciding.metrics.get("drift") or {}).get("alarms", []),
    )
