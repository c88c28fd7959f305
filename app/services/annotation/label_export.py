"""Labels out, in the formats of other tools, without loss."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.services.access import project_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.label_formats import coco, cvat, labelstudio, mvtec
from app.services.label_formats.record import LabelRecord, Remark
from storage import annotations, audit, images, typed_masks
from storage.errors import BadMask
from storage.masks import decode_mask, marking
from storage.models import Role
from storage.text import visible
from storage.type_names import RESERVED, folded

FORMATS = ("mvtec", "coco", "coco-polygons", "cvat", "labelstudio")


@dataclass(frozen=True)
class LabelExport:
    """What `export_labels` wrote: how many labels, and those that could not be, each with why."""

    written: int
    left_out: list[Remark]


def export_labels(context: Context, actor: Actor, project_slug: str, out: Path, *, format: str) -> LabelExport:
    """Write a project's standing labels: a folder for "mvtec", one file for the others.

    A label whose mask or picture is damaged, or whose type this disk cannot hold as a name, is left out by name.

    Raises:
        Refused: an unknown format, no label that can be written, or something stands at `out` already.
    """
    known(format)
    if out.exists():
        raise Refused(f"{out} exists already: give a new name")
    records, pixels, left_out = _records(context, actor, project_slug)
    if not records and not left_out:
        raise Refused(f"{project_slug} has no label yet: there is nothing to export")
    unwritten = 0
    with _whole(out) as temporary:
        if format == "mvtec":
            remarks = mvtec.write(records, temporary, lambda record: context.blobs.get(pixels[record.sha256]))
            unwritten, left_out = len(remarks), left_out + remarks
        else:
            temporary.write_bytes(_encoded(records, format))
        if (written := len(records) - unwritten) <= 0:
            raise Refused(f"no label can be written: {left_out[0].image}: {left_out[0].text}")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        details = {"format": format, "labels": written, "left out": len(left_out)}
        audit.record(session, by=actor.name, action="export labels", details=details, project_id=project.id)
    return LabelExport(written, left_out)


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


def known(format: str) -> None:
    """Raises Refused for a format that there is not."""
    if format not in FORMATS:
        raise Refused(f"format {format!r} is not known: choose {', '.join(FORMATS)}")


def _encoded(records: list[LabelRecord], format: str) -> bytes:
    if format in ("coco", "coco-polygons"):
        return coco.write(records, shape="rle" if format == "coco" else "polygons")
    return cvat.write(records) if format == "cvat" else labelstudio.write(records)


def _records(
    context: Context, actor: Actor, project_slug: str
) -> tuple[list[LabelRecord], dict[str, str], list[Remark]]:
    """(the standing labels, the blob key of each image's pixels by its content hash, labels that cannot be read)."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.reviewer)
        rows = {image.id: image for image in images.images_for(session, project.id)}
        types = {kind.id: kind.name for kind in annotations.defect_types(session, project.id)}
        said = annotations.current_annotations(session, project.id)
        typed = typed_masks.of_labels(session, [row.id for row in said])
    records: list[LabelRecord] = []
    damaged: list[Remark] = []
    for row in said:
        image = rows[row.image_id]
        name, size, kind = visible(image.name), (image.width, image.height), types.get(row.defect_type_id or 0)
        for word in (kind, *typed.get(row.id, {})):
            if word and folded(word) in RESERVED:
                raise Refused(f"the type “{word}” means something else in every file of labels: rename it first")
        assert row.verdict is not None
        try:
            mask, ignore = (decode_mask(png) if png and marking(png) else None for png in (row.mask, row.ignore))
            several = {word: decode_mask(png) for word, png in typed.get(row.id, {}).items()}
        except BadMask as bad:
            damaged.append(Remark(name, "", str(bad)))
            continue
        records.append(LabelRecord(name, image.sha256, *size, row.verdict, kind, mask, ignore, several))
    return records, {image.sha256: image.pixels for image in rows.values()}, damaged
