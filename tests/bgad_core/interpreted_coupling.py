"""The kernels for CUDA do what the plain operations do. `test_coupling.py` runs this in Triton's interpreter."""

import pytest
import torch

from bgad_core import coupling, fused
from bgad_core import coupling_cuda as kernels
from bgad_core.config import FlowConfig
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.fused import cells_on

CLAMP = 1.9
SHAPES = [(100, 64, 32), (33, 7, 4), (70, 300, 150)]  # vectors, channels, of them moved: none fills its tiles
PRECISIONS = [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)]


def drawn(*shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).to(kind)


@pytest.mark.parametrize(("kind", "tolerance"), PRECISIONS)
@pytest.mark.parametrize(("rows", "channels", "moved"), SHAPES)
def test_hidden_units_are_the_same(rows, channels, moved, kind, tolerance):
    width = 2 * channels + 3
    passed, inner = drawn(rows, channels - moved, kind=kind), drawn(width, channels - moved, kind=kind)
    tables = drawn(5, width), drawn(6, width)
    column, row = torch.arange(rows) % 5, torch.arange(rows) % 6
    one, two = (torch.full((rows, width), torch.nan, dtype=kind) for _ in range(2))
    coupling.activate(one, passed, inner, tables, column, row)
    kernels.activate(two, passed, inner, tables, column, row)
    torch.testing.assert_close(two, one, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize(("kind", "tolerance"), PRECISIONS)
@pytest.mark.parametrize(("rows", "channels", "moved"), SHAPES)
def test_there_and_back_are_the_same(rows, channels, moved, kind, tolerance):
    both, scale, each = drawn(rows, 2 * moved, kind=kind), drawn(channels).abs(), drawn(rows)
    found = []
    for elements in (coupling, kernels):
        state, log_det, arriving = drawn(rows, channels, kind=kind), drawn(rows), drawn(rows, channels + 1, kind=kind)
        arriving = arriving[:, 1:].contiguous()
        kept = elements.couple(both.clone(), state[:, channels - moved :], log_det, CLAMP)
        of_both = torch.full_like(both, torch.nan)
        sums = elements.room_for_sums(scale[None], rows, 2 * channels + 2 * moved)[0].fill_(torch.nan)
        elements.uncouple(arriving, each, state, kept, scale, CLAMP, of_both, sums)
        found.append((state, log_det, arriving, of_both, sums.sum(dim=0)))
    for one, two in zip(*found, strict=True):
        torch.testing.assert_close(two, one, rtol=tolerance, atol=20 * tolerance)


@pytest.mark.parametrize(("kind", "tolerance"), PRECISIONS)
def test_the_weights_gradients_are_the_same(kind, tolerance):
    of_hidden, of_both, passed, hidden = (drawn(2, 60, width, kind=kind) for width in (9, 4, 3, 9))
    column, row = torch.arange(60) % 5, torch.arange(60) % 4
    shapes = (2, 9, 3), (2, 5, 9), (2, 4, 9), (2, 4, 9)
    one, two = ([torch.full(shape, torch.nan) for shape in shapes] for _ in range(2))
    for block in range(2):
        parts = (each[block] for each in (of_hidden, of_both, passed, hidden))
        coupling.weigh([each[block] for each in one], *parts, column, row)
    kernels.weigh(two, of_hidden, of_both, passed, hidden, column, row)
    for expected, measured in zip(one, two, strict=True):
        torch.testing.assert_close(measured, expected, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_whole_flow_has_the_same_log_p_and_gradients_by_the_kernels(precision, monkeypatch):
    flow = ConditionalFlow(6, FlowConfig(blocks=3, position_channels=8, precision=precision), seed=1)
    features, cells = drawn(50, 6).abs(), cells_on(positional_encoding_2d(8, 3, 4), 4, torch.arange(50) % 12)
    found = []
    for elements in (coupling, kernels):
        monkeypatch.setattr(fused, "_elements", lambda like, elements=elements: elements)
        flow.zero_grad()
        log_p = fused.fused_log_p_nats(flow, features, cells)
        log_p.mean().backward()
        found.append((log_p.detach(), torch.cat([p.grad.flatten() for p in flow.parameters() if p.requires_grad])))
    tolerance = 1e-5 if precision == "float32" else 2e-2
    for one, two in zip(*found, strict=True):
        assert (one - two).norm() <= tolerance * one.norm()
