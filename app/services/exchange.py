"""Labels in and out, in the formats of other tools, without loss."""

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.guard import guard
from app.services.kinds import marked
from app.services.label_formats import coco, cvat, labelstudio, tree
from app.services.label_formats.reading import Packed
from app.services.label_formats.record import LabelRecord
from storage import annotations, audit, images, typed_masks
from storage.errors import StorageError
from storage.masks import decode_mask, encode_mask
from storage.models import Annotation, DefectType, Image, Role, Verdict

FORMATS = ("mvtec", "coco", "coco-polygons", "cvat", "labelstudio")


@dataclass(frozen=True)
class Exchanged:
    """How many labels went over, how many were the same already, and what was refused and why."""

    labels: int
    same: int
    refused: list[tuple[str, str]]


def export_labels(context: Context, actor: Actor, project_slug: str, out: Path, *, format: str) -> int:
    """Write a project's standing labels: a folder for "mvtec", one file for the others; how many labels it holds.

    Raises:
        Refused: an unknown format, no label, or something stands at `out` already.
    """
    _known(format)
    if out.exists():
        raise Refused(f"{out} exists already: give a new name")
    records, pixels = _records(context, actor, project_slug)
    if not records:
        raise Refused(f"{project_slug} has no label yet: there is nothing to export")
    with _whole(out) as temporary:
        if format == "mvtec":
            tree.write(records, temporary, lambda record: context.blobs.get(pixels[record.sha256]))
        else:
            temporary.write_bytes(_encoded(records, format))
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        details = {"format": format, "labels": len(records)}
        audit.record(session, by=actor.name, action="export labels", details=details, project_id=project.id)
    return len(records)


def import_labels(context: Context, actor: Actor, project_slug: str, source: Path, *, format: str) -> Exchanged:
    """Save labels of a file or tree on the images that they name, by content hash or else by name.

    A label that stands already as it is in the file is left alone; another becomes the next revision, so that the one
    before it can be restored.

    Raises:
        Refused: an unknown format, or the file is not of it.
    """
    _known(format)
    with context.database.read() as session:
        project_of(session, actor, project_slug, Role.reviewer)
    if not source.exists():
        raise Refused(f"{source} does not exist: check the path")
    packed = [Packed(facts, body) for facts, body in guard().labels(source, format)]
    done, same, refused = 0, 0, []
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        found = _Finder(images.images_for(session, project.id))
        for record in (each.record() for each in packed):
            try:
                image = found.image_of(record)
                changed = _save(session, image, record, actor.name)
            except (Refused, StorageError) as error:
                refused.append((record.name, str(error)))
                continue
            done, same = done + int(changed), same + int(not changed)
        details = {"source": source.name, "labels": done, "refused": len(refused)}
        audit.record(session, by=actor.name, action="import labels", details=details, project_id=project.id)
    return Exchanged(done, same, refused)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A place to write a file or a folder that gets its name when it is complete, and is removed when it is not."""
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        yield temporary
        os.replace(temporary, out)
    except OSError as error:
        raise Refused(f"{out} cannot be written ({error.strerror or error}): choose another place") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _known(format: str) -> None:
    if format not in FORMATS:
        raise Refused(f"format {format!r} is not known: choose {', '.join(FORMATS)}")


def _encoded(records: list[LabelRecord], format: str) -> bytes:
    if format in ("coco", "coco-polygons"):
        return coco.write(records, shape="rle" if format == "coco" else "polygons")
    return cvat.write(records) if format == "cvat" else labelstudio.write(records)


def _records(context: Context, actor: Actor, project_slug: str) -> tuple[list[LabelRecord], dict[str, str]]:
    """(the standing labels, the blob key of each image's pixels by its content hash)."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        rows = {image.id: image for image in images.images_for(session, project.id)}
        types = {kind.id: kind.name for kind in annotations.defect_types(session, project.id)}
        said = annotations.current_annotations(session, project.id)
        typed = typed_masks.of_labels(session, [row.id for row in said])
    records = []
    for row in said:
        image = rows[row.image_id]
        mask, ignore = (decode_mask(png) if png else None for png in (row.mask, row.ignore))
        size = (image.width, image.height)
        kind = types.get(row.defect_type_id or 0)
        assert row.verdict is not None
        several = {name: decode_mask(png) for name, png in typed.get(row.id, {}).items()}
        records.append(LabelRecord(image.name, image.sha256, *size, row.verdict, kind, mask, ignore, several))
    return records, {image.sha256: image.pixels for image in rows.values()}


class _Finder:
    """Finds the image that a label is of."""

    def __init__(self, rows: Iterable[Image]) -> None:
        self.by_hash: dict[str, Image] = {}
        self.by_name: dict[str, list[Image]] = {}
        for image in rows:
            self.by_hash |= {image.sha256: image, image.pixels: image}
            for name in {image.name, image.name.rsplit("/", 1)[-1]}:
                self.by_name.setdefault(name, []).append(image)

    def image_of(self, record: LabelRecord) -> Image:
        """Raises Refused when it is none of the project's, or may be several."""
        if record.sha256 in self.by_hash:
            return self.by_hash[record.sha256]
        short = record.name.rsplit("/", 1)[-1]
        found = self.by_name.get(record.name) or self.by_name.get(short, [])
        if len(found) != 1:
            what = f"{len(found)} images are called so" if found else "no image is called so"
            raise Refused(f"{what} in this project: ingest it first, or give its content's hash")
        return found[0]


def _save(session: Session, image: Image, record: LabelRecord, by: str) -> bool:
    mask, ignore = (_fitting(image, given) for given in (record.mask, record.ignore))
    kind, typed = record.defect_type if record.verdict is Verdict.defect else None, {}
    if record.verdict is Verdict.defect and record.typed:
        parts = {name: part for name, part in record.typed.items() if _fitting(image, part)}
        drawn = marked(np.zeros((image.height, image.width), bool) if record.mask is None else record.mask, kind, parts)
        kind, mask = drawn.defect_type, _fitting(image, drawn.mask)
        typed = {name: encode_mask(part) for name, part in drawn.typed.items()}
    before = annotations.current_annotation(session, image.id)
    if before is not None and _says(session, before) == (record.verdict, kind, mask, ignore, typed):
        return False
    annotations.save_annotation(
        session,
        image_id=image.id,
        verdict=record.verdict,
        defect_type=kind,
        mask=mask,
        ignore=ignore,
        by=by,
        client_id=str(uuid.uuid4()),
        expected_revision=before.revision if before else 0,
        version_id=None,
        score=None,
        typed=typed,
    )
    return True


def _says(session: Session, row: Annotation) -> tuple[Verdict | None, str | None, bytes | None, bytes | None, dict]:
    kind = session.get_one(DefectType, row.defect_type_id).name if row.defect_type_id else None
    return row.verdict, kind, row.mask, row.ignore, typed_masks.of_label(session, row.id)


def _fitting(image: Image, mask: np.ndarray | None) -> bytes | None:
    if mask is None:
        return None
    if mask.shape != (image.height, image.width):
        size = f"{mask.shape[1]}x{mask.shape[0]}"
        raise Refused(f"its mask is {size} and the image {image.width}x{image.height}: give the full-size mask")
    return encode_mask(mask)
