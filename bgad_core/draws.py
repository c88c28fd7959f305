"""Which feature vectors a training step sees: cells drawn anew from each image of a group, in a drawn order."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bgad_core.config import TrainingConfig
from bgad_core.feature_cache import Features


@dataclass(frozen=True)
class Rows:
    """Feature vectors of one level.

    Attributes:
        features: float16 (N, C); or where the device holds all of them, see `recorded.Named`, their numbers (N,).
        cells: of each on the grid, (N,).
        mask: of each, (N,): 1 abnormal, 0 normal.
    """

    features: np.ndarray
    cells: np.ndarray
    mask: np.ndarray


def cells_of(training: TrainingConfig, level: int) -> int | None:
    """How many cells of an image and level are drawn; None for all."""
    return None if training.positions is None else training.positions[min(level, len(training.positions) - 1)]


def normal_rows(
    features: Features, group: np.ndarray, level: int, training: TrainingConfig, rng: np.random.Generator
) -> Rows:
    """Cells of normal images, drawn anew for each; all of them where the settings name no number."""
    _, height, width = features.shapes[level]
    wanted = min(cells_of(training, level) or height * width, height * width)
    vectors, cells = [], []
    for index in group:
        chosen = np.sort(rng.choice(height * width, wanted, replace=False, shuffle=False))
        chosen = features.cared(int(index), level, chosen)
        vectors.append(features.take(int(index), level, chosen))
        cells.append(chosen)
    joined = np.concatenate(vectors)
    return Rows(joined, np.concatenate(cells), np.zeros(len(joined), dtype=np.float32))


def joined(normals: Rows, anomalous: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Rows:
    """Normals' rows, then those of anomalous images: (features, cells, mask)."""
    features, cells, mask = anomalous
    return Rows(
        np.concatenate([normals.features, features]),
        np.concatenate([normals.cells, cells]),
        np.concatenate([normals.mask, mask]),
    )


def batches_of(rows: Rows, size: int, rng: np.random.Generator) -> Iterator[Rows]:
    """All rows in a drawn order, in equal batches of at most `size`: no leftover is dropped, none is tiny."""
    order = rng.permutation(len(rows.cells))
    for chosen in np.array_split(order, max(1, math.ceil(len(order) / size))):
        yield Rows(rows.features[chosen], rows.cells[chosen], rows.mask[chosen])
