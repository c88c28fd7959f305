"""The explicit boundary (Sec. 3.2): derived from normals alone, and so not biased by the defects that are known."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Boundary:
    """b_n and b_a in units of the log-likelihoods that they were fitted on; b_a = b_n - margin."""

    b_n: float
    b_a: float


@dataclass(frozen=True)
class LevelBoundary:
    """A boundary that is stored with a model.

    Attributes:
        level: "1", "2", … for the feature levels (log_p normalised by dimension and alpha_n);
            "fused" for all cells of the fused map; "part" for the lowest fused value of a whole part.
        b_n, b_a: the boundary, in the level's units; higher is more normal.
        median, spread: of the calibration normals; spread is median - b_n, 1 where that is not positive.

    "part" exists because beta bounds features, not parts: with beta = 1 % of 4,096 cells, nearly every good part has
    some forty cells below the fused b_n. What a good part's worst cell looks like is another question, answered by the
    quantile of those worst cells. Standing, isolines and the score rest on it, so that a good part looks calm. Its b_a
    lies as far below b_n as b_n lies below the median good part: tau is a margin between features, and would put b_a
    ten of those distances away on the demo's parts.
    """

    level: str
    b_n: float
    b_a: float
    median: float
    spread: float


def fit_boundary(log_p: np.ndarray, *, beta: float, tau: float) -> Boundary:
    """The boundary of normal log-likelihoods.

    Args:
        log_p: log-likelihoods of normals, any shape, any unit.
        beta: share of them that may lie below b_n, in (0, 1).
        tau: margin between b_n and b_a, in units of `log_p`.

    Returns:
        b_n, one of the values of `log_p`: at most the share `beta` of them is smaller. b_a = b_n - tau.

    Raises:
        ValueError: no values, a value that is not finite, or `beta` out of range.

    Source: Sec. 3.2, step 2. The paper's beta = 1 is in percent; here it is a share.

    >>> fit_boundary(np.array([-0.9, -0.5, -0.4, -0.3, -0.2]), beta=0.25, tau=0.1)
    Boundary(b_n=-0.5, b_a=-0.6)
    """
    values = np.asarray(log_p, dtype=np.float64).ravel()
    if values.size == 0:
        raise ValueError("no normal log-likelihoods to fit a boundary on")
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} of {values.size} log-likelihoods are not finite")
    if not 0 < beta < 1:
        raise ValueError(f"beta {beta} is not a share between 0 and 1")
    b_n = float(np.quantile(values, beta, method="lower"))
    return Boundary(b_n, b_n - tau)


def level_boundary(level: str, log_p: np.ndarray, *, beta: float, tau: float) -> LevelBoundary:
    """`fit_boundary` with the median and spread that put levels on one scale."""
    boundary = fit_boundary(log_p, beta=beta, tau=tau)
    median = float(np.median(np.asarray(log_p, dtype=np.float64)))
    spread = median - boundary.b_n
    return LevelBoundary(level, boundary.b_n, boundary.b_a, median, spread if spread > 0 else 1.0)
