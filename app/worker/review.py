"""The figures that a version is judged by: metrics on held-out labels, and histograms of the log-likelihood."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np

from app.jobs import Job
from app.services.context import Context
from app.worker.samples import Plan
from app.worker.score import ScoreRow, batches, images_of, load_version, save, unpack_maps
from bgad_core.data import mask_at
from bgad_core.evaluation import evaluate
from bgad_core.histogram import log_likelihood_histogram, margin_mass, overlap
from bgad_core.model import BGAD
from storage import annotations, scores, versions
from storage.masks import decode_mask
from storage.models import Annotation, Image, Verdict, Version

BINS = 120
PIXEL_IMAGES = 500
SAMPLE = 64  # images per group whose maps enter a histogram
T = TypeVar("T")
GROUPS = ("normal", "known", "held-out", "new")


@dataclass(frozen=True)
class Figures:
    """What `Version.metrics` and `Version.histograms` hold."""

    metrics: dict[str, Any]
    histograms: dict[str, Any]


def deciding(context: Context, project_id: int) -> Version | None:
    """The version that decides now: the next one's parent."""
    with context.database.read() as session:
        return versions.deciding_version(session, project_id)


def figures(
    context: Context, job: Job, model: BGAD, plan: Plan, rows: list[ScoreRow], parent: Version | None
) -> Figures:
    """Metrics of the new model and of its parent on the same held-out images, and the new model's histograms."""
    with context.database.read() as session:
        said = {row.image_id: row for row in annotations.current_annotations(session, job.project_id)}
    images = {image.id: image for image in images_of(context, job.project_id)}
    mine = {row.image_id: row for row in rows}
    held = [images[i] for i in sorted(mine) if images[i].held_out and _decided(said.get(i))]
    metrics: dict[str, Any] = {"this": None, "parent": None, "sha256": _digest(held, said)}
    if held:
        metrics["this"] = _evaluated(context, job, held, said, {i: (row.score, row.maps) for i, row in mine.items()})
        if parent is not None:
            before = parent_scores(context, job, parent, held)
            metrics["parent"] = _evaluated(context, job, held, said, before)
    return Figures({"held_out": metrics}, _histograms(context, job, model, plan, mine, images, said))


def parent_scores(context: Context, job: Job, parent: Version, held: list[Image]) -> dict[int, tuple[float, str]]:
    """The deciding version's (score, maps) of the held-out images; those that came after it are scored now."""
    with context.database.read() as session:
        known = {row.image_id for row in scores.scores_of(session, parent.id)}
    missing = [image for image in held if image.id not in known]
    if missing:
        for rows in batches(context, load_version(context, parent), missing, should_stop=job.cancelled):
            save(context, parent.id, rows)
    with context.database.read() as session:
        return {row.image_id: (row.score, row.maps) for row in scores.scores_of(session, parent.id)}


def _decided(said: Annotation | None) -> bool:
    return said is not None and said.verdict in (Verdict.normal, Verdict.defect)


def _digest(held: list[Image], said: dict[int, Annotation]) -> str:
    """One hash over the held-out images and their labels: two metrics compare only when it is the same."""
    lines = sorted(f"{image.sha256} {said[image.id].id}" for image in held)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _evaluated(
    context: Context, job: Job, held: list[Image], said: dict[int, Annotation], scored: dict[int, tuple[float, str]]
) -> dict[str, Any]:
    """Metrics at the size that the model sees, as the paper reports them; no mask, no pixel metric of that image.

    Pixel metrics rest on at most `PIXEL_IMAGES` images, evenly chosen and the same for every version: they sort every
    pixel in memory. `pixel_images` says how many.
    """
    size = _size_of(context, scored[held[0].id][1])
    with_pixels = {image.id for image in _spread(held, PIXEL_IMAGES)}
    maps, masks = [], []
    for image in held:
        job.stop_if_cancelled()
        mask = _mask_at(said[image.id], size) if image.id in with_pixels else None
        fused = unpack_maps(context, scored[image.id][1])[0] if mask is not None else np.empty((0, 0), np.float32)
        maps.append(cv2.resize(-fused, size, interpolation=cv2.INTER_LINEAR) if mask is not None else fused)
        masks.append(mask)
    abnormal = np.array([said[image.id].verdict is Verdict.defect for image in held])
    values = np.array([scored[image.id][0] for image in held])
    pixel_images = sum(mask is not None for mask in masks)
    return {**evaluate(values, abnormal, maps, masks).to_dict(), "pixel_images": pixel_images}


def _size_of(context: Context, key: str) -> tuple[int, int]:
    """(width, height) that maps and masks are compared at: the finest level has stride 4."""
    height, width = unpack_maps(context, key)[0].shape
    return width * 4, height * 4


def _mask_at(said: Annotation, size: tuple[int, int]) -> np.ndarray | None:
    """The label's mask at (width, height); all false for a normal part, None for a defect that nobody outlined."""
    if said.verdict is Verdict.normal:
        return np.zeros(size[::-1], dtype=bool)
    if said.mask is None:
        return None
    return mask_at(decode_mask(said.mask), size[1], size[0])


def _histograms(
    context: Context,
    job: Job,
    model: BGAD,
    plan: Plan,
    mine: dict[int, ScoreRow],
    images: dict[int, Image],
    said: dict[int, Annotation],
) -> dict[str, Any]:
    """Counts per level and group: all places of normal and new parts, the marked places of defects."""
    known = {image_id for image_id, _ in plan.anomalies}
    held = {i for i, image in images.items() if image.held_out and i in said and said[i].verdict is Verdict.defect}
    new = {i for i, image in images.items() if i not in said and not image.held_out}
    members = {"normal": {*plan.normals, *plan.calibration}, "known": known, "held-out": held, "new": new}
    levels = [boundary.level for boundary in model.boundaries if boundary.level not in ("fused", "part")]
    values: dict[str, dict[str, list[np.ndarray]]] = {level: {g: [] for g in GROUPS} for level in [*levels, "fused"]}
    for group in GROUPS:
        for image_id in _spread([i for i in sorted(members[group]) if i in mine], SAMPLE):
            job.stop_if_cancelled()
            where = said.get(image_id) if group in ("known", "held-out") else None
            if group == "known" and where is None:  # withdrawn since the run began
                continue
            fused, maps = unpack_maps(context, mine[image_id].maps)
            for level, plane in [*zip(levels, maps, strict=True), ("fused", fused)]:
                values[level][group].append(_places(plane, where))
    figures: dict[str, Any] = {"edges": {}, "counts": {}, "margin": {}, "overlap": {}}
    for level, groups in values.items():
        joined = {g: np.concatenate(parts) if parts else np.empty(0, np.float32) for g, parts in groups.items()}
        edges, counts = _counted(joined)
        figures["edges"][level], figures["counts"][level] = edges, counts
        boundary = model.boundary(level)
        figures["margin"][level] = {
            g: margin_mass(part, b_n=boundary.b_n, b_a=boundary.b_a) for g, part in joined.items() if part.size
        }
        if joined["normal"].size and joined["known"].size:
            figures["overlap"][level] = overlap(np.array(counts["normal"]), np.array(counts["known"]))
    return figures


def _places(plane: np.ndarray, said: Annotation | None) -> np.ndarray:
    """The log-likelihoods of a map, or of its marked places; none of a defect that nobody outlined."""
    if said is None:
        return plane.ravel()
    if said.mask is None:
        return np.empty(0, dtype=np.float32)
    mask = _mask_at(said, (plane.shape[1], plane.shape[0]))
    return plane[mask]


def _counted(joined: dict[str, np.ndarray]) -> tuple[list[float], dict[str, list[int]]]:
    """([low, high, bins], counts per group); what lies outside the 0.05 % ends is counted in the end bins."""
    ends = [np.quantile(part, (0.0005, 0.9995)) for part in joined.values() if part.size]
    low, high = (float(min(e[0] for e in ends)), float(max(e[1] for e in ends))) if ends else (-1.0, 0.0)
    high = high if high > low else low + 1e-3
    count: Callable[[np.ndarray], Iterable[int]] = lambda part: log_likelihood_histogram(  # noqa: E731
        part.clip(low, high), bins=BINS, low=low, high=high
    )
    return [low, high, BINS], {group: [int(n) for n in count(part)] for group, part in joined.items()}


def _spread(items: list[T], most: int) -> list[T]:
    """At most `most` of `items`, evenly over their order."""
    return items if len(items) <= most else [items[i * len(items) // most] for i in range(most)]
