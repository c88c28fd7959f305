"""Histograms of a version's log-likelihoods by group, and the bands that other calibration parts would have made."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np

from app.jobs import Job
from app.services.context import Context
from app.worker.samples import Plan
from app.worker.score import ScoreRow, unpack_maps
from bgad_core.data import mask_at
from bgad_core.drift import level_bands, part_bands
from bgad_core.histogram import log_likelihood_histogram, margin_mass, overlap
from bgad_core.model import BGAD
from bgad_core.standing import lowest_of
from storage.masks import decode_mask
from storage.models import Annotation, Image, Verdict

BINS = 120
SAMPLE = 64  # images per group whose maps enter a histogram
T = TypeVar("T")
GROUPS = ("normal", "known", "held-out", "new")
Values = dict[str, dict[str, list[np.ndarray]]]  # per level and group, one array per image


def histograms(
    context: Context,
    job: Job,
    model: BGAD,
    plan: Plan,
    mine: dict[int, ScoreRow],
    images: dict[int, Image],
    said: dict[int, Annotation],
) -> dict[str, Any]:
    """Counts per level and group: all places of normal and new parts, the marked places of defects; and bands."""
    known = {image_id for image_id, _ in plan.anomalies}
    held = {i for i, image in images.items() if image.held_out and i in said and said[i].verdict is Verdict.defect}
    new = {i for i, image in images.items() if i not in said and not image.held_out}
    members = {"normal": {*plan.normals, *plan.calibration}, "known": known, "held-out": held, "new": new}
    chosen = {group: spread([i for i in sorted(ids) if i in mine], SAMPLE) for group, ids in members.items()}
    values = _values(context, job, model, chosen, mine, said)
    calibration = [i for i in spread(plan.calibration, 4 * SAMPLE) if i in mine]
    kept = _values(context, job, model, {"normal": calibration}, mine, said)
    return {**_figures(model, values), "bands": _bands(model, kept, values)}


def _values(
    context: Context,
    job: Job,
    model: BGAD,
    chosen: dict[str, list[int]],
    mine: dict[int, ScoreRow],
    said: dict[int, Annotation],
) -> Values:
    levels = [boundary.level for boundary in model.boundaries if boundary.level not in ("fused", "part")]
    values: Values = {level: {group: [] for group in GROUPS} for level in [*levels, "fused"]}
    for group, ids in chosen.items():
        for image_id in ids:
            job.stop_if_cancelled()
            where = said.get(image_id) if group in ("known", "held-out") else None
            if group == "known" and where is None:  # withdrawn since the run began
                continue
            fused, maps = unpack_maps(context, mine[image_id].maps)
            for level, plane in [*zip(levels, maps, strict=True), ("fused", fused)]:
                values[level][group].append(_places(plane, where))
    return values


def _figures(model: BGAD, values: Values) -> dict[str, Any]:
    figures: dict[str, Any] = {"edges": {}, "counts": {}, "margin": {}, "sides": {}, "overlap": {}}
    for level, groups in values.items():
        joined = {g: np.concatenate(parts) if parts else np.empty(0, np.float32) for g, parts in groups.items()}
        edges, counts = _counted(joined)
        figures["edges"][level], figures["counts"][level] = edges, counts
        boundary = model.boundary(level)
        figures["margin"][level] = {
            g: margin_mass(part, b_n=boundary.b_n, b_a=boundary.b_a) for g, part in joined.items() if part.size
        }
        figures["sides"][level] = {g: _sides(part, boundary.b_n, boundary.b_a) for g, part in joined.items()}
        if joined["normal"].size and joined["known"].size:
            figures["overlap"][level] = overlap(np.array(counts["normal"]), np.array(counts["known"]))
    return figures


def _sides(part: np.ndarray, b_n: float, b_a: float) -> list[int]:
    """How many lie at or below b_a, in the margin, at or above b_n."""
    below, above = int((part <= b_a).sum()), int((part >= b_n).sum())
    return [below, int(part.size) - below - above, above]


def _bands(model: BGAD, kept: Values, values: Values) -> dict[str, Any]:
    """Per level what `bgad_core.drift` makes of the calibration parts, and of the known defects' marked places."""
    settings, made = model.config.boundary, {}
    for level, groups in kept.items():
        boundary = model.boundary(level)
        known = values[level]["known"]
        made[level] = level_bands(
            groups["normal"], known, b_n=boundary.b_n, b_a=boundary.b_a, beta=settings.beta, bins=BINS
        )
    part = model.boundary("part")
    lowest = np.array([lowest_of(plane) for plane in kept["fused"]["normal"]])
    made["part"] = part_bands(lowest, b_n=part.b_n, b_a=part.b_a, beta=settings.part_beta)
    return {level: {name: asdict(found) for name, found in bands.items()} for level, bands in made.items()}


def _places(plane: np.ndarray, said: Annotation | None) -> np.ndarray:
    """The log-likelihoods of a map, or of its marked places; none of a defect that nobody outlined."""
    if said is None:
        return plane.ravel()
    if said.mask is None:
        return np.empty(0, dtype=np.float32)
    mask = mask_of(said, (plane.shape[1], plane.shape[0]))
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


def mask_of(said: Annotation, size: tuple[int, int]) -> np.ndarray | None:
    """The label's mask at (width, height); all false for a normal part, None for a defect that nobody outlined."""
    if said.verdict is Verdict.normal:
        return np.zeros(size[::-1], dtype=bool)
    if said.mask is None:
        return None
    return mask_at(decode_mask(said.mask), size[1], size[0])


def spread(items: list[T], most: int) -> list[T]:
    """At most `most` of `items`, evenly over their order."""
    return items if len(items) <= most else [items[i * len(items) // most] for i in range(most)]
