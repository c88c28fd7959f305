"""Where the log-likelihoods stand while a training runs: looks on after each pass, and moves nothing."""

from dataclasses import dataclass

import numpy as np
import torch

from bgad_core.boundary import fit_boundary
from bgad_core.feature_cache import Features
from bgad_core.histogram import log_likelihood_histogram
from bgad_core.known import KnownAnomalies
from bgad_core.model import BGAD

IMAGES = 16  # evenly chosen, the same in every pass, so that what moves is the model and not the draw
CELLS = 256
BINS = 48


@dataclass(frozen=True)
class LiveLevel:
    """One level after one pass, in units of its log_p; higher is more normal.

    Attributes:
        level: "1", "2", ….
        low, high: ends of the bins; what lies outside counts in the end bins.
        normal: counts of held-out normal places.
        known: counts of the known defects' places, pasted ones left out; all 0 where none is known.
        b_n, b_a: the boundary of those held-out places now. The stored one comes from all of them, at the end.
    """

    level: str
    low: float
    high: float
    normal: list[int]
    known: list[int]
    b_n: float
    b_a: float


@torch.inference_mode()
def look(model: BGAD, held_out: Features, known: KnownAnomalies | None) -> list[LiveLevel]:
    """All levels as they stand now; draws nothing, so that a run that is looked at ends like one that is not."""
    found = []
    for level in range(len(model.shapes)):
        _, height, width = model.shapes[level]
        grid = _evenly(np.arange(height * width))
        normal = _log_p(model, held_out, level, {index: grid for index in _some(len(held_out))})
        marked = {i: _evenly(np.flatnonzero(known.masks[i][level] == 1)) for i in _some(known.known)} if known else {}
        abnormal = _log_p(model, known.features, level, marked) if known else np.empty(0, dtype=np.float32)
        found.append(_level(model, level, normal, abnormal))
    return found


def _level(model: BGAD, level: int, normal: np.ndarray, abnormal: np.ndarray) -> LiveLevel:
    settings = model.config.boundary
    boundary = fit_boundary(normal, beta=settings.beta, tau=settings.tau)
    ends = [np.quantile(part, (0.01, 0.99)) for part in (normal, abnormal) if part.size]
    low = min(boundary.b_a - settings.tau, *(float(end[0]) for end in ends))
    high = max(boundary.b_n + settings.tau, *(float(end[1]) for end in ends))
    here, there = (
        log_likelihood_histogram(part, bins=BINS, low=low, high=high).tolist() for part in (normal, abnormal)
    )
    return LiveLevel(str(level + 1), low, high, here, there, boundary.b_n, boundary.b_a)


def _log_p(model: BGAD, features: Features, level: int, where: dict[int, np.ndarray]) -> np.ndarray:
    """The normalised log-likelihoods of chosen cells of some images, those that nobody cares about left out."""
    parts = [np.empty(0, dtype=np.float32)]
    for index, chosen in where.items():
        cells = features.cared(index, level, chosen)
        if len(cells):
            rows = torch.from_numpy(features.level(index, level)[cells]).to(model.device).float()
            nats = model.log_p_nats(level, rows, torch.from_numpy(cells).to(model.device))
            parts.append(model.normalised(level, nats).cpu().numpy())
    return np.concatenate(parts)


def _some(count: int) -> list[int]:
    """At most `IMAGES` of so many, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, IMAGES)).round().astype(int)).tolist() if count else []


def _evenly(cells: np.ndarray) -> np.ndarray:
    """About `CELLS` of them. The step is made odd, or one column of the grid would stand for all."""
    return cells[:: max(1, len(cells) // CELLS) | 1]
