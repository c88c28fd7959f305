"""From images to scores and maps (Eq. 7), against constants that are stored with the model."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bgad_core.acquisition import abnormal_region, margin_mass
from bgad_core.data import read_image, resized
from bgad_core.descriptor import region_descriptors
from bgad_core.errors import Cancelled
from bgad_core.feature_cache import FeatureCache, key_of
from bgad_core.features import as_batch
from bgad_core.model import BGAD
from bgad_core.pipeline import ahead
from bgad_core.portions import Portions
from bgad_core.standing import StandingName, anomaly_score, lowest_of, standing_of
from bgad_core.tiling import Seamless, cut, fitted, in_batches, layout_of

READERS = 2
BATCH = 16
HALF_MAX = 65504.0

Facts = tuple[np.ndarray, np.ndarray, np.ndarray]


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
    standing: StandingName
    fused: np.ndarray
    levels: np.ndarray
    margin: float
    descriptor: np.ndarray


@dataclass(frozen=True)
class Kept:
    """Where the features of the images that are scored are kept, so that the next version need not compute them.

    Attributes:
        cache: see `feature_cache`.
        digests: what each image is called there, as `Sample.sha256` calls it.
        adds: False to read what is there and leave the cache as it is, for more images than it has room for.
    """

    cache: FeatureCache
    digests: Sequence[str]
    adds: bool = True


def score_files(
    model: BGAD,
    paths: Sequence[Path],
    *,
    kept: Kept | None = None,
    batch_size: int = BATCH,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[ImageScore]:
    """Score image files in order; an image scores the same alone, in any batch and in any order.

    Three things go on at once: files are read for the batch after the next, the next passes the model, and the caller
    has the last. Where a file cannot be read, the batches before it are given first.

    Args:
        model: a calibrated model.
        paths: image files of any size.
        kept: takes features from a cache and adds to it; None computes all. Tiles are always computed.
        batch_size: images that pass the model together; halved for good when the device's memory runs out.

    Raises:
        Cancelled: `should_stop` answered true between two batches.
        BadImageError: a file cannot be read.
        DeviceError: not even one image fits the device's memory.
    """
    if model.config.tile is not None:
        yield from _score_tiled_files(model, paths, batch_size, should_stop, progress)
        return
    keys = _keys(model, kept)
    portions, done = Portions(batch_size), 0
    with ThreadPoolExecutor(READERS) as readers:

        def load(number: int) -> np.ndarray:
            vector = None if kept is None else kept.cache.get(keys[number], model.length)
            return resized(read_image(paths[number]), model.config.size) if vector is None else vector

        def pass_on(batch: tuple[range, list[np.ndarray]]) -> list[Facts]:
            def portion(loaded: Sequence[tuple[int, np.ndarray]]) -> Facts:
                rows = _rows(model, [image for _, image in loaded])
                if kept is not None and kept.adds:
                    _keep(
                        kept.cache,
                        readers,
                        {keys[n]: at for at, (n, image) in enumerate(loaded) if image.ndim == 3},
                        rows,
                    )
                return _maps(model, rows)

            return portions.each(portion, list(zip(*batch, strict=True)), model.device)

        for found in ahead(pass_on, _read_ahead(readers, load, len(paths), batch_size, should_stop)):
            for facts in chain.from_iterable(zip(*part, strict=True) for part in found):
                yield _score_of(model, *facts)
                done += 1
            progress(done, len(paths))


def _keys(model: BGAD, kept: Kept | None) -> list[str]:
    if kept is None:
        return []
    digest = model.extractor.digest()
    return [key_of(sha256, digest, model.config) for sha256 in kept.digests]


def _read_ahead(
    readers: ThreadPoolExecutor,
    load: Callable[[int], np.ndarray],
    total: int,
    batch_size: int,
    should_stop: Callable[[], bool],
) -> Iterator[tuple[range, list[np.ndarray]]]:
    """(numbers, what `load` gave for each) of a batch; the next batch is being read by then."""
    batches = [range(start, min(start + batch_size, total)) for start in range(0, total, batch_size)]
    begun: deque[list[Future[np.ndarray]]] = deque()
    for place, batch in enumerate(batches):
        if should_stop():
            raise Cancelled(f"cancelled after {batch.start} of {total} images")
        for following in batches[place + len(begun) : place + 2]:
            begun.append([readers.submit(load, number) for number in following])
        yield batch, [image.result() for image in begun.popleft()]


def _rows(model: BGAD, loaded: Sequence[np.ndarray]) -> list[Tensor]:
    """Features (B, H*W, C) per level, in the order of what was loaded: images' pixels, or vectors of the cache."""
    fresh = [place for place, image in enumerate(loaded) if image.ndim == 3]
    known = [place for place, image in enumerate(loaded) if image.ndim == 1]
    made: list[list[Tensor]] = []
    if fresh:
        made.append(model.feature_rows(as_batch([loaded[place] for place in fresh], model.device)))
    if known:
        vectors = torch.from_numpy(np.stack([loaded[place] for place in known])).to(model.device)
        made.append(model.rows_of(vectors))
    if len(made) == 1:
        return made[0]
    order = torch.tensor(fresh + known, device=model.device).argsort()
    return [torch.cat(level)[order] for level in zip(*made, strict=True)]


def _keep(cache: FeatureCache, writers: ThreadPoolExecutor, places: dict[str, int], rows: Sequence[Tensor]) -> None:
    if places:
        vectors = torch.cat([level.flatten(1) for level in rows], dim=1).cpu().numpy()
        for key, place in places.items():
            writers.submit(cache.put, key, vectors[place])


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


def score_tiled(model: BGAD, image: np.ndarray, *, batch_size: int = BATCH) -> ImageScore:
    """Score a uint8 image (H, W, 3) of any size tile by tile; the device holds one batch of tiles at a time.

    The maps are the whole image's, as many cells as it needs at its resolution, and without a seam.
    """
    layout = layout_of(image.shape[:2], model.config, max(model.extractor.strides))
    whole = Seamless(layout, model.shapes[0][1], 1 + len(model.shapes))
    described: list[tuple[float, np.ndarray]] = []  # the lowest value of each tile, and what it looks like there
    portions = Portions(batch_size)
    for first, tiles in in_batches(cut(fitted(image, layout), layout), batch_size):
        for number, (plane, levels, descriptor) in enumerate(_facts(model, tiles, portions), start=first):
            whole.add(number, np.concatenate([plane[None], levels]))
            described.append((lowest_of(plane), descriptor))
    return _score_of(model, whole.maps[0], whole.maps[1:], min(described, key=lambda found: found[0])[1])


def score_images(model: BGAD, images: Sequence[np.ndarray]) -> list[ImageScore]:
    """Score uint8 images (S, S, 3) of the model's size.

    Raises:
        DeviceError: not even one of them fits the device's memory.
    """
    return [_score_of(model, *facts) for facts in _facts(model, images, Portions(len(images) or 1))]


def _facts(
    model: BGAD, images: Sequence[np.ndarray], portions: Portions
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    found = portions.each(lambda portion: _maps(model, _rows(model, portion)), images, model.device)
    return chain.from_iterable(zip(*part, strict=True) for part in found)


@torch.inference_mode()
def _maps(model: BGAD, rows: Sequence[Tensor]) -> Facts:
    """(B, H, W) fused and (B, L, H, W) levels' maps, float32, and descriptors (B, 64)."""
    levels = [model.level_maps(level, features) for level, features in enumerate(rows)]
    fused = model.fused(levels)
    size = fused.shape[1:]
    resize = torch.nn.functional.interpolate
    planes = [resize(level[:, None], size=size, mode="bilinear", align_corners=False)[:, 0] for level in levels]
    maps = fused.cpu().numpy()
    return maps, torch.stack(planes, dim=1).cpu().numpy(), _descriptors(model, rows, maps)


def _descriptors(model: BGAD, rows: Sequence[Tensor], maps: np.ndarray) -> np.ndarray:
    b_n = model.boundary("part").b_n
    regions = torch.from_numpy(np.stack([abnormal_region(plane, b_n) for plane in maps])).to(model.device)
    return region_descriptors(rows, model.shapes, regions, whitened=model.whitened)


def _score_of(model: BGAD, plane: np.ndarray, levels: np.ndarray, descriptor: np.ndarray) -> ImageScore:
    fused, part, lowest = model.boundary("fused"), model.boundary("part"), lowest_of(plane)
    score, standing = anomaly_score(lowest, fused, part), standing_of(lowest, part)
    margin = margin_mass(levels, [model.boundary(str(number)) for number in range(1, len(levels) + 1)])
    return ImageScore(score, lowest, standing, _half(plane), _half(levels), margin, descriptor)


def _half(maps: np.ndarray) -> np.ndarray:
    """float16; what is too abnormal for that range stands at its end, so that a map can be interpolated."""
    clipped: np.ndarray = np.clip(maps, -HALF_MAX, HALF_MAX)
    return clipped.astype(np.float16)
