"""What a version decides by: operating points, append-only, and evaluations on held-out sets."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.models import Evaluation, OperatingPoint


def add_operating_point(
    session: Session,
    *,
    version_id: int,
    promise: str,
    alpha: float | None,
    confidence: float | None,
    stop: float,
    reject: float,
    evidence: dict[str, Any],
    by: str,
    reason: str = "",
) -> OperatingPoint:
    """Let a version stop parts by another rule from now on; the earlier rules stay on record."""
    point = OperatingPoint(
        version_id=version_id,
        promise=promise,
        alpha=alpha,
        confidence=confidence,
        stop=stop,
        reject=reject,
        evidence=evidence,
        by=by,
        reason=reason[:500],
    )
    session.add(point)
    session.flush()
    return point


def operating_point(session: Session, version_id: int) -> OperatingPoint | None:
    """The one that stands; None while the version decides by its boundary."""
    return next(iter(operating_points(session, version_id)), None)


def operating_points(session: Session, version_id: int) -> Sequence[OperatingPoint]:
    """All of a version, the latest first."""
    query = select(OperatingPoint).where(OperatingPoint.version_id == version_id)
    return session.scalars(query.order_by(OperatingPoint.id.desc())).all()


def save_evaluation(session: Session, *, version_id: int, set_sha256: str, metrics: dict[str, Any]) -> Evaluation:
    """Keep a version's metrics on one held-out set; what is there already stays, because neither can change."""
    if (known := evaluation(session, version_id, set_sha256)) is not None:
        return known
    try:
        with session.begin_nested():
            added = Evaluation(version_id=version_id, set_sha256=set_sha256, metrics=metrics)
            session.add(added)
        return added
    except IntegrityError:  # another worker was faster by a moment
        return session.scalars(_of(version_id, set_sha256)).one()


def evaluation(session: Session, version_id: int, set_sha256: str) -> Evaluation | None:
    return session.scalar(_of(version_id, set_sha256))


def _of(version_id: int, set_sha256: str) -> Any:
    return select(Evaluation).where(Evaluation.version_id == version_id, Evaluation.set_sha256 == set_sha256)
