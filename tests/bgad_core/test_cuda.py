"""On a GPU: FrEIA's log p and gradients, the plain steps' model, the same bits each time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bgad_core.boundary import Boundary
from bgad_core.config import BackboneConfig, BGADConfig, FlowConfig, TrainingConfig, in_precision
from bgad_core.draws import Rows
from bgad_core.feature_cache import Features
from bgad_core.features import FeatureExtractor
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.fused import cells_on, fused_log_p_nats
from bgad_core.model import BGAD
from bgad_core.recorded import Recorded
from bgad_core.schedule import Phase, Schedule
from bgad_core.steps import Plain, optimisers_of

pytestmark = pytest.mark.gpu

LEVELS = [(64, 64, 64), (128, 32, 32), (256, 16, 16), (7, 5, 9)]
LIMITS = [Boundary(-0.05, -0.15)] * 3


def moved_flow(channels: int, precision: str = "float32") -> ConditionalFlow:
    flow = ConditionalFlow(channels, FlowConfig(precision=precision), seed=1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in flow.parameters():
            if parameter.requires_grad:
                parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return flow


@pytest.mark.parametrize(
    ("precision", "log_p_within", "gradient_within"), [("float32", 1e-5, 1e-3), ("bfloat16", 0.05, 0.05)]
)
@pytest.mark.parametrize(("channels", "height", "width"), LEVELS)
def test_log_p_and_gradients_are_those_of_freia_on_the_processor(
    channels, height, width, precision, log_p_within, gradient_within
):
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(600, channels, generator=generator).abs()
    cells, grid = torch.randint(height * width, (600,), generator=generator), positional_encoding_2d(128, height, width)
    flow, there = moved_flow(channels), moved_flow(channels, precision).cuda()
    expected = flow.log_p_nats(features, grid[cells])
    measured = fused_log_p_nats(there, features.cuda(), cells_on(grid.cuda(), width, cells.cuda()))
    assert ((measured.cpu() - expected).abs() / channels).max() < (2e-5 if precision == "float32" else log_p_within)
    expected.mean().backward()
    measured.mean().backward()
    one = torch.cat([p.grad.flatten() for p in flow.parameters() if p.requires_grad])
    two = torch.cat([p.grad.flatten() for p in there.parameters() if p.requires_grad]).cpu()
    assert (one - two).norm() < gradient_within * one.norm()


def steps_of(kind: type[Plain], precision: str) -> Plain:
    backbone = BackboneConfig("resnet18", built_in=True)
    config = in_precision(BGADConfig(backbone, size=64, training=TrainingConfig(focal=True)), precision)
    model = BGAD(config, FeatureExtractor(replace(backbone, precision="float32"), "cuda"))
    rng = np.random.default_rng(0)
    vectors = [np.abs(rng.normal(size=model.length)).astype(np.float16) for _ in range(6)]
    schedule = Schedule(Phase.two, 1, config.training, "", Path(), Path())
    steps = kind(model, Features(vectors, model.shapes), None, optimisers_of(model, 1e-3), schedule)
    steps.begin(LIMITS)
    return steps


def after(kind: type[Plain], precision: str, batches: int = 70) -> tuple[list[torch.Tensor], list[float]]:
    steps, rng = steps_of(kind, precision), np.random.default_rng(1)
    losses: list[float] = []
    for group in range(2):
        for level, (_, height, width) in enumerate(steps.model.shapes):
            rows = []
            for _ in range(batches):
                images = rng.integers(6, size=12)
                cells = np.concatenate([np.arange(height * width)] * 12)
                picked = np.concatenate([steps.features.take(int(i), level, np.arange(height * width)) for i in images])
                rows.append(Rows(picked, cells, (rng.random(len(cells)) < 0.1).astype(np.float32)))
            steps.take(level, rows, 1e-3 / (1 + group))
        losses += steps.losses(all_of_them=True)
    return [parameter.detach().cpu() for parameter in steps.model.flows.parameters()], losses


def test_recorded_steps_end_like_plain_ones():
    plain, losses = after(Plain, "float32")
    recorded, told = after(Recorded, "float32")
    assert sorted(told) == pytest.approx(sorted(losses), rel=1e-2, abs=1e-3) and len(told) == 2 * 3 * 70
    moved = [p - s.cpu() for p, s in zip(plain, steps_of(Plain, "float32").model.flows.parameters(), strict=True)]
    apart = [r - p for r, p in zip(recorded, plain, strict=True)]
    norm = lambda tensors: torch.cat([t.flatten() for t in tensors]).norm()  # noqa: E731
    assert norm(apart) < 0.1 * norm(moved)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_steps_end_in_the_same_bits(precision):
    one, two = after(Recorded, precision), after(Recorded, precision)
    assert one[1] == two[1] and all(torch.equal(a, b) for a, b in zip(one[0], two[0], strict=True))
