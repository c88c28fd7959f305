"""Which normals look unlike the others, before anything is trained: a ranking for people, and no boundary.

A defect among the normals teaches the flows that it is normal, and day one has no boundary yet that could doubt it.
What there is is the frozen backbone. A normal is as odd as its oddest place: how far that lies from what the other
normals show, anywhere on them, since parts turn. Nothing is fitted but the whitening, and no threshold comes out:
among good parts some is always the oddest.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.neighbors import NearestNeighbors

from bgad_core.config import BGADConfig
from bgad_core.data import Sample
from bgad_core.errors import Cancelled, DatasetError
from bgad_core.feature_cache import FeatureCache, Features, features_of
from bgad_core.features import FeatureExtractor, resolve_device
from bgad_core.model import BGAD
from bgad_core.training import calibrate_built_in, set_statistics

NEIGHBOURS = 5  # fewer alike defects than this among the normals do not vouch for each other
FOLDS = 10
PLACES = 10_000  # of all normals together that a place is held against
SEED = 20261126


def oddness(
    config: BGADConfig,
    *,
    normals: Sequence[Sample],
    calibration: Sequence[Sample] = (),
    cache: FeatureCache,
    device: str = "auto",
    threads: int = 1,
    progress: Callable[[str, int, int], None] = lambda phase, done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """How far the oddest place of each normal lies from the other normals.

    Args:
        config: of the training to come; its features are cached under the same keys, so that it finds them there.
        normals: parts to learn from; a built-in backbone is set to them, as in training.
        calibration: parts that are ranked with them.
        progress: told (phase, images done, images in all).

    Returns:
        float32 (len(normals) + len(calibration),), in units of the median image; higher is odder. A place is a cell of
        the coarsest level: all levels averaged over it, whitened, each of the same weight. Its distance is the mean to
        its 5 nearest of 10,000 places drawn from the images of the other nine folds, so that no image vouches for
        itself.

    Raises:
        DatasetError: fewer than two images.
        Cancelled: `should_stop` answered true.

    Source: after PatchCore (Roth et al., CVPR 2022), whose memory holds a coreset of normals that are known to be good.
    """
    samples = [*normals, *calibration]
    if len(samples) < 2:
        raise DatasetError(f"{len(samples)} normal parts: a part is odd among others, give at least 2")
    torch.set_num_threads(threads)
    extractor = FeatureExtractor(config.backbone, resolve_device(device))
    if config.backbone.built_in:
        calibrate_built_in(extractor, normals, config)
    features = _features(extractor, samples, config, cache, progress, should_stop)
    model = BGAD(config, extractor)
    set_statistics(model, features)
    found = _oddest(model, features, len(samples), progress, should_stop)
    return found / max(float(np.median(found)), 1e-9)


def places_of(model: BGAD, features: Features, number: int) -> np.ndarray:
    """The places of one tile that somebody cares about, float32 (cells, channels of all levels)."""
    _, height, width = features.shapes[-1]
    joined = []
    for level, (channels, rows, columns) in enumerate(features.shapes):
        values = torch.from_numpy(np.array(features.level(number, level))).to(model.device).float()
        plane = values.T.reshape(1, channels, rows, columns)
        pooled = F.adaptive_avg_pool2d(plane, (height, width)).flatten(2)[0].T  # affine: whitening may come after
        joined.append(model.whitened(level, pooled) / np.sqrt(channels))
    places = torch.cat(joined, dim=1).cpu().numpy()
    cared: np.ndarray = places[features.cared(number, len(features.shapes) - 1, np.arange(height * width))]
    return cared


def among(places: np.ndarray) -> NearestNeighbors:
    """The places (K, D) that others are held against; all of them where there are fewer than 5."""
    return NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(places)), algorithm="brute").fit(places)


def farthest(places: np.ndarray, others: NearestNeighbors) -> float:
    """The largest mean distance of one of the places (N, D) to its nearest among the others; 0 of none."""
    return float(others.kneighbors(places)[0].mean(axis=1).max()) if len(places) else 0.0


def _features(
    extractor: FeatureExtractor,
    samples: Sequence[Sample],
    config: BGADConfig,
    cache: FeatureCache,
    progress: Callable[[str, int, int], None],
    should_stop: Callable[[], bool],
) -> Features:
    def show(done: int, total: int) -> None:
        progress("features", done, total)

    return features_of(extractor, samples, config, cache, overlap=0.0, progress=show, should_stop=should_stop)


@torch.inference_mode()
def _oddest(
    model: BGAD,
    features: Features,
    count: int,
    progress: Callable[[str, int, int], None],
    should_stop: Callable[[], bool],
) -> np.ndarray:
    """Per image the distance of its oddest place, float32 (count,); 0 where nobody cares about any."""
    rng = np.random.default_rng(SEED)
    tiles = _tiles_of(features)
    fold = rng.permutation(count) % min(FOLDS, count)
    bank, of = _bank(model, features, tiles, rng)
    found, done = np.zeros(count, dtype=np.float32), 0
    for number in np.unique(fold):
        others = among(bank[fold[of] != number])
        for image in np.flatnonzero(fold == number):
            if should_stop():
                raise Cancelled("cancelled while looking for odd normals")
            found[image] = max(farthest(places_of(model, features, tile), others) for tile in tiles[image])
            done += 1
            progress("comparing", done, count)
    return found


def _tiles_of(features: Features) -> list[range]:
    """The places in `features` that belong to each image."""
    ends = np.cumsum([len(layout.places) for layout in features.layouts])
    return [range(end - len(layout.places), end) for end, layout in zip(ends, features.layouts, strict=True)]


def _bank(
    model: BGAD, features: Features, tiles: Sequence[range], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Places drawn from all images alike, (K, D), and the image (K,) that each is of."""

    def drawn() -> Iterator[tuple[int, np.ndarray]]:
        for image, numbers in enumerate(tiles):
            places = np.concatenate([places_of(model, features, number) for number in numbers])
            yield image, places[rng.permutation(len(places))[: max(1, PLACES // len(tiles))]]

    images, kept = zip(*drawn(), strict=True)
    return np.concatenate(kept), np.repeat(images, [len(places) for places in kept])
