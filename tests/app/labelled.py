"""What a project's images are labelled as, in figures that a table of a test can hold."""

from pathlib import Path

import numpy as np

from app.services.annotation.import_plan import AS_WRITTEN, Plan
from app.services.annotation.label_import import import_labels
from app.services.authority import Actor
from app.services.context import Context
from app.services.ingest import create_project, ingest_source
from storage import annotations, images, typed_masks
from storage.masks import decode_mask
from storage.models import Role

ENGINEER = Actor("ann", Role.engineer)
REVIEWER = Actor("rita", Role.reviewer)


def ingested(context: Context, folder: Path, *, name: str = "kept", content: str = "unknown") -> str:
    """The slug of a new project with a folder's images."""
    slug = create_project(context, ENGINEER, name=name, built_in=True, size=64).slug
    ingest_source(context, ENGINEER, slug, folder, content=content)
    return slug


def taken(context: Context, slug: str, source: Path, format: str, rules=AS_WRITTEN) -> Plan:
    return import_labels(context, REVIEWER, slug, source, format=format, rules=rules)


def said(context: Context, slug: str) -> dict[str, tuple]:
    """By image name (verdict, {type: marked pixels}); "" is what has no type; unlabelled images are left out."""
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        names = {image.id: image.name for image in images.images_for(session, project.id)}
        types = {kind.id: kind.name for kind in annotations.defect_types(session, project.id)}
        rows = annotations.current_annotations(session, project.id)
        typed = typed_masks.of_labels(session, [row.id for row in rows])
    return {names[row.image_id]: (row.verdict.value, _pixels(row, types, typed.get(row.id, {}))) for row in rows}


def _pixels(row, types, typed):
    own = types.get(row.defect_type_id or 0, "")
    if typed:
        return {name: int(decode_mask(png).sum()) for name, png in typed.items()}
    marked = int(decode_mask(row.mask).sum()) if row.mask else 0
    return {own: marked} if own or marked else {}


def box_of(context: Context, slug: str, name: str) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) of what is marked on an image, the last ones included."""
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        (image,) = [image for image in images.images_for(session, project.id) if image.name == name]
        mask = decode_mask(annotations.current_annotation(session, image.id).mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(columns[-1]), int(rows[0]), int(rows[-1])
