"""Model versions and promotions: append-only. The version that decides is the one promoted last."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.errors import NotFound
from storage.models import Project, Promotion, Version


def add_version(
    session: Session,
    *,
    project_id: int,
    run_id: str,
    parent_id: int | None,
    checkpoint: str,
    config: dict[str, Any],
    boundaries: list[dict[str, Any]],
    histograms: dict[str, Any],
    metrics: dict[str, Any],
    snapshot: dict[str, Any],
    known_anomalies: int,
    device: str,
    seconds: float,
) -> Version:
    """Add the project's next version; a run that already made one gets that one back."""
    if (first := session.scalar(select(Version).where(Version.run_id == run_id))) is not None:
        return first
    session.get_one(Project, project_id, with_for_update=True)  # numbers are handed out one at a time
    highest = session.scalar(select(func.max(Version.number)).where(Version.project_id == project_id)) or 0
    version = Version(
        project_id=project_id,
        number=highest + 1,
        parent_id=parent_id,
        run_id=run_id,
        checkpoint=checkpoint,
        config=config,
        boundaries=boundaries,
        histograms=histograms,
        metrics=metrics,
        snapshot=snapshot,
        known_anomalies=known_anomalies,
        device=device,
        seconds=seconds,
    )
    session.add(version)
    session.flush()
    return version


def versions(session: Session, project_id: int) -> Sequence[Version]:
    """All versions of a project, the latest first."""
    return session.scalars(
        select(Version).where(Version.project_id == project_id).order_by(Version.number.desc())
    ).all()


def version(session: Session, version_id: int) -> Version:
    if (found := session.get(Version, version_id)) is None:
        raise NotFound(f"there is no version with id {version_id}: it may belong to another installation")
    return found


def version_by_number(session: Session, project_id: int, number: int) -> Version:
    found = session.scalar(select(Version).where(Version.project_id == project_id, Version.number == number))
    if found is None:
        raise NotFound(f"this project has no version v{number}: reload the page")
    return found


def promote(
    session: Session,
    *,
    project_id: int,
    version_id: int,
    by: str,
    reason: str = "",
    gate: dict[str, Any] | None = None,
) -> Promotion:
    """Let a version of this project decide from now on; an older one is a rollback.

    Args:
        gate: the checks as they stood, None where there was nothing to check against.

    Raises:
        NotFound: the version is not this project's.
    """
    if version(session, version_id).project_id != project_id:
        raise NotFound(f"version {version_id} belongs to another project: choose one of this project's")
    promotion = Promotion(project_id=project_id, version_id=version_id, by=by, reason=reason[:500], gate=gate)
    session.add(promotion)
    session.flush()
    return promotion


def deciding_version(session: Session, project_id: int) -> Version | None:
    return session.scalar(
        select(Version)
        .join(Promotion, Promotion.version_id == Version.id)
        .where(Promotion.project_id == project_id)
        .order_by(Promotion.id.desc())
        .limit(1)
    )


def promotions(session: Session, project_id: int) -> Sequence[Promotion]:
    """All promotions of a project, the latest first."""
    return session.scalars(
        select(Promotion).where(Promotion.project_id == project_id).order_by(Promotion.id.desc())
    ).all()
