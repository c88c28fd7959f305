"""Pixel AUROC and PRO, exact, of more pixels than memory can sort: sorted runs on disk, merged by value."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

RUN = 2**24  # pixels that are sorted in memory at once
BLOCK = 2**20  # pixels of each run that are merged at once


class PixelCurve:
    """Takes maps one at a time, keeps them on disk until `close`, and walks down through all their values at the end.

    Args:
        limit: of the false positive rate that PRO is integrated to.
        run, block: pixels that memory holds when sorting, and of each run when merging.
    """

    def __init__(self, *, limit: float, run: int = RUN, block: int = BLOCK) -> None:
        self.limit, self.run, self.block = limit, run, block
        self.normal = self.abnormal = 0
        self.regions = 0.0
        self._folder = tempfile.TemporaryDirectory(prefix="bgad-pixels-")
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []
        self._count = 0

    def add(self, plane: np.ndarray, labels: np.ndarray) -> None:
        """A map (H, W), higher is more abnormal, with each pixel's label: 0 normal, a region's number, -1 ignored."""
        kept = labels >= 0
        weights = weights_of(labels)[kept]
        self._waiting.append((-np.asarray(plane, dtype=np.float32)[kept], weights))
        self.normal += int((labels == 0).sum())
        self.abnormal += int((labels > 0).sum())
        self.regions += float(weights.sum())
        self._count += len(weights)
        if self._count >= self.run:
            self._flush()

    def result(self) -> tuple[float | None, float | None]:
        """(pixel AUROC, PRO), as `pixel_auroc` and `pro` give them; None where they have no value."""
        self._flush()
        if not self.normal or not self.abnormal:
            return None, None
        roc = overlaps = 0.0
        false, true, found = 0, 0, 0.0
        for keys, weights in self._merged():
            last = np.append(keys[1:] != keys[:-1], True)  # equal values pass a threshold together
            falses = np.append(false, false + np.cumsum(weights == 0)[last])
            trues = np.append(true, true + np.cumsum(weights > 0)[last])
            founds = np.append(found, found + np.cumsum(weights)[last])
            roc += float(np.trapezoid(trues, falses))
            overlaps += area(falses / self.normal, founds / self.regions, self.limit)
            false, true, found = int(falses[-1]), int(trues[-1]), float(founds[-1])
        return roc / (self.normal * self.abnormal), overlaps / self.limit

    def close(self) -> None:
        """Delete what lies on disk."""
        self._folder.cleanup()

    def _flush(self) -> None:
        if not self._count:
            return
        keys, weights = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        order = np.argsort(keys, kind="stable")
        self._runs.append((self._stored(keys[order]), self._stored(weights[order])))
        self._waiting, self._count = [], 0

    def _stored(self, values: np.ndarray) -> np.ndarray:
        path = Path(self._folder.name) / f"{len(list(Path(self._folder.name).iterdir()))}.npy"
        np.save(path, values)
        stored: np.ndarray = np.load(path, mmap_mode="r")
        return stored

    def _merged(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(keys, weights) of all runs in rising order of the key, block by block; equal keys stay in one block."""
        places = [0] * len(self._runs)
        while any(place < len(keys) for place, (keys, _) in zip(places, self._runs, strict=True)):
            ends = [
                keys[min(place + self.block, len(keys)) - 1]
                for place, (keys, _) in zip(places, self._runs, strict=True)
                if place < len(keys)
            ]
            stops = [int(np.searchsorted(keys, min(ends), side="right")) for keys, _ in self._runs]
            parts = [
                (keys[place:stop], weights[place:stop])
                for place, stop, (keys, weights) in zip(places, stops, self._runs, strict=True)
            ]
            joined, carried = (np.concatenate(some) for some in zip(*parts, strict=True))
            order = np.argsort(joined, kind="stable")
            yield joined[order], carried[order]
            places = stops


def weights_of(labels: np.ndarray) -> np.ndarray:
    """1 / area of its region for each pixel of one, 0 elsewhere, float64 (H, W)."""
    areas = np.bincount(np.maximum(labels, 0).ravel()).astype(np.float64)
    areas[0] = np.inf
    weights: np.ndarray = 1.0 / areas[np.maximum(labels, 0)]
    return weights


def area(rate: np.ndarray, overlap: np.ndarray, limit: float) -> float:
    """Under a piece of the curve up to `limit`, the last step cut at the limit by interpolation."""
    inside = rate <= limit
    x, y = rate[inside], overlap[inside]
    if len(x) and not inside.all():
        x, y = np.append(x, limit), np.append(y, np.interp(limit, rate, overlap))
    return float(np.trapezoid(y, x))
