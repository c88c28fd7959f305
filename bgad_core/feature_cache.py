"""Features of unaugmented images, computed once: the backbone is frozen, so they never change.

One file per image, half precision, all levels one after the other, memory-mapped when read. Written to a temporary name
and renamed, so that two processes may compute the same image and a killed one leaves nothing half-written.
"""

import contextlib
import errno
import hashlib
import os
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import overload

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bgad_core.config import BGADConfig
from bgad_core.data import Sample, read_image, share_of_mask
from bgad_core.errors import Cancelled
from bgad_core.features import FeatureExtractor, as_batch
from bgad_core.labels import touched
from bgad_core.portions import Portions
from bgad_core.tiling import OVERLAP, Layout, cut, fitted, layout_of, shape_of

EVICT_EVERY = 256
BATCH = 16
SPARE_BYTES = 2**29  # of vectors in memory that the disk did not take

Shapes = list[tuple[int, int, int]]


class FeatureCache:
    """A folder of feature files, bounded in size; the files used longest ago go first.

    Args:
        folder: made when missing.
        max_bytes: what the folder may hold, besides what this process needs at the moment.

    Attributes:
        needed: keys that this process is working with: it would only have to compute them again.
    """

    def __init__(self, folder: Path, max_bytes: int = 8 * 2**30) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._puts = 0
        self.needed: set[str] = set()

    def holds(self, key: str, length: int) -> bool:
        """Whether the features of a key are there in full; counts as a use of them."""
        path = self._path(key)
        try:
            os.utime(path)
            return path.stat().st_size == length * np.dtype(np.float16).itemsize
        except OSError:
            return False

    def get(self, key: str, length: int) -> np.ndarray | None:
        """The features of a key as a float16 vector of that length, for reading; None when absent or cut short."""
        path = self._path(key)
        try:
            features: np.ndarray = np.memmap(path, dtype=np.float16, mode="r")
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) != errno.ENOMEM:
                return None
            features = np.fromfile(path, dtype=np.float16)  # it is there; computing it again would take far more memory
        if len(features) != length:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return features

    def put(self, key: str, features: np.ndarray) -> None:
        """Keep a float16 vector; a full disk costs the cache, never the run."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            features.astype(np.float16).tofile(temporary)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
        self._puts += 1
        if self._puts % EVICT_EVERY == 0:
            self.evict()

    def evict(self) -> None:
        """Delete the files used longest ago until the rest fits; a file that a process has mapped lives on for it."""
        files = []
        for path in self.folder.glob("*/*.f16"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self.max_bytes:
                return
            if path.stem not in self.needed:
                path.unlink(missing_ok=True)
                total -= size

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.f16"


class Stored(Sequence[np.ndarray]):
    """One float16 vector per key, out of a cache; one that is gone from there is computed again.

    Args:
        cache: told to keep these keys as long as this process uses it, whatever its bound.
        keys: of the vectors, in order.
        length: of each vector.
        compute: a vector by its place.
    """

    def __init__(
        self, cache: FeatureCache, keys: Sequence[str], length: int, compute: Callable[[int], np.ndarray]
    ) -> None:
        self.cache, self.keys, self.length, self.compute = cache, keys, length, compute
        self._spare: OrderedDict[int, np.ndarray] = OrderedDict()
        cache.needed.update(keys)

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[np.ndarray]: ...
    def __getitem__(self, place: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        vector = self.cache.get(self.keys[place], self.length)
        if vector is None:
            vector = self._spare.get(place)
        return self.keep(place, self.compute(place)) if vector is None else vector

    def missing(self) -> list[int]:
        """Places whose vectors are not in the cache."""
        return [place for place, key in enumerate(self.keys) if not self.cache.holds(key, self.length)]

    def keep(self, place: int, vector: np.ndarray) -> np.ndarray:
        """Put a vector on disk; where the disk refuses, a bounded number of them stay in memory."""
        self.cache.put(self.keys[place], vector)
        if not self.cache.holds(self.keys[place], self.length):
            self._spare[place] = vector
            while len(self._spare) * vector.nbytes > SPARE_BYTES:
                self._spare.popitem(last=False)
        return vector


class Features:
    """The feature maps of a list of images: read from the cache when asked for, or given in memory.

    Attributes:
        shapes: (C, H, W) of each level.
        layouts: how each image was cut into the vectors, in their order; empty where nobody has to know.
        ignore: pixels that nobody cares about by image, bool (H, W) of any size; images without any are missing.
    """

    def __init__(
        self,
        vectors: Sequence[np.ndarray],
        shapes: Shapes,
        ignore: Mapping[int, np.ndarray] | None = None,
        layouts: Sequence[Layout] = (),
    ) -> None:
        self.vectors, self.shapes, self.ignore, self.layouts = vectors, shapes, ignore or {}, layouts
        ends = np.cumsum([c * h * w for c, h, w in shapes])
        self._slices = [slice(int(end) - c * h * w, int(end)) for end, (c, h, w) in zip(ends, shapes, strict=True)]

    def __len__(self) -> int:
        return len(self.vectors)

    def level(self, index: int, level: int) -> np.ndarray:
        """One image's features at one level (counted from 0), float16 of shape (H*W, C)."""
        channels, height, width = self.shapes[level]
        vector: np.ndarray = self.vectors[index][self._slices[level]]
        return vector.reshape(height * width, channels)

    def take(self, index: int, level: int, cells: np.ndarray) -> np.ndarray:
        """One image's features at the given cells (N,) of one level, float16 of shape (N, C)."""
        taken: np.ndarray = self.level(index, level)[cells]
        return taken

    def cared(self, index: int, level: int, cells: np.ndarray) -> np.ndarray:
        """Those of an image's cells (N,) that no ignored pixel touches, in their order."""
        if index not in self.ignore:
            return cells
        _, height, width = self.shapes[level]
        cared: np.ndarray = cells[~touched(self.ignore[index], height, width)[cells]]
        return cared


def key_of(sha256: str, digest: str, config: BGADConfig, place: tuple[int, int] = (0, 0)) -> str:
    """Names what a feature file was made from: the image, the weights, the size and the filter, and the tile if any."""
    facts = f"{sha256} {digest} {config.size} {config.smoothing}"
    if config.tile is not None:
        facts += f" {config.tile} {place}"
    return hashlib.sha256(facts.encode()).hexdigest()


def features_of(
    extractor: FeatureExtractor,
    samples: Sequence[Sample],
    config: BGADConfig,
    cache: FeatureCache,
    *,
    overlap: float = OVERLAP,
    progress: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Features:
    """The features of samples in order, tile by tile, those that are missing computed and cached.

    Args:
        overlap: of the tiles, see `layout_of`.

    Raises:
        Cancelled: `should_stop` answered true; what was computed stays cached.
        BadImageError: an image cannot be read.
    """
    digest, shapes = extractor.digest(), shapes_of(extractor, config)
    length = sum(c * h * w for c, h, w in shapes)
    layouts = [_layout_of(extractor, sample, config, overlap) for sample in samples]
    tiles = [(index, number) for index, layout in enumerate(layouts) for number in range(len(layout.places))]
    keys = [key_of(samples[index].sha256, digest, config, layouts[index].places[number]) for index, number in tiles]

    def computed(places: Sequence[int]) -> list[np.ndarray]:
        return vectors_of(extractor, _tiles_of(samples, layouts, [tiles[place] for place in places]), config)

    stored = Stored(cache, keys, length, lambda place: computed([place])[0])
    missing = stored.missing()
    for start in range(0, len(missing), BATCH):
        if should_stop():
            raise Cancelled("cancelled while computing features")
        chunk = missing[start : start + BATCH]
        for place, vector in zip(chunk, computed(chunk), strict=True):
            stored.keep(place, vector)
        progress((len(tiles) - len(missing) + start + len(chunk)) * len(samples) // len(tiles), len(samples))
    return Features(stored, shapes, _ignored(samples, layouts), layouts)


def _layout_of(extractor: FeatureExtractor, sample: Sample, config: BGADConfig, overlap: float) -> Layout:
    shape = (config.size, config.size) if config.tile is None else shape_of(sample.path)
    return layout_of(shape, config, max(extractor.strides), overlap=overlap)


def _tiles_of(
    samples: Sequence[Sample], layouts: Sequence[Layout], wanted: Sequence[tuple[int, int]]
) -> list[np.ndarray]:
    """The (image, tile number) pairs' pixels, each image read once."""
    tiles = {
        index: cut(fitted(read_image(samples[index].path), layouts[index]), layouts[index])
        for index in dict.fromkeys(index for index, _ in wanted)
    }
    return [np.ascontiguousarray(tiles[index][number]) for index, number in wanted]


def _ignored(samples: Sequence[Sample], layouts: Sequence[Layout]) -> dict[int, np.ndarray]:
    """The ignored pixels of each tile that has any, by the tile's place among all."""
    found: dict[int, np.ndarray] = {}
    place = 0
    for sample, layout in zip(samples, layouts, strict=True):
        if sample.ignore is not None:
            plane = share_of_mask(sample.ignore, layout.height, layout.width) > 0
            found |= {place + number: tile for number, tile in enumerate(cut(plane, layout)) if tile.any()}
        place += len(layout.places)
    return found


def vectors_of(extractor: FeatureExtractor, images: Sequence[np.ndarray], config: BGADConfig) -> list[np.ndarray]:
    """The features of uint8 images (S, S, 3), one float16 vector each; in smaller portions when memory runs out."""

    def work(portion: Sequence[np.ndarray]) -> list[np.ndarray]:
        with torch.inference_mode():
            maps = smoothed(extractor(as_batch(portion, extractor.mean.device)), config.smoothing)
        rows = [level.permute(0, 2, 3, 1).flatten(1) for level in maps]
        return list(torch.cat(rows, dim=1).half().cpu().numpy())

    found = Portions(max(1, len(images))).each(work, images, extractor.mean.device)
    return [vector for portion in found for vector in portion]


def smoothed(maps: Sequence[Tensor], side: int) -> list[Tensor]:
    """Each level averaged over `side` x `side` cells: neighbours fill the exact zeros that ReLU leaves."""
    if side == 1:
        return list(maps)
    return [F.avg_pool2d(level, side, stride=1, padding=side // 2, count_include_pad=False) for level in maps]


def shapes_of(extractor: FeatureExtractor, config: BGADConfig) -> Shapes:
    """(C, H, W) of each level at the config's size, read off one blank image."""
    with torch.inference_mode():
        blank = torch.zeros(1, 3, config.size, config.size, device=extractor.mean.device)
        return [(level.shape[1], level.shape[2], level.shape[3]) for level in extractor(blank)]
