"""Does the boundary move more than chance moves it? Bootstrap bands, the noise of training, and a test for the normals.

Three kinds of chance move b_n from one version to the next: which good parts calibrate it (a bootstrap over those parts
says how much), the seed of the training (retrains on the same labels say how much), and nothing else. What is left is
drift. Parts are drawn whole: cells of one part look alike, and counting them one by one would make bands far too thin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, stdtrit

from bgad_core.histogram import overlap

DRAWS = 200
FINE = 4096  # bins that a bootstrapped quantile is read from
LEVEL = 0.05  # of false alarms, per retrain, over all levels together
MIN_REPEATS = 3  # retrains on the same labels, before a move of b_n can be judged
MIN_PARTS = 8  # on each side of the test for a shift of the normals


@dataclass(frozen=True)
class Band:
    """A figure of a version, and the central 90 % of what other calibration parts would have made of it."""

    value: float
    low: float
    high: float
    deviation: float


def band(value: float, draws: np.ndarray, *, at: float | None = None) -> Band:
    """`value` with the spread of `draws` about `at`, the same figure read as the draws are."""
    moved = np.asarray(draws, dtype=np.float64) + (0.0 if at is None else value - at)
    low, high = np.quantile(moved, (0.05, 0.95))
    return Band(float(value), float(min(low, value)), float(max(high, value)), float(moved.std()))


def draw_parts(count: int, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """How often each of `count` parts stands in each bootstrap sample, float64 (draws, count)."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)


def level_bands(
    parts: Sequence[np.ndarray], known: Sequence[np.ndarray], *, b_n: float, b_a: float, beta: float, bins: int = 120
) -> dict[str, Band]:
    """Bands of b_n, b_a, spread, margin mass and overlap at one level.

    Args:
        parts: the log-likelihoods of each calibration part's cells.
        known: those of each known anomaly's marked cells; without any there is no overlap.
        b_n, b_a: the stored boundary of the level; the margin's width stays what it is.
        beta: share of cells below b_n.

    Raises:
        ValueError: no part.
    """
    if not parts:
        raise ValueError("no calibration part to draw from: bands need at least one")
    low, high = _ends(parts)
    counts = np.stack([_counts(part, low, high, FINE) for part in parts])
    drawn = draw_parts(len(parts)) @ counts
    centres = low + (np.arange(FINE) + 0.5) * (high - low) / FINE
    whole = counts.sum(axis=0, keepdims=True)

    def quantile(rows: np.ndarray, share: float) -> np.ndarray:
        values: np.ndarray = centres[_place(rows, share)]
        return values

    b_ns, medians = quantile(drawn, beta), quantile(drawn, 0.5)
    at_b_n, at_median = float(quantile(whole, beta)[0]), float(quantile(whole, 0.5)[0])
    width = b_n - b_a

    def inside(rows: np.ndarray, upper: np.ndarray) -> np.ndarray:
        return _inside(rows, centres, upper - width, upper)

    exact = float(np.mean(np.concatenate([(part > b_a) & (part < b_n) for part in parts])))
    at_inside = float(inside(whole, np.array([at_b_n]))[0])
    made = {
        "b_n": band(b_n, b_ns, at=at_b_n),
        "b_a": band(b_a, b_ns - width, at=at_b_n - width),
        "spread": band(at_median - at_b_n, medians - b_ns),
        "margin": band(exact, inside(drawn, b_ns), at=at_inside),
    }
    if any(len(values) for values in known):
        made["overlap"] = _overlap_band(parts, [values for values in known if len(values)], bins)
    return made


def part_bands(lowest: np.ndarray, *, b_n: float, b_a: float, beta: float) -> dict[str, Band]:
    """Bands of the part's boundary, from the lowest fused value of each calibration part."""
    values = np.asarray(lowest, dtype=np.float64)
    places = draw_parts(len(values))
    samples = np.stack([np.repeat(values, times.astype(int)) for times in places])
    b_ns = np.quantile(samples, beta, axis=1, method="lower")
    medians = np.median(samples, axis=1)
    at, median = float(np.quantile(values, beta, method="lower")), float(np.median(values))
    return {
        "b_n": band(b_n, b_ns, at=at),
        "b_a": band(b_a, 2 * b_ns - medians, at=2 * at - median),
        "spread": band(median - at, medians - b_ns),
    }


@dataclass(frozen=True)
class Move:
    """How far b_n of a level went from one version to the next.

    Attributes:
        move: in log-likelihood; above 0 it went towards normal.
        chance: its standard deviation if nothing but chance moved it.
        limit: the move beyond which it is an alarm; infinite while chance is not known.
    """

    level: str
    move: float
    chance: float
    limit: float

    @property
    def alarms(self) -> bool:
        return abs(self.move) > self.limit


def boundary_move(level: str, before: Band, after: Band, repeats: Sequence[float], *, levels: int) -> Move:
    """Judge a move of b_n by the bootstrap of both versions and the moves of retrains on the same labels.

    Args:
        repeats: b_n's moves between versions that differ in their seed alone.
        levels: how many levels are judged together; they share the false alarms.

    The limit is a quantile of Student's t, because the training's noise is known from few repeats.
    """
    move = after.value - before.value
    noise = float(np.mean(np.square(repeats))) if len(repeats) else 0.0
    chance = math.sqrt(noise + before.deviation**2 + after.deviation**2)
    if len(repeats) < MIN_REPEATS:
        return Move(level, move, chance, math.inf)
    return Move(level, move, chance, float(stdtrit(len(repeats), 1 - LEVEL / (2 * levels))) * chance)


def shift_of(before: np.ndarray, after: np.ndarray) -> tuple[float, float] | None:
    """Whether newer good parts score otherwise than earlier ones under one fixed version.

    Args:
        before: scores of good parts that the version was calibrated on and never pulled.
        after: scores of good parts that came later; none may have been chosen because of its score.

    Returns:
        (probability that a newer part scores higher, p), by the rank-sum test of Mann and Whitney with ties, two-sided;
        None with too few parts on a side. A fixed version has no seed, so a retrain alone can't raise this alarm.
    """
    n, m = len(before), len(after)
    if min(n, m) < MIN_PARTS:
        return None
    joined = np.concatenate([np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)])
    _, inverse, ties = np.unique(joined, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2)[inverse]
    higher = ranks[n:].sum() - m * (m + 1) / 2
    tied = (ties.astype(np.float64) ** 3 - ties).sum() / ((n + m) * (n + m - 1))
    variance = n * m / 12 * (n + m + 1 - tied)
    if variance <= 0:
        return 0.5, 1.0
    away = max(0.0, abs(higher - n * m / 2) - 0.5)
    return float(higher / (n * m)), float(2 * ndtr(-away / math.sqrt(variance)))


def _ends(parts: Sequence[np.ndarray]) -> tuple[float, float]:
    low, high = min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)
    return low, high if high > low else low + 1e-3


def _counts(values: np.ndarray, low: float, high: float, bins: int) -> np.ndarray:
    places = ((np.asarray(values, dtype=np.float64).ravel() - low) / (high - low) * bins).astype(np.int64)
    return np.bincount(places.clip(0, bins - 1), minlength=bins).astype(np.float64)  # BLAS multiplies these


def _place(rows: np.ndarray, share: float) -> np.ndarray:
    """The bin of each row that holds its quantile, the lower one of two."""
    sums = np.cumsum(rows, axis=1)
    wanted = np.floor(share * (sums[:, -1] - 1)) + 1
    places: np.ndarray = (sums < wanted[:, None]).sum(axis=1)
    return places


def _inside(rows: np.ndarray, centres: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    within = (centres > lower[:, None]) & (centres < upper[:, None])
    shares: np.ndarray = (rows * within).sum(axis=1) / rows.sum(axis=1)
    return shares


def _overlap_band(parts: Sequence[np.ndarray], known: Sequence[np.ndarray], bins: int) -> Band:
    low, high = _ends([*parts, *known])
    normal = np.stack([_counts(part, low, high, bins) for part in parts])
    abnormal = np.stack([_counts(part, low, high, bins) for part in known])
    pairs = zip(draw_parts(len(parts)) @ normal, draw_parts(len(known), seed=1) @ abnormal, strict=True)
    return band(overlap(normal.sum(axis=0), abnormal.sum(axis=0)), np.array([overlap(a, b) for a, b in pairs]))
