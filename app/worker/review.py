"""The figures that a version is judged by: metrics on held-out labels, thresholds, histograms, drift."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from app.jobs import Job
from app.services.context import Context
from app.worker.drift import judged
from app.worker.histograms import histograms, mask_of, spread
from app.worker.samples import Plan
from app.worker.score import ScoreRow, batches, images_of, load_version, save, unpack_maps
from bgad_core.calibration import threshold_table
from bgad_core.evaluation import evaluate
from bgad_core.model import BGAD
from storage import annotations, decisions, scores, versions
from storage.models import Annotation, Image, Verdict, Version

PIXEL_IMAGES = 500


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
    """Metrics of the new model and of its parent on the same held-out images, thresholds, histograms and drift."""
    with context.database.read() as session:
        said = {row.image_id: row for row in annotations.current_annotations(session, job.project_id)}
        pairs = decisions.held_out_set(session, job.project_id)
    images = {image.id: image for image in images_of(context, job.project_id)}
    mine = {row.image_id: row for row in rows}
    held = [(image, label) for image, label in pairs if image.id in mine]
    metrics: dict[str, Any] = {"this": None, "parent": None, "sha256": decisions.set_digest(held)}
    if held:
        metrics["this"] = evaluated(context, job, held, {i: (row.score, row.maps) for i, row in mine.items()})
        if parent is not None:
            before = version_scores(context, job, parent, [image for image, _ in held])
            metrics["parent"] = evaluated(context, job, held, before)
    found = histograms(context, job, model, plan, mine, images, said)
    thresholds = threshold_table([mine[i].score for i in plan.calibration])
    drift = judged(context, job, plan, model.config, found["bands"], parent)
    return Figures({"held_out": metrics, "calibration": thresholds, "drift": drift}, found)


def version_scores(context: Context, job: Job, version: Version, held: list[Image]) -> dict[int, tuple[float, str]]:
    """A version's (score, maps) of the held-out images; those that came after it are scored now."""
    with context.database.read() as session:
        known = {row.image_id for row in scores.scores_of(session, version.id)}
    missing = [image for image in held if image.id not in known]
    if missing:
        for rows in batches(context, load_version(context, version), missing, should_stop=job.cancelled):
            save(context, version.id, rows)
    with context.database.read() as session:
        return {row.image_id: (row.score, row.maps) for row in scores.scores_of(session, version.id)}


def evaluated(
    context: Context, job: Job, held: list[tuple[Image, Annotation]], scored: dict[int, tuple[float, str]]
) -> dict[str, Any]:
    """Metrics at the size that the model sees, as the paper reports them; no mask, no pixel metric of that image.

    Pixel metrics rest on at most `PIXEL_IMAGES` images, evenly chosen and the same for every version: they sort every
    pixel in memory. `pixel_images` says how many.
    """
    size = _size_of(context, scored[held[0][0].id][1])
    with_pixels = {image.id for image, _ in spread(held, PIXEL_IMAGES)}
    maps, masks = [], []
    for image, said in held:
        job.stop_if_cancelled()
        mask = mask_of(said, size) if image.id in with_pixels else None
        fused = unpack_maps(context, scored[image.id][1])[0] if mask is not None else np.empty((0, 0), np.float32)
        maps.append(cv2.resize(-fused, size, interpolation=cv2.INTER_LINEAR) if mask is not None else fused)
        masks.append(mask)
    abnormal = np.array([said.verdict is Verdict.defect for _, said in held])
    values = np.array([scored[image.id][0] for image, _ in held])
    pixel_images = sum(mask is not None for mask in masks)
    return {**evaluate(values, abnormal, maps, masks).to_dict(), "pixel_images": pixel_images}


def _size_of(context: Context, key: str) -> tuple[int, int]:
    """(width, height) that maps and masks are compared at: the finest level has stride 4."""
    height, width = unpack_maps(context, key)[0].shape
    return width * 4, height * 4
