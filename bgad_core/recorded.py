"""A phase's optimiser steps on CUDA: recorded once as a graph, replayed for every batch, a stream for each level.

A step is some two hundred small kernels, which a processor starts more slowly than the device runs them. A graph starts
them all with one call, and the levels, whose flows know nothing of each other, run side by side. The step is that of
`steps.Plain` but for the last bits: batches are filled up with vectors that enter no loss, so that few graphs fit all.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from bgad_core import ranks
from bgad_core.draws import Rows
from bgad_core.errors import ran_out
from bgad_core.feature_cache import Features
from bgad_core.known import KnownAnomalies
from bgad_core.losses import Limits
from bgad_core.model import BGAD
from bgad_core.schedule import Schedule
from bgad_core.steps import MOST_NORM, Plain, Steps, checked, loss_of, set_rate

log = logging.getLogger(__name__)

SHARE = 0.25  # of the free memory that features of all images may take; beyond it they are carried there per step
ROUND = 512  # batches are filled up to a multiple of it
CHUNK = 64  # batches that are carried to the device at once


def steps_of(
    model: BGAD,
    features: Features,
    known: KnownAnomalies | None,
    optimisers: list[torch.optim.Adam],
    schedule: Schedule,
) -> Steps:
    """Recorded steps where the device can and one process trains, else plain ones."""
    kind = Recorded if model.device.type == "cuda" and ranks.size() == 1 and schedule.parts.count == 1 else Plain
    return kind(model, features, known, optimisers, schedule)


class Named(Features):
    """Features that lie on the device: what is taken from them are their numbers in a level's table, (N,).

    Args:
        features: of some of the images.
        first: number of the first of these images among all that lie there.
    """

    def __init__(self, features: Features, first: int) -> None:
        super().__init__(features.vectors, features.shapes, features.ignore, features.layouts)
        self.first = first

    def take(self, index: int, level: int, cells: np.ndarray) -> np.ndarray:
        _, height, width = self.shapes[level]
        return (self.first + index) * (height * width) + cells


@dataclass(frozen=True)
class Limit:
    """A level's running boundary, on the device."""

    b_n: Tensor
    b_a: Tensor


class Recorded(Plain):
    """See the module; goes on as `Plain`, in parts if need be, where the device has no room for a recording."""

    def __init__(
        self,
        model: BGAD,
        features: Features,
        known: KnownAnomalies | None,
        optimisers: list[torch.optim.Adam],
        schedule: Schedule,
    ) -> None:
        super().__init__(model, features, known, optimisers, schedule)
        sets = [features] if known is None else [features, known.features]
        self.tables = tables_of(sets, model.device)
        if self.tables is not None:
            self.features = Named(features, 0)
            self.known = None if known is None else replace(known, features=Named(known.features, len(features)))
        self.levels: list[Level | None] = [Level(self, level) for level in range(len(model.shapes))]

    def begin(self, boundaries: list[Limits]) -> None:
        super().begin(boundaries)
        for level, limits in zip(self.levels, boundaries, strict=True):
            if level is not None:
                level.begin(limits)

    def take(self, level: int, batches: Iterable[Rows], rate: float) -> None:
        recorded, waiting = self.levels[level], iter(batches)
        while recorded is not None and (chunk := list(islice(waiting, CHUNK))):
            try:
                recorded.take(chunk, rate)
            except RuntimeError as error:
                if not ran_out(error):
                    raise
                log.warning("no room to record the step of level %s: going on without", level + 1)
                self._losses += recorded.losses(all_of_them=True)
                self.levels[level] = recorded = None
                torch.cuda.synchronize(self.model.device)
                super().take(level, chunk, rate)
        super().take(level, waiting, rate)

    def losses(self, *, all_of_them: bool = False) -> list[float]:
        told = super().losses()
        for level in self.levels:
            if level is not None:
                told += level.losses(all_of_them=all_of_them)
        if all_of_them:
            torch.cuda.synchronize(self.model.device)
        return told

    def vectors(self, level: int, picked: Tensor) -> Tensor:
        return picked.float() if self.tables is None else self.tables[level].index_select(0, picked).float()


class Level:
    """The graphs of one level, by the size of their batch."""

    def __init__(self, steps: Recorded, level: int) -> None:
        self.steps, self.level = steps, level
        device = steps.model.device
        self.stream = torch.cuda.Stream(device)
        self.limit = Limit(torch.zeros((), device=device), torch.zeros((), device=device))
        self.graphs: dict[int, Graph] = {}
        self.running: deque[tuple[torch.cuda.Event, Tensor]] = deque()

    def begin(self, limits: Limits) -> None:
        self.stream.wait_stream(torch.cuda.current_stream(self.stream.device))
        self.limit.b_n.fill_(limits.b_n)
        self.limit.b_a.fill_(limits.b_a)
        self.stream.wait_stream(torch.cuda.current_stream(self.stream.device))

    def take(self, batches: Sequence[Rows], rate: float) -> None:
        size = -(-max(len(rows.cells) for rows in batches) // ROUND) * ROUND
        if size not in self.graphs:
            self.graphs[size] = Graph(self, batches[0], size)
        with torch.cuda.stream(self.stream):
            set_rate(self.steps.optimisers[self.level], rate)
            losses = self.graphs[size].replay(batches)
            event = torch.cuda.Event()
            event.record()
        self.running.append((event, losses))

    def losses(self, *, all_of_them: bool) -> list[float]:
        told: list[float] = []
        while self.running and (all_of_them or self.running[0][0].query()):
            event, losses = self.running.popleft()
            event.synchronize()
            told += losses.tolist()
        checked(told, self.level, self.steps.schedule)
        return told


class Graph:
    """One level's step for batches of `size` vectors, with room for CHUNK of them on the device."""

    def __init__(self, level: Level, like: Rows, size: int) -> None:
        self.level, self.size, device = level, size, level.steps.model.device
        picked = torch.from_numpy(like.features)
        self.picked = torch.zeros(CHUNK, size, *picked.shape[1:], dtype=picked.dtype, device=device)
        self.cells = torch.zeros(CHUNK, size, dtype=torch.int64, device=device)
        self.mask = torch.full((CHUNK, size), -1.0, device=device)
        self.losses = torch.zeros(CHUNK, device=device)
        self.number = torch.zeros(1, dtype=torch.int64, device=device)
        self.flow = level.steps.model.flows[level.level]
        self.optimiser = level.steps.optimisers[level.level]
        self.graph = torch.cuda.CUDAGraph()
        self._record()

    def _record(self) -> None:
        """Compile kernels and set up libraries in a step whose vectors enter no loss, then record the next."""
        stream = self.level.stream
        stream.wait_stream(torch.cuda.current_stream(stream.device))
        with torch.cuda.stream(stream):
            self.optimiser.zero_grad(set_to_none=True)
            self._gradient()
            if not self.optimiser.state:
                self.optimiser.step()  # its gradients are 0: the parameters stay, and what it keeps of them is made
                for kept in self.optimiser.state.values():
                    for value in kept.values():
                        value.zero_()
            self.optimiser.zero_grad(set_to_none=True)
        torch.cuda.synchronize(stream.device)
        with torch.cuda.graph(self.graph, stream=stream):
            self._gradient()
            torch.nn.utils.clip_grad_norm_(self.flow.parameters(), MOST_NORM)
            self.optimiser.step()
        self.gradients = [parameter.grad for parameter in self.flow.parameters()]  # the graph's own

    def _gradient(self) -> None:
        steps, level = self.level.steps, self.level.level
        picked, cells, mask = (each.index_select(0, self.number)[0] for each in (self.picked, self.cells, self.mask))
        nats = steps.model.log_p_nats(level, steps.vectors(level, picked), cells)
        loss = loss_of(steps.model, level, nats, mask, self.level.limit, steps.schedule)
        loss.backward()
        self.losses.index_copy_(0, self.number, loss.detach()[None])
        self.number.add_(1)

    def replay(self, batches: Sequence[Rows]) -> Tensor:
        """Take a step for each; their losses come, in pinned memory, when the stream has come to here."""
        for target, of_each, filling in self._filled(batches):
            held = torch.full((len(batches), *target.shape[1:]), filling, dtype=target.dtype, pin_memory=True)
            for number, values in enumerate(of_each):
                held[number, : len(values)] = torch.from_numpy(values)
            target[: len(batches)].copy_(held, non_blocking=True)
        self.number.zero_()
        for _ in batches:
            self.graph.replay()
        losses = torch.empty(len(batches), pin_memory=True)
        losses.copy_(self.losses[: len(batches)], non_blocking=True)
        return losses

    def _filled(self, batches: Sequence[Rows]) -> Iterator[tuple[Tensor, list[np.ndarray], float]]:
        yield self.picked, [rows.features for rows in batches], 0
        yield self.cells, [rows.cells for rows in batches], 0
        yield self.mask, [rows.mask for rows in batches], -1


def tables_of(sets: Sequence[Features], device: torch.device) -> list[Tensor] | None:
    """Every level's features of all images, half precision, (images * cells, C) each; None where they are too many."""
    images, shapes = sum(len(each) for each in sets), sets[0].shapes
    need = 2 * images * sum(channels * height * width for channels, height, width in shapes)
    if need > SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    tables = [
        torch.empty(images * height * width, channels, dtype=torch.float16, device=device)
        for channels, height, width in shapes
    ]
    place = 0
    for features in sets:
        for index in range(len(features)):
            for level, (_, height, width) in enumerate(shapes):
                rows = torch.from_numpy(np.array(features.level(index, level)))
                tables[level][place * height * width : (place + 1) * height * width].copy_(rows)
            place += 1
    return tables
