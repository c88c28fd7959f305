"""A second person's word on labels: accepted, or rejected with a reason. Append-only, the last one stands."""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from storage.annotations import IMPORT, is_current
from storage.label_rows import LabelReview
from storage.models import Annotation, DefectType

Who = Literal["all", "people", "import"]


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


def said_by(who: Who) -> ColumnElement[bool]:
    """For a query of annotations: people gave them, or they came with their files."""
    return {"all": true(), "people": Annotation.by != IMPORT, "import": Annotation.by == IMPORT}[who]


def unreviewed(session: Session, project_id: int, *, but_of: str, who: Who, limit: int) -> Sequence[Annotation]:
    """Standing labels that nobody has reviewed, the latest first, but those of one person."""
    mine = (Annotation.project_id == project_id, Annotation.verdict.is_not(None), Annotation.by != but_of, said_by(who))
    query = select(Annotation).where(*mine, is_current(Annotation), ~is_reviewed())
    return session.scalars(query.order_by(Annotation.id.desc()).limit(limit)).all()
