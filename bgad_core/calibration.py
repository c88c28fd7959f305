"""Operating points: how many good parts a threshold stops, said of parts and with its uncertainty.

The boundary's beta bounds *features*, in the sample that it was fitted on. How many good *parts* a threshold stops is
another question. It is answered here by good parts that the flows never saw: their scores, sorted, are thresholds, and
how often the next good part lies above the k-th of n has a known law whatever the scores' distribution is.

The one assumption is that the next good parts are exchangeable with the calibration ones: same product, same camera,
same light, and no part chosen because of its score. What breaks it is what the drift page watches.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import betainc, betaincinv

CONFIDENCES = (0.9, 0.95, 0.99)
FINE = 300  # ranks from the top that a table keeps one by one; below, every tenth


@dataclass(frozen=True)
class Threshold:
    """The k-th smallest of n scores of good parts; parts that score above it are stopped.

    Attributes:
        rank: k, from 1.
        stop: the score.
        expected: share of good parts above it, on average over all calibration sets that one might have drawn.
        low, high: the central 90 % of that share, over the same.
        upper: per confidence, the share that is not exceeded with that confidence.
    """

    rank: int
    stop: float
    expected: float
    low: float
    high: float
    upper: dict[str, float]


def expected_rank(count: int, alpha: float) -> int | None:
    """The lowest rank of `count` normals above which at most `alpha` of good parts lie on average; None: too few.

    Source: split conformal prediction, k = ceil((n + 1)(1 - alpha)) (Vovk, Gammerman, Shafer 2005; Lei et al. 2018).
    """
    _check(alpha)
    rank = math.ceil((count + 1) * (1 - alpha) - 1e-9)
    return max(1, rank) if rank <= count else None


def confident_rank(count: int, alpha: float, confidence: float) -> int | None:
    """The lowest rank above which at most `alpha` of good parts lie, with `confidence`; None: too few normals.

    The share above the k-th of n continuous scores has the law Beta(n - k + 1, k), so this is Clopper and Pearson's
    upper limit for n - k alarms among n, one-sided (Wilks 1941).
    """
    _check(alpha)
    ranks = np.arange(1, count + 1)
    kept = np.nonzero(betainc(count - ranks + 1, ranks, alpha) >= confidence)[0]
    return int(ranks[kept[0]]) if len(kept) else None


def normals_needed(alpha: float, confidence: float | None) -> int:
    """The fewest calibration normals that can carry `alpha`: on average (confidence None), or with a confidence."""
    _check(alpha)
    if confidence is None:
        return math.ceil(1 / alpha - 1 - 1e-9)
    return math.ceil(math.log(1 - confidence) / math.log(1 - alpha) - 1e-9)


def threshold_at(ordered: Sequence[float] | np.ndarray, rank: int) -> Threshold:
    """What the `rank`-th of ascending scores of good parts promises.

    Raises:
        ValueError: no such rank.
    """
    count = len(ordered)
    if not 1 <= rank <= count:
        raise ValueError(f"rank {rank} of {count} normals does not exist: choose one from 1 to {count}")
    above = count - rank + 1
    low, high = (float(betaincinv(above, rank, share)) for share in (0.05, 0.95))
    upper = {f"{c:g}": float(betaincinv(above, rank, c)) for c in CONFIDENCES}
    return Threshold(rank, float(ordered[rank - 1]), above / (count + 1), low, high, upper)


def threshold_table(scores: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """All thresholds that calibration scores offer, as a version keeps them: `normals`, and `thresholds` ascending."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    ranks = [k for k in range(1, len(ordered) + 1) if len(ordered) - k < FINE or k % 10 == 0]
    return {"normals": len(ordered), "thresholds": [asdict(threshold_at(ordered, rank)) for rank in ranks]}


def clopper_pearson(count: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share of which `count` of `total` were seen, two-sided.

    Raises:
        ValueError: more seen than there are.
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no share: count between 0 and the total")
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return low, high


def three_way(score: float, *, stop: float, reject: float) -> Literal["good", "look", "defect"]:
    """A part's decision: good up to `stop`, defect above `reject`, and between them somebody looks."""
    if score <= stop:
        return "good"
    return "look" if score <= reject else "defect"


def _check(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha {alpha} is no share of good parts: choose one between 0 and 1")
