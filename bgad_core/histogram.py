"""Log-likelihood histograms and what they say of the boundary: mass in the margin, overlap, drift."""

import numpy as np


def log_likelihood_histogram(values: np.ndarray, *, bins: int, low: float, high: float) -> np.ndarray:
    """Counts of log-likelihoods in `bins` equal bins from `low` to `high`, int64 (bins,).

    Values outside count in the first or last bin, so that the counts add up to the number of values.

    Raises:
        ValueError: no bins, or an empty range.
    """
    if bins < 1 or not low < high:
        raise ValueError(f"{bins} bins from {low} to {high} hold nothing: give at least one, and low < high")
    flat = np.asarray(values, dtype=np.float64).ravel()
    places = np.floor((flat - low) / (high - low) * bins)
    return np.bincount(np.clip(places, 0, bins - 1).astype(np.int64), minlength=bins)


def margin_mass(values: np.ndarray, *, b_n: float, b_a: float) -> float:
    """Share of log-likelihoods in the margin (b_a, b_n) that BG-SPP empties; 0 for no values."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return float(((flat > b_a) & (flat < b_n)).mean()) if flat.size else 0.0


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Shared area of two histograms over the same bins, each brought to area 1: 0 apart, 1 alike.

    Raises:
        ValueError: another number of bins.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} bins and {len(second)}: overlap needs the same bins")
    totals = float(np.sum(first)), float(np.sum(second))
    if 0.0 in totals:
        return 0.0
    return float(np.minimum(np.asarray(first) / totals[0], np.asarray(second) / totals[1]).sum())
