"""A second person's word on labels: accepted, or rejected with a reason. Append-only, the last one stands."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from storage.annotations import is_current
from storage.label_rows import LabelReview
from storage.models import Annotation, DefectType


def add_review(session: Session, *, annotation_id: int, accepted: bool, reason: str, by: str) -> LabelReview:
    """Keep what a reviewer said of one revision."""
    row = LabelReview(annotation_id=annotation_id, accepted=accepted, reason=reason[:500], by=by)
    session.add(row)
    session.flush()
    return row


def reviews_of(session: Session, annotation_ids: Sequence[int]) -> dict[int, LabelReview]:
    """The standing review of each annotation that has one."""
    query = select(LabelReview).where(LabelReview.annotation_id.in_(annotation_ids)).order_by(LabelReview.id)
    return {row.annotation_id: row for row in session.scalars(query)}


def agreement(session: Session, project_id: int) -> dict[str, tuple[int, int]]:
    """(accepted, reviewed) labels by "normal", "unsure" or the defect's type; each label's last review counts."""
    last = select(func.max(LabelReview.id)).group_by(LabelReview.annotation_id)
    query = (
        select(Annotation.verdict, DefectType.name, LabelReview.accepted)
        .join(Annotation, Annotation.id == LabelReview.annotation_id)
        .outerjoin(DefectType, DefectType.id == Annotation.defect_type_id)
        .where(Annotation.project_id == project_id, LabelReview.id.in_(last))
    )
    found: dict[str, tuple[int, int]] = {}
    for verdict, kind, accepted in session.execute(query):
        name = kind or (verdict.value if verdict else "withdrawn")
        yes, total = found.get(name, (0, 0))
        found[name] = (yes + int(accepted), total + 1)
    return found


def is_reviewed() -> ColumnElement[bool]:
    """For a query of annotations: somebody has reviewed that revision."""
    return select(LabelReview.id).where(LabelReview.annotation_id == Annotation.id).exists()


def unreviewed(session: Session, project_id: int, *, but_of: Collection[str], limit: int) -> Sequence[Annotation]:
    """Standing labels that nobody has reviewed, the latest first, but those of some."""
    mine = (Annotation.project_id == project_id, Annotation.verdict.is_not(None), Annotation.by.not_in(but_of))
    query = select(Annotation).where(*mine, is_current(Annotation), ~is_reviewed())
    return session.scalars(query.order_by(Annotation.id.desc()).limit(limit)).all()
