"""What to label next: the facts of one scored image that a queue decides by. Higher log-likelihood is more normal.

None of them decides alone: the queue (app) mixes purposes, and keeps a random share whatever the facts say.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from bgad_core.boundary import LevelBoundary

LEAST_REFERENCES = 4  # labelled parts that a typical distance needs
TYPICAL = 0.95  # the quantile of the labelled parts' own distances that counts as far


def abnormal_region(fused: np.ndarray, b_n: float) -> np.ndarray:
    """The region that an image's score rests on, bool (H, W), never empty.

    Args:
        fused: log-likelihoods (H, W).
        b_n: the boundary below which a cell belongs to a region.

    Returns:
        The cells below `b_n` that hang together with the lowest one, diagonals included; on a part that has none, the
        lowest cell and its neighbours.
    """
    row, column = np.unravel_index(int(np.argmin(fused)), fused.shape)
    below = fused < b_n
    if below[row, column]:
        labels = cv2.connectedComponents(below.astype(np.uint8), connectivity=8)[1]
        lowest: np.ndarray = labels == labels[row, column]
        return lowest
    region = np.zeros(fused.shape, dtype=bool)
    region[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = True
    return region


def margin_mass(levels: np.ndarray, boundaries: Sequence[LevelBoundary]) -> float:
    """How much of an image the boundary cannot tell: per level its doubtful region, averaged over the levels.

    Args:
        levels: log-likelihoods (L, H, W).
        boundaries: one per level, in its units.

    Returns:
        In [0, 1]: the largest count of cells between b_a and b_n within one connected region below b_n, as a share of
        the map; one large doubtful region weighs more than many specks.
    """
    shares = [_largest_in_margin(plane, boundary) for plane, boundary in zip(levels, boundaries, strict=True)]
    return float(np.mean(shares)) if shares else 0.0


def _largest_in_margin(plane: np.ndarray, boundary: LevelBoundary) -> float:
    below = plane < boundary.b_n
    if not below.any():
        return 0.0
    labels = cv2.connectedComponents(below.astype(np.uint8), connectivity=8)[1]
    doubtful = np.bincount(labels[below & (plane >= boundary.b_a)], minlength=1)
    return float(doubtful.max(initial=0)) / plane.size


def novelty(descriptors: np.ndarray, references: np.ndarray, *, unit: float | None = None) -> np.ndarray:
    """How far images lie from everything that is labelled, known defects and normals alike.

    Args:
        descriptors: (N, D), see `descriptor.region_descriptors`.
        references: (K, D), those of the labelled images.
        unit: `novelty_unit(references)`, where it is known already.

    Returns:
        (N,) distance to the nearest reference, in units of how far labelled images lie from each other: above 1 nothing
        labelled is like it. NaN where the references give no unit.
    """
    unit = novelty_unit(references) if unit is None else unit
    if np.isnan(unit):
        return np.full(len(descriptors), np.nan, dtype=np.float32)
    nearest: np.ndarray = pairwise_distances(descriptors, references).min(axis=1, initial=np.inf)
    return (nearest / unit).astype(np.float32)


def novelty_unit(references: np.ndarray) -> float:
    """The 95th percentile of the references' (K, D) own nearest distances; NaN of fewer than four, or of equal ones."""
    if len(references) < LEAST_REFERENCES:
        return float("nan")
    among = pairwise_distances(references, references)
    np.fill_diagonal(among, np.inf)
    unit = float(np.quantile(among.min(axis=1), TYPICAL))
    return unit if unit > 0 else float("nan")


def pairwise_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances between the rows of (N, D) and (K, D), float32 (N, K)."""
    a, b = a.astype(np.float32), b.astype(np.float32)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None] - 2 * a @ b.T
    distances: np.ndarray = np.sqrt(np.clip(squared, 0.0, None))
    return distances
