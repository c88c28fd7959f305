"""The loop that both phases share: draw features, one optimiser step per level, a checkpoint per pass."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bgad_core import checkpoint, ranks
from bgad_core.boundary import Boundary, fit_boundary
from bgad_core.config import TrainingConfig
from bgad_core.errors import BGADError, Cancelled, CheckpointError
from bgad_core.feature_cache import Features
from bgad_core.known import KnownAnomalies
from bgad_core.losses import bg_spp_loss, focal_weights, full_push_pull_loss, ml_loss
from bgad_core.memory import Parts, gradient_in_parts
from bgad_core.model import BGAD

BOUNDARY_IMAGES = 32  # training normals that the running boundary of a pass is fitted on
BOUNDARY_CELLS = 512  # cells of each of them and level
LEAST_ROWS = 32  # feature vectors of a step that go forward and backward together; fewer would save nothing more


class Phase(Enum):
    one = "phase 1"
    two = "phase 2"


@dataclass(frozen=True)
class Schedule:
    """One phase of one run.

    Attributes:
        epochs: passes over the normals.
        training: the settings of both phases.
        key: digest of what this phase is made from; a checkpoint of another key is not continued.
        finished: where the flows go when the phase is over.
        checkpoint: where flows and optimisers go after each pass.
        parts: into how many parts a step goes; more than 1 once memory ran out, and kept with the checkpoint.
    """

    phase: Phase
    epochs: int
    training: TrainingConfig
    key: str
    finished: Path
    checkpoint: Path
    parts: Parts = field(default_factory=Parts)


def rate_at(progress: float, schedule: Schedule) -> float:
    """The learning rate at `progress` passes: linear warm-up, then a cosine down to a hundredth of the peak."""
    training = schedule.training
    warm = min(training.warm_up, schedule.epochs / 2)
    if warm and progress < warm:
        return training.rate * (progress + 0.05) / (warm + 0.05)
    share = (progress - warm) / max(1e-9, schedule.epochs - warm)
    return training.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


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
    optimisers = [torch.optim.Adam(flow.parameters(), lr=schedule.training.rate, fused=True) for flow in model.flows]
    first = _resume(model, optimisers, schedule)
    for epoch in range(first, schedule.epochs):
        for share, loss in _pass(model, features, known, schedule, optimisers, epoch, should_stop):
            yield epoch, share, loss
        _checkpoint(model, optimisers, schedule, epoch + 1)
    if schedule.finished != schedule.checkpoint:
        if ranks.is_first():
            checkpoint.write(schedule.finished, _flow_tensors(model), {"key": schedule.key})
            schedule.checkpoint.unlink(missing_ok=True)
        ranks.wait()


def _pass(
    model: BGAD,
    features: Features,
    known: KnownAnomalies | None,
    schedule: Schedule,
    optimisers: list[torch.optim.Adam],
    epoch: int,
    should_stop: Callable[[], bool],
) -> Iterator[tuple[float, float]]:
    """One pass over the normals: groups of images in a drawn order, from each a drawn share of its cells."""
    training, number = schedule.training, 1 if schedule.phase is Phase.one else 2
    rng = np.random.default_rng([model.config.seed, number, epoch])
    boundaries = [_running_boundary(model, features, level, epoch) for level in range(len(model.shapes))]
    order = rng.permutation(len(features))
    groups = [
        order[start : start + training.images_per_batch] for start in range(0, len(order), training.images_per_batch)
    ]
    losses: list[float] = []
    model.train()
    for done, group in enumerate(groups):
        rate = rate_at(epoch + done / len(groups), schedule)
        drawn = known.draw(len(group), rng) if known is not None and schedule.phase is Phase.two else None
        for level, optimiser in enumerate(optimisers):
            for settings in optimiser.param_groups:
                settings["lr"] = rate
            rows = _rows(features, group, level, training, rng)
            if drawn is not None and known is not None:
                rows = _joined(rows, known.rows(drawn, level, _cells(training, level), rng))
            for batch in _batches(rows, training.batch, rng):
                if ranks.any_of(should_stop(), model.device):
                    raise Cancelled(f"cancelled in {schedule.phase.value}, pass {epoch + 1} of {schedule.epochs}")
                losses.append(_step(model, level, optimiser, batch, boundaries[level], schedule))
        yield (done + 1) / len(groups), float(np.mean(losses))


@dataclass(frozen=True)
class Rows:
    """Feature vectors of one level, float16 (N, C), their cells on the grid (N,) and their mask (N,), 1 = abnormal."""

    features: np.ndarray
    cells: np.ndarray
    mask: np.ndarray


def _cells(training: TrainingConfig, level: int) -> int | None:
    return None if training.positions is None else training.positions[min(level, len(training.positions) - 1)]


def _rows(
    features: Features, group: np.ndarray, level: int, training: TrainingConfig, rng: np.random.Generator
) -> Rows:
    """Cells of normal images, drawn anew for each; all of them where the settings name no number."""
    _, height, width = features.shapes[level]
    wanted = min(_cells(training, level) or height * width, height * width)
    vectors, cells = [], []
    for index in group:
        chosen = np.sort(rng.choice(height * width, wanted, replace=False, shuffle=False))
        chosen = features.cared(int(index), level, chosen)
        vectors.append(features.level(int(index), level)[chosen])
        cells.append(chosen)
    joined = np.concatenate(vectors)
    return Rows(joined, np.concatenate(cells), np.zeros(len(joined), dtype=np.float32))


def _joined(normals: Rows, anomalous: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Rows:
    features, cells, mask = anomalous
    return Rows(
        np.concatenate([normals.features, features]),
        np.concatenate([normals.cells, cells]),
        np.concatenate([normals.mask, mask]),
    )


def _batches(rows: Rows, size: int, rng: np.random.Generator) -> Iterator[Rows]:
    """All rows in a drawn order, in equal batches of at most `size`: no leftover is dropped, none is tiny."""
    order = rng.permutation(len(rows.cells))
    for chosen in np.array_split(order, max(1, math.ceil(len(order) / size))):
        yield Rows(rows.features[chosen], rows.cells[chosen], rows.mask[chosen])


def _step(
    model: BGAD, level: int, optimiser: torch.optim.Adam, rows: Rows, boundary: Boundary | None, schedule: Schedule
) -> float:
    device = model.device
    features = torch.from_numpy(rows.features).to(device).float()
    cells, mask = torch.from_numpy(rows.cells).to(device), torch.from_numpy(rows.mask).to(device)

    def gradient(parts: int) -> float:
        optimiser.zero_grad(set_to_none=True)
        if ranks.size() > 1:  # one that asked for less alone would keep the others waiting
            nats = ranks.shared(lambda rows, places: model.log_p_nats(level, rows, places), features, cells)
            loss = loss_of(model, level, nats, mask, boundary, schedule)
            loss.backward()
            ranks.summed(model.flows[level])
            return float(loss.detach())
        return gradient_in_parts(
            lambda piece: model.log_p_nats(level, features[piece], cells[piece]),
            lambda nats: loss_of(model, level, nats, mask, boundary, schedule),
            len(cells),
            parts,
        )

    what = f"a step of {len(cells)} feature vectors of level {level + 1}"
    value = (
        gradient(1)
        if ranks.size() > 1
        else schedule.parts.within(gradient, most=max(1, len(cells) // LEAST_ROWS), what=what)
    )
    torch.nn.utils.clip_grad_norm_(model.flows[level].parameters(), 10.0)
    optimiser.step()
    if not math.isfinite(value):
        raise BGADError(
            f"the loss of level {level + 1} became {value} in {schedule.phase.value}: lower the learning rate "
            f"(now {schedule.training.rate})"
        )
    return value


def loss_of(
    model: BGAD, level: int, nats: Tensor, mask: Tensor, boundary: Boundary | None, schedule: Schedule
) -> Tensor:
    """Eq. 5 in phase 1; Eq. 9, or what the variant puts in its place, in phase 2."""
    dimension, variant = model.shapes[level][0], model.config.variant
    log_p = model.normalised(level, nats)
    normal = mask < 0.5
    weights = focal_weights(log_p[normal]) if schedule.training.focal and schedule.phase is Phase.two else None
    loss = ml_loss(nats[normal], dimension, weights)
    if schedule.phase is Phase.one or variant == "nfad" or boundary is None:
        return loss
    if variant == "bgad-full-push":
        return loss + schedule.training.weight * full_push_pull_loss(log_p, mask)
    return loss + schedule.training.weight * bg_spp_loss(log_p, mask, boundary)


@torch.inference_mode()
def _running_boundary(model: BGAD, features: Features, level: int, epoch: int) -> Boundary:
    """The boundary of a pass, fitted over drawn training normals before it; the stored one comes from held-out ones."""
    rng = np.random.default_rng([model.config.seed, 3, epoch])
    chosen = rng.permutation(len(features))[:BOUNDARY_IMAGES]
    _, height, width = features.shapes[level]
    count = min(BOUNDARY_CELLS, height * width)
    model.eval()
    values = []
    for index in chosen:
        cells = np.sort(rng.choice(height * width, count, replace=False, shuffle=False))
        cells = features.cared(int(index), level, cells)
        rows = torch.from_numpy(features.level(int(index), level)[cells]).to(model.device).float()
        values.append(model.normalised(level, model.log_p_nats(level, rows, torch.from_numpy(cells).to(model.device))))
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
