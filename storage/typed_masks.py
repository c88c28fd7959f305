"""Masks of the single types of a label that has several. What is marked at all stands with the label itself."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from storage.label_rows import TypedMask
from storage.models import Annotation, DefectType

AT_ONCE = 500  # numbers in one statement: SQLite takes no more than some thousands


def add(session: Session, annotation_id: int, masks: Mapping[int, bytes]) -> None:
    """Keep a label's masks by the numbers of their types."""
    session.add_all(
        TypedMask(annotation_id=annotation_id, defect_type_id=kind, mask=png) for kind, png in masks.items()
    )
    session.flush()


def of_labels(session: Session, annotation_ids: Sequence[int]) -> dict[int, dict[str, bytes]]:
    """By label the masks (1-bit PNGs) of its types by name; labels of one type are left out."""
    found: dict[int, dict[str, bytes]] = {}
    for start in range(0, len(annotation_ids), AT_ONCE):
        query = (
            select(TypedMask.annotation_id, DefectType.name, TypedMask.mask)
            .join(DefectType, DefectType.id == TypedMask.defect_type_id)
            .where(TypedMask.annotation_id.in_(annotation_ids[start : start + AT_ONCE]))
            .order_by(TypedMask.annotation_id, TypedMask.defect_type_id)
        )
        for annotation_id, name, png in session.execute(query):
            found.setdefault(annotation_id, {})[name] = png
    return found


def of_label(session: Session, annotation_id: int) -> dict[str, bytes]:
    """The masks of one label's types by name; empty when it has one type or none."""
    return of_labels(session, [annotation_id]).get(annotation_id, {})


def names_of(session: Session, project_id: int) -> dict[int, tuple[str, ...]]:
    """By label of a project the names of its types, where it has several."""
    query = (
        select(TypedMask.annotation_id, DefectType.name)
        .join(DefectType, DefectType.id == TypedMask.defect_type_id)
        .where(DefectType.project_id == project_id)
        .order_by(TypedMask.annotation_id, TypedMask.defect_type_id)
    )
    found: dict[int, tuple[str, ...]] = {}
    for annotation_id, name in session.execute(query):
        found[annotation_id] = (*found.get(annotation_id, ()), name)
    return found


def has_type(name: str) -> ColumnElement[bool]:
    """Whether one of the masks of an `Annotation` is of this type."""
    query = select(TypedMask.annotation_id).join(DefectType, DefectType.id == TypedMask.defect_type_id)
    return query.where(TypedMask.annotation_id == Annotation.id, DefectType.name == name).exists()
