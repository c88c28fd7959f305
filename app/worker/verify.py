"""Make a version's boundaries and scores again from its checkpoint and its snapshot, and say whether the bits agree."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from app.jobs import Job
from app.services.context import Context
from app.services.errors import Refused
from app.worker.device import owned_device
from app.worker.samples import CACHE_BYTES, label_digest, local, normal_sample, types_of
from app.worker.score import BATCH, load_version
from bgad_core.feature_cache import FeatureCache, features_of
from bgad_core.model import BGAD
from bgad_core.scoring import score_files
from storage import scores, typed_masks, versions
from storage.models import Annotation, Image, Version

LAST_BITS = 1e-6


def verify(context: Context, job: Job) -> None:
    """The job: its result has what was made again and what differs."""
    with context.database.read() as session:
        version = versions.version_by_number(session, job.project_id, job.arguments["version"])
    with owned_device(context.settings.home, job):
        job.keep(recomputed(context, job, version))


def recomputed(context: Context, job: Job, version: Version) -> dict[str, Any]:
    """Boundaries from the calibration parts and scores from the images, beside what the version keeps.

    Raises:
        Refused: an image of the snapshot is gone.
    """
    with context.database.read() as session:
        images = {row.sha256: row for row in session.scalars(_images(version.project_id))}
        kept = {row.image_id: row for row in scores.scores_of(session, version.id)}
    missing = [sha for sha in version.snapshot["calibration"] if sha not in images]
    if missing:
        raise Refused(f"{len(missing)} calibration parts of v{version.number} are gone, first {missing[0][:16]}")
    model = load_version(context, version)
    stored = [asdict(boundary) for boundary in model.boundaries]
    _recalibrate(context, job, model, [images[sha] for sha in version.snapshot["calibration"]])
    again = [asdict(boundary) for boundary in model.boundaries]
    differing, last_bits = _rescored(context, job, model, [i for i in images.values() if i.id in kept], kept)
    return {
        "version": version.number,
        "boundaries": again == stored == version.boundaries,
        "scored": len(kept),
        "differing": differing,
        "last_bits": last_bits,
        "labels_changed": _changed_labels(context, version),
    }


def _images(project_id: int) -> Any:
    return select(Image).where(Image.project_id == project_id).order_by(Image.id)


def _recalibrate(context: Context, job: Job, model: BGAD, parts: list[Image]) -> None:
    samples = [normal_sample(context, image) for image in parts]
    cache = FeatureCache(context.settings.home / "features", CACHE_BYTES)
    job.progress("boundaries again", 0, 1)
    model.calibrate(features_of(model.extractor, samples, model.config, cache, should_stop=job.cancelled))
    job.progress("boundaries again", 1, 1)


def _rescored(context: Context, job: Job, model: BGAD, images: list[Image], kept: dict[int, Any]) -> tuple[int, int]:
    """How many images get another score or standing, and how many only other last bits.

    Last bits can differ where an image was scored among others than now, as one that came after the training was: a
    far-out log-likelihood is a float32 sum of millions, whose order the batch decides.
    """
    differing = last_bits = 0
    paths = [local(context, image) for image in images]
    results = score_files(model, paths, batch_size=BATCH, should_stop=job.cancelled)
    for done, (image, result) in enumerate(zip(images, results, strict=True), start=1):
        row = kept[image.id]
        other = abs(float(result.score) - row.score) > LAST_BITS or result.standing != row.standing.value
        differing += other
        last_bits += not other and float(result.score) != row.score
        job.progress("scores again", done, len(images))
    return differing, last_bits


def _changed_labels(context: Context, version: Version) -> int:
    """How many labels of the snapshot no longer read as they did; labels are append-only, so it should be none."""
    with context.database.read() as session:
        types = types_of(session, version.project_id)
        rows = session.execute(
            select(Image.sha256, Annotation)
            .join(Annotation, Annotation.image_id == Image.id)
            .where(Image.project_id == version.project_id)
        )
        several = typed_masks.names_of(session, version.project_id)
        now = {}
        for sha256, said in rows:
            typed = typed_masks.of_label(session, said.id) if said.id in several else {}
            now[sha256, said.revision] = label_digest(said, types, typed)
    labels = version.snapshot.get("labels", [])
    return sum(now.get((row["sha256"], row["revision"])) != row["label_sha256"] for row in labels)
