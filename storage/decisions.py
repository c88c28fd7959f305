"""What a version decides by: operating points, append-only, and evaluations on held-out sets."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.annotations import is_current
from storage.models import Annotation, DefectType, Evaluation, Image, OperatingPoint, Score, Standing, Verdict


@dataclass(frozen=True)
class Decided:
    """One scored image with what people said of it; `verdict`, `defect_type` and `by` are None without a label."""

    image_id: int
    name: str
    sha256: str
    held_out: bool
    score: float
    standing: Standing
    verdict: Verdict | None
    defect_type: str | None
    by: str | None


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


def decided(session: Session, version_id: int) -> list[Decided]:
    """Every image that a version has scored, in the order in which they came; no mask and no map is read."""
    query = (
        select(
            Score.image_id,
            Image.name,
            Image.sha256,
            Image.held_out,
            Score.score,
            Score.standing,
            Annotation.verdict,
            DefectType.name,
            Annotation.by,
        )
        .join(Image, Image.id == Score.image_id)
        .outerjoin(
            Annotation,
            and_(Annotation.image_id == Score.image_id, Annotation.verdict.is_not(None), is_current(Annotation)),
        )
        .outerjoin(DefectType, DefectType.id == Annotation.defect_type_id)
        .where(Score.version_id == version_id)
        .order_by(Score.image_id)
    )
    return [Decided(*row) for row in session.execute(query)]


def held_out_set(session: Session, project_id: int) -> list[tuple[Image, Annotation]]:
    """The held-out images that are labelled normal or defect, in the order in which they came."""
    query = (
        select(Image, Annotation)
        .join(Annotation, Annotation.image_id == Image.id)
        .where(Image.project_id == project_id, Image.held_out.is_(True), is_current(Annotation))
        .where(Annotation.verdict.in_((Verdict.normal, Verdict.defect)))
        .order_by(Image.id)
    )
    return [(image, said) for image, said in session.execute(query)]


def set_digest(held: Iterable[tuple[Image, Annotation]]) -> str:
    """One hash over held-out images and their labels: two metrics compare only when it is the same."""
    lines = sorted(f"{image.sha256} {said.id}" for image, said in held)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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


def _of(version_id: int, set_sha256: str) -> Select[Evaluation]:
    return select(Evaluation).where(Evaluation.version_id == version_id, Evaluation.set_sha256 == set_sha256)
