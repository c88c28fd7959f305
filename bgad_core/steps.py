"""Optimiser steps of one phase: one flow per level, each with an optimiser of its own (Eq. 5 and 9)."""

import math
from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor, nn

from bgad_core import ranks
from bgad_core.draws import Rows
from bgad_core.errors import BGADError
from bgad_core.feature_cache import Features
from bgad_core.known import KnownAnomalies
from bgad_core.losses import Limits, bg_spp_loss, focal_weights, full_push_pull_loss, ml_loss
from bgad_core.memory import gradient_in_parts
from bgad_core.model import BGAD
from bgad_core.schedule import Phase, Schedule

LEAST_ROWS = 32  # feature vectors of a step that go forward and backward together; fewer would save nothing more
MOST_NORM = 10.0  # of a step's gradient


class Steps(Protocol):
    """Takes the steps of a phase.

    Attributes:
        features, known: what rows are drawn from; `Rows.features` are what their `take` gives.
    """

    features: Features
    known: KnownAnomalies | None

    def begin(self, boundaries: list[Limits]) -> None:
        """A pass begins, with the running boundary of each level."""

    def take(self, level: int, batches: Iterable[Rows], rate: float) -> None:
        """One step of a level's flow for each batch, in order; may return before they are done."""

    def vectors(self, level: int, picked: Tensor) -> Tensor:
        """The feature vectors (N, C) of `Rows.features` that are on the device, float32."""

    def losses(self, *, all_of_them: bool = False) -> list[float]:
        """The losses of steps that are done and were not told before; waits for the rest if asked to.

        Raises:
            BGADError: one of them is no number any more.
        """


class Plain:
    """Each step at once, on any device; in parts where memory is short, in shares where several processes train."""

    def __init__(
        self,
        model: BGAD,
        features: Features,
        known: KnownAnomalies | None,
        optimisers: list[torch.optim.Adam],
        schedule: Schedule,
    ) -> None:
        self.model, self.features, self.known = model, features, known
        self.optimisers, self.schedule = optimisers, schedule
        self._boundaries: list[Limits] = []
        self._losses: list[float] = []

    def begin(self, boundaries: list[Limits]) -> None:
        self._boundaries = boundaries

    def take(self, level: int, batches: Iterable[Rows], rate: float) -> None:
        set_rate(self.optimisers[level], rate)
        for rows in batches:
            value = self._step(level, rows)
            checked([value], level, self.schedule)
            self._losses.append(value)

    def losses(self, *, all_of_them: bool = False) -> list[float]:
        told, self._losses = self._losses, []
        return told

    def vectors(self, level: int, picked: Tensor) -> Tensor:
        return picked.float()

    def _step(self, level: int, rows: Rows) -> float:
        model, schedule, optimiser = self.model, self.schedule, self.optimisers[level]
        features = self.vectors(level, torch.from_numpy(rows.features).to(model.device))
        cells, mask = torch.from_numpy(rows.cells).to(model.device), torch.from_numpy(rows.mask).to(model.device)

        def loss_of_nats(nats: Tensor) -> Tensor:
            return loss_of(model, level, nats, mask, self._boundaries[level], schedule)

        def gradient(parts: int) -> float:
            optimiser.zero_grad(set_to_none=True)
            if ranks.size() > 1:  # one that asked for less alone would keep the others waiting
                nats = ranks.shared(lambda rows, places: model.log_p_nats(level, rows, places), features, cells)
                loss = loss_of_nats(nats)
                loss.backward()
                ranks.summed(model.flows[level])
                return float(loss.detach())
            return gradient_in_parts(
                lambda piece: model.log_p_nats(level, features[piece], cells[piece]), loss_of_nats, len(cells), parts
            )

        what = f"a step of {len(cells)} feature vectors of level {level + 1}"
        value = (
            gradient(1)
            if ranks.size() > 1
            else schedule.parts.within(gradient, most=max(1, len(cells) // LEAST_ROWS), what=what)
        )
        torch.nn.utils.clip_grad_norm_(model.flows[level].parameters(), MOST_NORM)
        optimiser.step()
        return value


def loss_of(model: BGAD, level: int, nats: Tensor, mask: Tensor, boundary: Limits | None, schedule: Schedule) -> Tensor:
    """Eq. 5 in phase 1; Eq. 9, or what the variant puts in its place, in phase 2.

    Args:
        nats: log p of feature vectors of the level, (N,).
        mask: 1 abnormal, 0 normal, -1 in no loss, (N,).
    """
    dimension, variant = model.shapes[level][0], model.config.variant
    log_p, normal = model.normalised(level, nats), mask.abs() < 0.5
    weights = focal_weights(log_p) if schedule.training.focal and schedule.phase is Phase.two else None
    loss = ml_loss(nats, dimension, weights, among=normal)
    if schedule.phase is Phase.one or variant == "nfad" or boundary is None:
        return loss
    if variant == "bgad-full-push":
        return loss + schedule.training.weight * full_push_pull_loss(log_p, mask)
    return loss + schedule.training.weight * bg_spp_loss(log_p, mask, boundary)


def optimisers_of(model: BGAD, rate: float) -> list[torch.optim.Adam]:
    """One for each level's flow; on CUDA it can be recorded, and its rate is a tensor there."""
    recorded = model.device.type == "cuda"

    def made(flow: nn.Module) -> torch.optim.Adam:
        first = torch.tensor(rate, device=model.device) if recorded else rate
        return torch.optim.Adam(flow.parameters(), lr=first, fused=True, capturable=recorded)

    return [made(flow) for flow in model.flows]


def set_rate(optimiser: torch.optim.Adam, rate: float) -> None:
    """The learning rate of the next steps."""
    for settings in optimiser.param_groups:
        if isinstance(settings["lr"], Tensor):
            settings["lr"].fill_(rate)
        else:
            settings["lr"] = rate


def checked(losses: Iterable[float], level: int, schedule: Schedule) -> None:
    """Raises: BGADError: one of a level's losses is no number."""
    for value in losses:
        if not math.isfinite(value):
            raise BGADError(
                f"the loss of level {level + 1} became {value} in {schedule.phase.value}: lower the learning rate "
                f"(now {schedule.training.rate})"
            )
