"""Label one image: everything that the page shows of it, and saves that are on disk before they are confirmed."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from app.services import heat
from app.services.access import image_of, project_of, version_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.kinds import Marked, marked
from app.services.rule import Rule, line_at, rule_of
from storage import annotations, scores, typed_masks, versions
from storage.masks import decode_mask, encode_mask
from storage.models import Annotation, DefectType, Image, Role, Score, Standing, Verdict, Version


@dataclass(frozen=True)
class Said:
    """The standing label of an image; `verdict` None when nobody has labelled it or the label was withdrawn.

    `typed` has the masks of the single types where there are several, the label's own among them.
    """

    verdict: Verdict | None
    defect_type: str | None
    mask: bytes | None
    ignore: bytes | None
    revision: int
    by: str | None
    at: datetime | None
    typed: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """One image under the version that decides.

    Attributes:
        score: in [0, 1), 0.5 is the boundary, higher is more abnormal.
        standing: by the rule that decides.
        line: the log-likelihood below which an operating point stops a part, in the unit of `lowest`; None without one.
        lowest: its lowest fused log-likelihood; `scale` has b_n and b_a in the same unit.
        finest: the scale of the finest feature level, `levels[1]`.
        boxes: [x, y, width, height] of each region below b_n in image pixels, the most abnormal first.
        isolines: outlines of what lies below b_n and b_a, in image pixels.
        places: its fused log-likelihoods counted in the bins of `normal`, those of the version's normal parts.
    """

    version_id: int
    version_number: int
    score: float
    standing: Standing
    line: float | None
    lowest: float
    scale: heat.Scale
    finest: heat.Scale
    regions: int
    boxes: list[list[int]]
    isolines: dict[str, list[list[float]]]
    levels: list[str]
    edges: tuple[float, float, int]
    normal: list[int]
    places: list[int]


@dataclass(frozen=True)
class LabelView:
    """Everything that the label page draws; `reading` is None before a version has seen the image."""

    image_id: int
    name: str
    width: int
    height: int
    held_out: bool
    said: Said
    reading: Reading | None
    defect_types: list[str]


def label_view(context: Context, actor: Actor, project_slug: str, image_id: int) -> LabelView:
    """Raises Refused when the image is not one of the project's."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        image = _image_in(session, actor, image_id, project.id, project_slug)
        said = _said(session, image.id)
        version = versions.deciding_version(session, project.id)
        score = scores.score_of(session, version.id, image.id) if version else None
        types = [row.name for row in annotations.defect_types(session, project.id)]
        rule = rule_of(session, version) if version else None
    reading = _reading(context, version, rule, score, image) if version and rule and score else None
    return LabelView(image.id, image.name, image.width, image.height, image.held_out, said, reading, types)


def save_verdict(
    context: Context,
    actor: Actor,
    image_id: int,
    *,
    verdict: Verdict,
    defect_type: str | None = None,
    mask_png: bytes | None = None,
    client_id: str,
    expected_revision: int,
    version_id: int | None = None,
    score: float | None = None,
    ignore_png: bytes | None = None,
    purpose: str | None = None,
    blind: bool | None = None,
    typed_png: Mapping[str, bytes] | None = None,
) -> Annotation:
    """Save what somebody said of an image; when this returns, it is on disk.

    Args:
        mask_png: what was drawn, at the image's size; kept for a defect or a doubt, dropped for a normal part.
        ignore_png: what nobody judges, at the image's size; where it overlaps the mask, the mask wins.
        purpose: why the queue showed the image; None when the person chose it.
        blind: whether the person answered before any heat was shown.
        client_id: chosen once per decision; the same save under it again changes nothing.
        expected_revision: the revision that the person saw, 0 for none.
        version_id, score: what the person saw when deciding.
        typed_png: what is of another type than `defect_type`, by type; a defect without one gets the type of most
            of it, if all of it has a type.

    Raises:
        BadMask: not a PNG, or of another size than the image.
        Conflict: somebody else saved in between.
    """
    with context.database.read() as session:
        image = image_of(session, actor, image_id, Role.inspector)
    drawn, ignore = _drawn(image, verdict, defect_type, mask_png, ignore_png, typed_png or {})
    with context.database.write() as session:
        image_of(session, actor, image_id, Role.inspector)  # a role may have ended while the masks were decoded
        return annotations.save_annotation(
            session,
            image_id=image_id,
            verdict=verdict,
            defect_type=drawn.defect_type,
            mask=_stored(drawn.mask),
            by=actor.name,
            client_id=client_id,
            expected_revision=expected_revision,
            version_id=version_id,
            score=score,
            ignore=_stored(ignore),
            purpose=purpose,
            blind=blind,
            typed={name: encode_mask(part) for name, part in drawn.typed.items()},
        )


def _drawn(
    image: Image,
    verdict: Verdict,
    defect_type: str | None,
    mask_png: bytes | None,
    ignore_png: bytes | None,
    typed_png: Mapping[str, bytes],
) -> tuple[Marked, np.ndarray]:
    """What is marked, and what nobody judges: nothing of either for a normal part, no types but for a defect."""
    size = (image.width, image.height)
    nothing = np.zeros(size[::-1], dtype=bool)
    if verdict is Verdict.normal:
        return Marked(None, nothing, {}), nothing
    mask = decode_mask(mask_png, size=size) if mask_png is not None else nothing
    drawn = marked(mask, defect_type, {name: decode_mask(png, size=size) for name, png in typed_png.items()})
    if verdict is not Verdict.defect:
        drawn = Marked(None, drawn.mask, {})
    return drawn, decode_mask(ignore_png, size=size) & ~drawn.mask if ignore_png is not None else nothing


def _stored(mask: np.ndarray) -> bytes | None:
    return encode_mask(mask) if mask.any() else None


def undo(
    context: Context, actor: Actor, image_id: int, *, expected_revision: int, back_to: int | None = None
) -> Annotation:
    """Take the last label back: what stood before it stands again, as a revision of its own.

    Args:
        back_to: the revision that stands again, 0 for none; the one before the last when not given.

    Raises:
        Refused: there is nothing to take back, or it is somebody else's.
        Conflict: somebody else saved in between.
    """
    with context.database.write() as session:
        image_of(session, actor, image_id, Role.inspector)
        past = annotations.history(session, image_id)
        if not past or past[0].verdict is None:
            raise Refused("this image has no label that could be taken back")
        if past[0].by != actor.name:
            raise Refused(f"the label is {past[0].by}'s: save your own instead of taking it back")
        wanted = past[0].revision - 1 if back_to is None else back_to
        before = next((row for row in past if row.revision == wanted), None)
        name = session.get_one(DefectType, before.defect_type_id).name if before and before.defect_type_id else None
        return annotations.save_annotation(
            session,
            image_id=image_id,
            verdict=before.verdict if before else None,
            defect_type=name,
            mask=before.mask if before else None,
            ignore=before.ignore if before else None,
            typed=typed_masks.of_label(session, before.id) if before else None,
            by=actor.name,
            client_id=str(uuid.uuid4()),
            expected_revision=expected_revision,
            version_id=before.version_id if before else None,
            score=before.score if before else None,
        )


def image_bytes(context: Context, actor: Actor, image_id: int, *, thumb: bool) -> tuple[bytes, str]:
    """(bytes, media type) of an image as it was re-encoded on its way in, or of its thumbnail."""
    with context.database.read() as session:
        image = image_of(session, actor, image_id, Role.viewer)
    return context.blobs.get(image.thumb if thumb else image.pixels), "image/jpeg" if thumb else "image/png"


def heatmap_png(
    context: Context, actor: Actor, image_id: int, version_id: int, level: str = heat.FUSED, *, longest: int = 1024
) -> bytes:
    """The image's heat under a version as a PNG with transparency, its longer side at most `longest` pixels.

    Raises:
        Refused: the version has not seen the image, or has no such level.
    """
    with context.database.read() as session:
        image = image_of(session, actor, image_id, Role.viewer)
        version = version_of(session, actor, version_id, Role.viewer)
        score = scores.score_of(session, version_id, image_id)
    levels = heat.levels_of(version)
    if level not in levels:
        raise Refused(f"v{version.number} has no level {level!r}: choose {', '.join(levels)}")
    if score is None:
        raise Refused(f"v{version.number} has not scored image {image_id} yet: wait for the worker")
    shrink = min(1.0, longest / max(image.width, image.height))
    size = (max(1, round(image.width * shrink)), max(1, round(image.height * shrink)))
    return heat.png_of(heat.read_map(context, score.maps, level, levels), heat.scale_of(version, level), size)


def _image_in(session: Session, actor: Actor, image_id: int, project_id: int, slug: str) -> Image:
    image = image_of(session, actor, image_id, Role.viewer)
    if image.project_id != project_id:
        raise Refused(f"image {image_id} is not in {slug}: choose its project in the sidebar")
    return image


def _said(session: Session, image_id: int) -> Said:
    row = annotations.current_annotation(session, image_id)
    if row is None:
        return Said(None, None, None, None, 0, None, None)
    name = session.get_one(DefectType, row.defect_type_id).name if row.defect_type_id else None
    typed = typed_masks.of_label(session, row.id)
    return Said(row.verdict, name, row.mask, row.ignore, row.revision, row.by, row.created_at, typed)


def _reading(context: Context, version: Version, rule: Rule, score: Score, image: Image) -> Reading:
    levels = heat.levels_of(version)
    plane, scale, size = (
        heat.read_map(context, score.maps, heat.FUSED, levels),
        heat.scale_of(version),
        (image.width, image.height),
    )
    low, high, bins = version.histograms["edges"][heat.FUSED]
    places, _ = np.histogram(plane.clip(low, high), bins=bins, range=(low, high))
    return Reading(
        version_id=version.id,
        version_number=version.number,
        score=score.score,
        standing=rule.place(score.score, score.standing),
        line=line_at(version, rule.stop) if rule.point else None,
        lowest=float(plane.min()),
        scale=scale,
        finest=heat.scale_of(version, levels[1]),
        regions=heat.regions(plane, scale.b_n),
        boxes=heat.region_boxes(plane, scale.b_n, size),
        isolines={name: heat.isolines(plane, getattr(scale, name), size) for name in ("b_n", "b_a")},
        levels=levels,
        edges=(low, high, bins),
        normal=version.histograms["counts"][heat.FUSED]["normal"],
        places=[int(n) for n in places],
    )
