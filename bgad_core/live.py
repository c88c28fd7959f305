"""Where the log-likelihoods stand while a training runs: looks on after each pass, and moves nothing."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

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


class Looks:
    """Looks at the same places again and again; draws nothing, so that a run that is looked at ends like any other.

    Args:
        held_out: normals.
        known: known defects, None where there are none.
    """

    def __init__(self, model: BGAD, held_out: Features, known: KnownAnomalies | None) -> None:
        self.model = model
        self.normal, self.abnormal = [], []
        for level, (_, height, width) in enumerate(model.shapes):
            grid = _evenly(np.arange(height * width))
            self.normal.append(_rows(model, held_out, level, {index: grid for index in _some(len(held_out))}))
            marked = (
                {i: _evenly(np.flatnonzero(known.masks[i][level] == 1)) for i in _some(known.known)} if known else {}
            )
            self.abnormal.append(_rows(model, known.features if known else held_out, level, marked))

    @torch.inference_mode()
    def look(self) -> list[LiveLevel]:
        """All levels as they stand now."""
        return [
            _level(self.model, level, self._log_p(level, *normal), self._log_p(level, *abnormal))
            for level, (normal, abnormal) in enumerate(zip(self.normal, self.abnormal, strict=True))
        ]

    def _log_p(self, level: int, rows: Tensor, places: Tensor) -> np.ndarray:
        if not len(rows):
            return np.empty(0, dtype=np.float32)
        return self.model.normalised(level, self.model.log_p_nats(level, rows.float(), places)).cpu().numpy()


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


def _rows(model: BGAD, features: Features, level: int, where: dict[int, np.ndarray]) -> tuple[Tensor, Tensor]:
    """Features (N, C) and places (N,) of chosen cells of some images, those that nobody cares about left out."""
    cells = {index: features.cared(index, level, chosen) for index, chosen in where.items()}
    rows = [np.empty((0, model.shapes[level][0]), dtype=np.float16)]
    rows += [features.take(index, level, chosen) for index, chosen in cells.items()]
    places = np.concatenate([np.empty(0, dtype=np.int64), *cells.values()])
    return torch.from_numpy(np.concatenate(rows)).to(model.device), torch.from_numpy(places).to(model.device)


def _some(count: int) -> list[int]:
    """At most `IMAGES` of so many, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, IMAGES)).round().astype(int)).tolist() if count else []


def _evenly(cells: np.ndarray) -> np.ndarray:
    """About `CELLS` of them. The step is made odd, or one column of the grid would stand for all."""
    return cells[:: max(1, len(cells) // CELLS) | 1]
