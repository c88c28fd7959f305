"""From images to scores and maps (Eq. 7), against constants that are stored with the model."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from bgad_core.acquisition import abnormal_region, margin_mass
from bgad_core.boundary import LevelBoundary
from bgad_core.data import read_image, resized
from bgad_core.descriptor import region_descriptors
from bgad_core.errors import Cancelled, DeviceError
from bgad_core.features import as_batch
from bgad_core.model import BGAD, lowest_of
from bgad_core.tiling import Seamless, cut, fitted, in_batches, layout_of

READERS = 2
HALF_MAX = 65504.0


@dataclass(frozen=True)
class ImageScore:
    """What one image is under a model.

    Attributes:
        score: in [0, 1), higher is more abnormal; 0.5 exactly at the part's b_n.
        lowest: the lowest value of `fused`.
        standing: "normal" above the part's b_n, "defect" below its b_a, "margin" between.
        fused: float16 (H, W) at the finest level's grid, higher is more normal.
        levels: float16 (L, H, W), each level's log_p brought to that grid by repeating cells' values bilinearly.
        margin: see `acquisition.margin_mass`.
        descriptor: float16 (64,), of the region that the score rests on; see `descriptor.region_descriptors`.
    """

    score: float
    lowest: float
    standing: Literal["normal", "margin", "defect"]
    fused: np.ndarray
    levels: np.ndarray
    margin: float
    descriptor: np.ndarray


def anomaly_score(lowest: float, fused: LevelBoundary, part: LevelBoundary) -> float:
    """A part's score from its lowest fused log-likelihood; monotone, so it ranks as Eq. 7 does.

    u = (median - lowest) / (median - b_n) is 0 at what normal cells are and 1 at the part's boundary; u / (1 + u) keeps
    it in [0, 1) without ever saturating, as 1 - exp(log p) does in float32.
    """
    u = max(0.0, (fused.median - lowest) / (fused.median - part.b_n))
    return u / (1.0 + u)


def standing_of(lowest: float, part: LevelBoundary) -> Literal["normal", "margin", "defect"]:
    """Where the lowest fused value of a part lies against the part's boundary."""
    if lowest >= part.b_n:
        return "normal"
    return "margin" if lowest >= part.b_a else "defect"


def score_files(
    model: BGAD,
    paths: Sequence[Path],
    *,
    batch_size: int = 16,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[ImageScore]:
    """Score image files in order; an image scores the same alone, in any batch and in any order.

    Args:
        model: a calibrated model.
        paths: image files of any size.
        batch_size: images that pass the backbone together; halved when the device's memory runs out.

    Raises:
        Cancelled: `should_stop` answered true between two batches.
        BadImageError: a file cannot be read.
    """
    if model.config.tile is not None:
        yield from _score_tiled_files(model, paths, batch_size, should_stop, progress)
        return
    batches = [paths[start : start + batch_size] for start in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(READERS) as readers:
        waiting = None
        for number, batch in enumerate(batches):
            if should_stop():
                raise Cancelled(f"cancelled after {number * batch_size} of {len(paths)} images")
            images = waiting or _read(readers, batch, model.config.size)
            loaded = [image.result() for image in images]
            following = batches[number + 1] if number + 1 < len(batches) else []
            waiting = _read(readers, following, model.config.size)
            yield from score_images(model, loaded)
            progress(min((number + 1) * batch_size, len(paths)), len(paths))


def _score_tiled_files(
    model: BGAD,
    paths: Sequence[Path],
    batch_size: int,
    should_stop: Callable[[], bool],
    progress: Callable[[int, int], None],
) -> Iterator[ImageScore]:
    for number, path in enumerate(paths):
        if should_stop():
            raise Cancelled(f"cancelled after {number} of {len(paths)} images")
        yield score_tiled(model, read_image(path), batch_size=batch_size)
        progress(number + 1, len(paths))


def score_tiled(model: BGAD, image: np.ndarray, *, batch_size: int = 16) -> ImageScore:
    """Score a uint8 image (H, W, 3) of any size tile by tile; the device holds one batch of tiles at a time.

    The maps are the whole image's, as many cells as it needs at its resolution, and without a seam.
    """
    layout = layout_of(image.shape[:2], model.config, max(model.extractor.strides))
    whole = Seamless(layout, model.shapes[0][1], 1 + len(model.shapes))
    described: list[tuple[float, np.ndarray]] = []  # the lowest value of each tile, and what it looks like there
    for first, tiles in in_batches(cut(fitted(image, layout), layout), batch_size):
        for number, (plane, levels, descriptor) in enumerate(zip(*_maps(model, tiles), strict=True), start=first):
            whole.add(number, np.concatenate([plane[None], levels]))
            described.append((lowest_of(plane), descriptor))
    return _score_of(model, whole.maps[0], whole.maps[1:], min(described, key=lambda found: found[0])[1])


def _read(readers: ThreadPoolExecutor, batch: Sequence[Path], size: int) -> list:
    return [readers.submit(lambda path: resized(read_image(path), size), path) for path in batch]


def score_images(model: BGAD, images: Sequence[np.ndarray]) -> list[ImageScore]:
    """Score uint8 images (S, S, 3) of the model's size.

    Raises:
        DeviceError: not even one of them fits the device's memory.
    """
    return [_score_of(model, *facts) for facts in zip(*_maps(model, images), strict=True)]


def _maps(model: BGAD, images: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(B, H, W) fused and (B, L, H, W) levels' maps, float32, and descriptors (B, 64); halves when memory runs out."""
    try:
        with torch.inference_mode():
            rows = model.feature_rows(as_batch(images, model.device))
            levels = [model.level_maps(level, features) for level, features in enumerate(rows)]
            fused = model.fused(levels)
            size = fused.shape[1:]
            resize = torch.nn.functional.interpolate
            planes = [resize(level[:, None], size=size, mode="bilinear", align_corners=False)[:, 0] for level in levels]
            maps = fused.cpu().numpy()
            return maps, torch.stack(planes, dim=1).cpu().numpy(), _descriptors(model, rows, maps)
    except torch.OutOfMemoryError as error:
        if len(images) == 1:
            raise DeviceError(f"one image does not fit the memory of {model.device}: choose a smaller size") from error
        half = len(images) // 2
        first, second = _maps(model, images[:half]), _maps(model, images[half:])
        return tuple(np.concatenate(pair) for pair in zip(first, second, strict=True))  # type: ignore[return-value]


def _descriptors(model: BGAD, rows: Sequence[torch.Tensor], maps: np.ndarray) -> np.ndarray:
    b_n = model.boundary("part").b_n
    regions = torch.from_numpy(np.stack([abnormal_region(plane, b_n) for plane in maps])).to(model.device)
    white = [model.whitened(level, features) for level, features in enumerate(rows)]
    return region_descriptors(white, model.shapes, regions)


def _score_of(model: BGAD, plane: np.ndarray, levels: np.ndarray, descriptor: np.ndarray) -> ImageScore:
    fused, part, lowest = model.boundary("fused"), model.boundary("part"), lowest_of(plane)
    score, standing = anomaly_score(lowest, fused, part), standing_of(lowest, part)
    margin = margin_mass(levels, [model.boundary(str(number)) for number in range(1, len(levels) + 1)])
    return ImageScore(score, lowest, standing, _half(plane), _half(levels), margin, descriptor)


def _half(maps: np.ndarray) -> np.ndarray:
    """float16; what is too abnormal for that range stands at its end, so that a map can be interpolated."""
    return np.clip(maps, -HALF_MAX, HALF_MAX).astype(np.float16)
