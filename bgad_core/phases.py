"""The loop that both phases share: draw features, one optimiser step per level, a checkpoint after a pass."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bgad_core import checkpoint, draws, ranks
from bgad_core.boundary import Boundary, fit_boundary
from bgad_core.draws import Rows
from bgad_core.errors import Cancelled, CheckpointError
from bgad_core.feature_cache import Features
from bgad_core.known import KnownAnomalies
from bgad_core.model import BGAD
from bgad_core.recorded import steps_of
from bgad_core.schedule import Phase, Schedule, rate_at
from bgad_core.steps import Steps, optimisers_of

WRITING = 0.05  # of the time that may go into checkpoints; passes that are shorter on a GPU do without one
BOUNDARY_IMAGES = 32  # training normals that the running boundary of a pass is fitted on
BOUNDARY_CELLS = 512  # cells of each of them and level
TOGETHER = 8  # of these images that pass a flow at once


def fit(
    model: BGAD,
    features: Features,
    known: KnownAnomalies | None,
    schedule: Schedule,
    should_stop: Callable[[], bool],
) -> Iterator[tuple[int, float, float]]:
    """Run a phase, from its checkpoint where it has one; yields (pass, share of it done, mean loss).

    Raises:
        Cancelled: `should_stop` answered true; the last checkpoint is complete.
        BGADError: the loss is no number any more.
    """
    optimisers = optimisers_of(model, schedule.training.rate)
    first = _resume(model, optimisers, schedule)
    steps = steps_of(model, features, known, optimisers, schedule)
    due = time.monotonic()
    for epoch in range(first, schedule.epochs):
        for share, loss in _pass(model, steps, schedule, epoch, should_stop):
            yield epoch, share, loss
        begun = time.monotonic()
        if begun >= due or epoch + 1 == schedule.epochs:
            _checkpoint(model, optimisers, schedule, epoch + 1)
            written = time.monotonic()
            due = written + (written - begun) / WRITING
    if schedule.finished != schedule.checkpoint:
        if ranks.is_first():
            checkpoint.write(schedule.finished, _flow_tensors(model), {"key": schedule.key})
            schedule.checkpoint.unlink(missing_ok=True)
        ranks.wait()


def _pass(
    model: BGAD, steps: Steps, schedule: Schedule, epoch: int, should_stop: Callable[[], bool]
) -> Iterator[tuple[float, float]]:
    """One pass over the normals: groups of images in a drawn order, from each a drawn share of its cells."""
    training, number = schedule.training, 1 if schedule.phase is Phase.one else 2
    rng = np.random.default_rng([model.config.seed, number, epoch])
    steps.begin([_running_boundary(model, steps, level, epoch) for level in range(len(model.shapes))])
    order = rng.permutation(len(steps.features))
    groups = [
        order[start : start + training.images_per_batch] for start in range(0, len(order), training.images_per_batch)
    ]

    def asked(batches: Iterable[Rows]) -> Iterator[Rows]:
        for batch in batches:
            if ranks.any_of(should_stop(), model.device):
                raise Cancelled(f"cancelled in {schedule.phase.value}, pass {epoch + 1} of {schedule.epochs}")
            yield batch

    losses: list[float] = []
    model.train()
    for done, group in enumerate(groups, start=1):
        rate, known = rate_at(epoch + (done - 1) / len(groups), schedule), steps.known
        drawn = known.draw(len(group), rng) if known is not None and schedule.phase is Phase.two else None
        for level in range(len(model.shapes)):
            rows = draws.normal_rows(steps.features, group, level, training, rng)
            if drawn is not None and known is not None:
                rows = draws.joined(rows, known.rows(drawn, level, draws.cells_of(training, level), rng))
            steps.take(level, asked(draws.batches_of(rows, training.batch, rng)), rate)
        losses += steps.losses(all_of_them=done == len(groups))
        if losses:
            yield done / len(groups), float(np.mean(losses))


@torch.inference_mode()
def _running_boundary(model: BGAD, steps: Steps, level: int, epoch: int) -> Boundary:
    """The boundary of a pass, fitted over drawn training normals before it; the stored one comes from held-out ones."""
    rng, features = np.random.default_rng([model.config.seed, 3, epoch]), steps.features
    chosen = rng.permutation(len(features))[:BOUNDARY_IMAGES]
    _, height, width = features.shapes[level]
    count = min(BOUNDARY_CELLS, height * width)
    model.eval()
    picked, places, values = [], [], []
    for index in chosen:
        cells = np.sort(rng.choice(height * width, count, replace=False, shuffle=False))
        places.append(features.cared(int(index), level, cells))
        picked.append(features.take(int(index), level, places[-1]))
    for start in range(0, len(picked), TOGETHER):
        some = torch.from_numpy(np.concatenate(picked[start : start + TOGETHER])).to(model.device)
        cells_of_some = torch.from_numpy(np.concatenate(places[start : start + TOGETHER])).to(model.device)
        nats = model.log_p_nats(level, steps.vectors(level, some), cells_of_some)
        values.append(model.normalised(level, nats))
    settings = model.config.boundary
    return fit_boundary(torch.cat(values).cpu().numpy(), beta=settings.beta, tau=settings.tau)


def load_flows(model: BGAD, path: Path, key: str) -> bool:
    """Take the flows of a finished phase; False, and the model untouched, when the file is another's or damaged."""
    try:
        tensors, facts = checkpoint.read(path)
    except CheckpointError:
        return False
    if facts.get("key") != key:
        return False
    model.flows.load_state_dict({name.removeprefix("flows."): value for name, value in tensors.items()})
    return True


def _flow_tensors(model: BGAD) -> dict[str, Tensor]:
    return {f"flows.{name}": value for name, value in model.flows.state_dict().items()}


def _checkpoint(model: BGAD, optimisers: list[torch.optim.Adam], schedule: Schedule, epoch: int) -> None:
    if not ranks.is_first():
        return
    tensors = _flow_tensors(model)
    for level, optimiser in enumerate(optimisers):
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{level}.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
    checkpoint.write(schedule.checkpoint, tensors, {"key": schedule.key, "epoch": epoch, "parts": schedule.parts.count})


def _resume(model: BGAD, optimisers: list[torch.optim.Adam], schedule: Schedule) -> int:
    """The pass to start with: 0, or the one after the last checkpoint of the same phase of the same thing."""
    try:
        tensors, facts = checkpoint.read(schedule.checkpoint)
    except CheckpointError:
        return 0
    if facts.get("key") != schedule.key or "epoch" not in facts:
        return 0
    flows = {name.removeprefix("flows."): value for name, value in tensors.items() if name.startswith("flows.")}
    model.flows.load_state_dict(flows)
    for level, optimiser in enumerate(optimisers):
        whole = optimiser.state_dict()
        prefix = f"adam.{level}."
        for name, value in tensors.items():
            if name.startswith(prefix):
                number, field = name.removeprefix(prefix).split(".")
                whole["state"].setdefault(int(number), {})[field] = value
        optimiser.load_state_dict(whole)
    schedule.parts.count = int(facts.get("parts", 1))
    return int(facts["epoch"])
