"""Score images with a version and keep their log-likelihood maps. A higher score is more abnormal."""

import base64
import io
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from app.jobs import Job
from app.services.context import Context
from app.services.errors import Refused
from app.worker.device import owned_device
from app.worker.samples import CACHE_BYTES, local
from bgad_core.acquisition import novelty, novelty_unit
from bgad_core.boundary import LevelBoundary
from bgad_core.feature_cache import FeatureCache
from bgad_core.model import BGAD
from bgad_core.scoring import ImageScore, Kept, score_files
from storage import annotations, pool, scores, shards, versions
from storage.models import Image, Project, Standing, Verdict, Version

BATCH = 16
REFERENCES = 1000  # the latest labels of each verdict that novelty is measured against


@dataclass(frozen=True)
class ScoreRow:
    """One image's row in `scores`, before it is written.

    Attributes:
        maps: blob key of its log-likelihood maps.
        descriptor: float16 bytes in base64, so that a row fits a line of JSON.
        novelty: None until it is measured against the labelled images, or where they are too few.
    """

    image_id: int
    score: float
    distance: float
    standing: str
    maps: str
    margin: float = 0.0
    descriptor: str = ""
    novelty: float | None = None


def score_new(context: Context, job: Job) -> None:
    """Score what the deciding version has not seen; each batch is kept, so that a killed job goes on where it was."""
    with context.database.read() as session:
        version = versions.deciding_version(session, job.project_id)
        if version is not None:  # what an earlier request's shards hold is theirs
            taken = shards.taken_up_to(session, version.id)
            images = scores.unscored_images(session, version.id, job.project_id, after=taken)
    if version is None:
        raise Refused("no version decides in this project: train it first")
    if not images:
        return
    with owned_device(context.settings.home, job):
        model, known = load_version(context, version), references_of(context, version.id)
        unit = novelty_unit(known)
        done, started = 0, time.monotonic()
        for rows in batches(context, model, images, should_stop=job.cancelled):
            save(context, version.id, with_novelty(rows, known, unit=unit))
            done += len(rows)
            left = (time.monotonic() - started) / done * (len(images) - done)
            job.progress("scoring", done, len(images), seconds_left=left)


def load_version(context: Context, version: Version) -> BGAD:
    """The version's model on the configured device, with the backbone weights that its project names."""
    return load_model(context, version.checkpoint, weights_of(context, version.project_id))


def weights_of(context: Context, project_id: int) -> str | None:
    """The file with the backbone's weights that a project names, None for timm's hub or the built-in ones."""
    with context.database.read() as session:
        settings: dict[str, Any] = session.get_one(Project, project_id).settings
    return settings.get("weights")


def load_model(context: Context, checkpoint: str, weights: str | None) -> BGAD:
    """The model behind a checkpoint's key, on the configured device."""
    path = context.blobs.local_path(checkpoint, context.settings.home / "cache")
    return BGAD.load(path, device=context.settings.device, weights=weights)


def batches(
    context: Context, model: BGAD, images: Sequence[Image], *, should_stop: Callable[[], bool]
) -> Iterator[list[ScoreRow]]:
    """Score `images` in order, their maps stored as objects, a few at a time.

    Raises:
        Cancelled: `should_stop` answered true.
    """
    paths = [local(context, image) for image in images]
    rows: list[ScoreRow] = []
    kept = kept_features(context, model, images)
    results = score_files(model, paths, kept=kept, batch_size=BATCH, should_stop=should_stop)
    for image, result in zip(images, results, strict=True):
        rows.append(row_of(context, model, image, result))
        if len(rows) == BATCH:
            yield rows
            rows = []
    if rows:
        yield rows


def kept_features(context: Context, model: BGAD, images: Sequence[Image]) -> Kept:
    """The feature cache as these images use it: the next version scores them without the backbone.

    More of them than half the cache holds only read it: each would push out another before that is needed again.
    """
    cache = FeatureCache(context.settings.home / "features", CACHE_BYTES)
    fits = len(images) * model.length * np.dtype(np.float16).itemsize <= cache.max_bytes // 2
    return Kept(cache, [image.pixels for image in images], adds=fits)


def row_of(context: Context, model: BGAD, image: Image, result: ImageScore) -> ScoreRow:
    """What is kept of one scored image."""
    distance = abs(result.lowest - part_boundary(model).b_n)
    maps = context.blobs.put(pack_maps(result.fused, result.levels))
    descriptor = base64.b64encode(result.descriptor.tobytes()).decode()
    return ScoreRow(
        image.id, float(result.score), float(distance), result.standing, maps, float(result.margin), descriptor
    )


def part_boundary(model: BGAD) -> LevelBoundary:
    """The boundary that an image's standing rests on."""
    return model.boundary("part")


def save(context: Context, version_id: int, rows: Sequence[ScoreRow]) -> None:
    """Write rows of `scores`; writing one again changes nothing."""
    with context.database.write() as session:
        scores.save_scores(session, version_id, [values_of(row) for row in rows])


def values_of(row: ScoreRow) -> dict[str, Any]:
    """A row as `storage` takes it."""
    descriptor = base64.b64decode(row.descriptor) or None
    return {**asdict(row), "standing": Standing[row.standing], "descriptor": descriptor}


def with_novelty(rows: Sequence[ScoreRow], references: np.ndarray, *, unit: float | None = None) -> list[ScoreRow]:
    """The rows with how far each lies from the labelled images' descriptors (K, D); `unit` is their `novelty_unit`."""
    if not rows:
        return []
    values = novelty(np.stack([_vector(row) for row in rows]), references, unit=unit)
    return [
        replace(row, novelty=float(value) if math.isfinite(value) else None)
        for row, value in zip(rows, values, strict=True)
    ]


def references_of(context: Context, version_id: int) -> np.ndarray:
    """Descriptors (K, D) of what is labelled, as a version sees it."""
    with context.database.read() as session:
        found = [
            np.frombuffer(descriptor, dtype=np.float16)
            for verdict in (Verdict.normal, Verdict.defect)
            for _, _, descriptor in pool.described(session, version_id, verdict, limit=REFERENCES)
        ]
    return np.stack(found) if found else np.empty((0, 0), dtype=np.float16)


def labelled_references(context: Context, project_id: int, rows: Sequence[ScoreRow]) -> np.ndarray:
    """`references_of` a model that is no version yet, out of its own rows."""
    with context.database.read() as session:
        said = [a for a in annotations.current_annotations(session, project_id) if a.verdict is not Verdict.unsure]
    mine = {row.image_id: row for row in rows}
    found = [_vector(mine[a.image_id]) for a in said if a.image_id in mine][-2 * REFERENCES :]
    return np.stack(found) if found else np.empty((0, 0), dtype=np.float16)


def _vector(row: ScoreRow) -> np.ndarray:
    return np.frombuffer(base64.b64decode(row.descriptor), dtype=np.float16)


def pack_maps(fused: np.ndarray, levels: np.ndarray) -> bytes:
    """`fused` (H, W) and `levels` (L, H, W) as a compressed .npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, fused=fused, levels=levels)
    return buffer.getvalue()


def unpack_maps(context: Context, key: str) -> tuple[np.ndarray, np.ndarray]:
    """(fused, levels) of a stored map, float32; a higher value is more normal."""
    with np.load(io.BytesIO(context.blobs.get(key)), allow_pickle=False) as maps:
        return maps["fused"].astype(np.float32), maps["levels"].astype(np.float32)


def images_of(context: Context, project_id: int) -> list[Image]:
    """All images of a project, in the order they came."""
    with context.database.read() as session:
        return list(session.scalars(select(Image).where(Image.project_id == project_id).order_by(Image.id)))


def score_all(context: Context, model: BGAD, job: Job, ledger: Path) -> list[ScoreRow]:
    """Every image of the project under a model that is no version yet; `ledger` keeps what is done for a resume."""
    kept = [ScoreRow(**json.loads(line)) for line in _lines(ledger)]
    seen = {row.image_id for row in kept}
    images = images_of(context, job.project_id)
    todo = [image for image in images if image.id not in seen]
    started = time.monotonic()
    with ledger.open("a", encoding="utf-8") as file:
        for rows in batches(context, model, todo, should_stop=job.cancelled):
            file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
            file.flush()
            kept += rows
            left = (time.monotonic() - started) / (len(kept) - len(seen)) * (len(images) - len(kept))
            job.progress("scoring", len(kept), len(images), seconds_left=left)
    return kept


def _lines(ledger: Path) -> list[str]:
    """The whole lines of a file that a kill may have cut in the middle of one; the cut is removed."""
    if not ledger.is_file():
        return []
    data = ledger.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        ledger.write_bytes(whole)
    return whole.decode("utf-8").splitlines()
