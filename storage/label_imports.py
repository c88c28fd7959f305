"""Imports of labels: which labels came together, and what becomes of them when the import is undone."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.errors import Conflict, NotFound
from storage.label_rows import ImportedLabel, LabelImport
from storage.models import Annotation, Image, now


def add(
    session: Session, *, project_id: int, source: str, format: str, by: str, skipped: list[dict[str, str]]
) -> LabelImport:
    """An import without labels yet."""
    row = LabelImport(project_id=project_id, source=source[-300:], format=format, by=by, labels=0, skipped=skipped)
    session.add(row)
    session.flush()
    return row


def add_label(session: Session, row: LabelImport, annotation: Annotation, *, held_out: bool) -> None:
    """Count a label that was saved as one of the import; `held_out`: whether its image was before."""
    session.add(ImportedLabel(annotation_id=annotation.id, import_id=row.id, held_out=held_out))
    row.labels += 1


def of_project(session: Session, project_id: int, *, limit: int) -> Sequence[LabelImport]:
    """The latest first."""
    query = select(LabelImport).where(LabelImport.project_id == project_id)
    return session.scalars(query.order_by(LabelImport.id.desc()).limit(limit)).all()


def to_undo(session: Session, import_id: int, project_id: int) -> LabelImport:
    """The import, locked.

    Raises:
        NotFound: the project has none of this number.
        Conflict: it was undone already.
    """
    row = session.get(LabelImport, import_id, with_for_update=True)
    if row is None or row.project_id != project_id:
        raise NotFound(f"this project has no import {import_id}: reload the page")
    if row.undone_at is not None:
        raise Conflict(f"{row.undone_by} has undone import {import_id} already")
    return row


def labels_of(session: Session, import_id: int) -> Sequence[tuple[Annotation, ImportedLabel]]:
    """Its labels in the order of their images: two that lock them in the same order never wait for each other."""
    query = (
        select(Annotation, ImportedLabel)
        .join(ImportedLabel, ImportedLabel.annotation_id == Annotation.id)
        .where(ImportedLabel.import_id == import_id)
        .order_by(Annotation.image_id)
    )
    return [(annotation, imported) for annotation, imported in session.execute(query)]


def hold_out_again(session: Session, image_id: int) -> None:
    session.get_one(Image, image_id).held_out = True


def close(row: LabelImport, *, by: str) -> None:
    row.undone_at, row.undone_by = now(), by
