"""From a part's lowest fused log-likelihood to its score and standing. No torch: exported models are read by it too."""

from typing import Literal

import numpy as np

from bgad_core.boundary import LevelBoundary

StandingName = Literal["normal", "margin", "defect"]


def lowest_of(plane: np.ndarray) -> float:
    """The lowest value of a fused map, to four decimals: a sum's last bits depend on the batch, and decide nothing."""
    return round(float(plane.min()), 4)


def anomaly_score(lowest: float, fused: LevelBoundary, part: LevelBoundary) -> float:
    """A part's score from its lowest fused log-likelihood; monotone, so it ranks as Eq. 7 does.

    u = (median - lowest) / (median - b_n) is 0 at what normal cells are and 1 at the part's boundary; u / (1 + u) keeps
    it in [0, 1) without ever saturating, as 1 - exp(log p) does in float32.
    """
    return score_at(lowest, fused.median, part.b_n)


def score_at(lowest: float, median: float, b_n: float) -> float:
    """`anomaly_score` from its two constants: the fused map's median and the part's b_n.

    >>> [round(score_at(lowest, median=-1.0, b_n=-3.0), 2) for lowest in (-0.5, -1.0, -3.0, -21.0)]
    [0.0, 0.0, 0.5, 0.91]
    """
    u = max(0.0, (median - lowest) / (median - b_n))
    return u / (1.0 + u)


def lowest_at(score: float, median: float, b_n: float) -> float:
    """The lowest value that scores `score` in [0, 1): `score_at` turned round.

    >>> lowest_at(0.5, median=-1.0, b_n=-3.0)
    -3.0
    """
    return median - score / (1.0 - score) * (median - b_n)


def standing_of(lowest: float, part: LevelBoundary) -> StandingName:
    """Where the lowest fused value of a part lies against the part's boundary."""
    return stands(lowest, b_n=part.b_n, b_a=part.b_a)


def stands(lowest: float, *, b_n: float, b_a: float) -> StandingName:
    """ "normal" from b_n up, "defect" below b_a, "margin" between.

    >>> [stands(lowest, b_n=-3.0, b_a=-4.0) for lowest in (-3.0, -3.5, -4.5)]
    ['normal', 'margin', 'defect']
    """
    if lowest >= b_n:
        return "normal"
    return "margin" if lowest >= b_a else "defect"
