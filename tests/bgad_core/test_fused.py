"""The fused flow is FrEIA's: the same log p, the same gradients, at every level's shape."""

import copy

import pytest
import torch
import torch.nn.functional as F

from bgad_core.config import FlowConfig, Precision
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.fused import cells_on, fused_log_p_nats

LEVELS = [(64, 64, 64), (128, 32, 32), (256, 16, 16), (7, 5, 9)]  # ResNet-18 at 256 pixels, and one that splits oddly
VECTORS = 600


def moved_flow(channels: int, *, precision: Precision = "float32") -> ConditionalFlow:
    """Off its start, where every coupling is close to the identity."""
    flow, generator = (
        ConditionalFlow(channels, FlowConfig(precision=precision), seed=1),
        torch.Generator().manual_seed(1),
    )
    with torch.no_grad():
        for parameter in flow.parameters():
            if parameter.requires_grad:
                parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return flow


def inputs(channels: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features as a ReLU leaves them, their cells, and the grid's positions."""
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(VECTORS, channels, generator=generator).abs()
    cells = torch.randint(height * width, (VECTORS,), generator=generator)
    return features, cells, positional_encoding_2d(128, height, width)


def gradients(log_p: torch.Tensor, channels: int, towards: list[torch.Tensor]) -> list[torch.Tensor]:
    return list(torch.autograd.grad(-F.logsigmoid(log_p / channels).mean(), towards))


def trained(flow: ConditionalFlow) -> dict[str, torch.Tensor]:
    return {name: value for name, value in flow.named_parameters() if value.requires_grad}


def off_the_kinks(flow: ConditionalFlow, features: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Which vectors leave every hidden unit away from ReLU's kink, where rounding decides between two derivatives."""
    smallest = torch.full((len(features),), torch.inf)

    def watch(_module, _inputs, units):
        smallest.copy_(torch.minimum(smallest, units.abs().amin(dim=1)))

    hooks = [block.subnet[0].register_forward_hook(watch) for block in flow.network]
    with torch.no_grad():
        flow(features, positions)
    for hook in hooks:
        hook.remove()
    return torch.nonzero(smallest > 3e-6)[:, 0]


@pytest.mark.parametrize(("channels", "height", "width"), LEVELS)
def test_log_p_and_every_gradient_are_freias(channels, height, width):
    flow = moved_flow(channels)
    features, cells, grid = inputs(channels, height, width)
    chosen = off_the_kinks(flow, features, grid[cells])
    assert len(chosen) > VECTORS * 0.9
    features, cells = features[chosen].requires_grad_(), cells[chosen]
    expected = flow.log_p_nats(features, grid[cells])
    measured = fused_log_p_nats(flow, features, cells_on(grid, width, cells))
    assert ((measured - expected).abs() / expected.abs()).max() < 1e-5
    towards = [features, *trained(flow).values()]
    for name, one, two in zip(
        ("features", *trained(flow)),
        gradients(expected, channels, towards),
        gradients(measured, channels, towards),
        strict=True,
    ):
        assert (one - two).norm() < 1e-5 * one.norm(), name


def test_what_is_left_of_a_difference_is_single_precision():
    flow = moved_flow(64).double()
    features, cells, grid = inputs(64, 8, 8)
    expected = flow.log_p_nats(features.double(), grid.double()[cells])
    measured = fused_log_p_nats(flow, features.double(), cells_on(grid.double(), 8, cells))
    # FrEIA keeps its rotations in single precision, and the last one's length is taken for exact.
    assert ((measured - expected).abs() / expected.abs()).max() < 1e-7


def test_the_gradient_is_that_of_finite_differences():
    flow = copy.deepcopy(moved_flow(6)).double()
    features, cells, grid = inputs(6, 3, 4)
    where = cells_on(grid.double(), 4, cells[:5])
    values = [value for value in trained(flow).values() if value.numel() < 50] + [features[:5].double()]
    for value in values:
        value.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *_: fused_log_p_nats(flow, values[-1], where), values, eps=1e-6, atol=1e-6, fast_mode=True
    )


def test_a_vector_is_as_likely_in_any_company_and_moves_with_its_cell():
    flow = moved_flow(64)
    features, cells, grid = inputs(64, 8, 8)
    whole = fused_log_p_nats(flow, features, cells_on(grid, 8, cells)).detach()
    alone = fused_log_p_nats(flow, features[7:8], cells_on(grid, 8, cells[7:8])).detach()
    elsewhere = fused_log_p_nats(flow, features[7:8], cells_on(grid, 8, (cells[7:8] + 9) % 64)).detach()
    torch.testing.assert_close(alone, whole[7:8], rtol=1e-6, atol=0)
    assert (elsewhere - alone).abs() > 1e-3


def test_nothing_given_is_changed():
    flow = moved_flow(64)
    features, cells, grid = inputs(64, 8, 8)
    kept, before = features.clone(), {name: value.detach().clone() for name, value in trained(flow).items()}
    fused_log_p_nats(flow, features, cells_on(grid, 8, cells)).sum().backward()
    assert torch.equal(features, kept)
    assert all(torch.equal(value, before[name]) for name, value in trained(flow).items())


@pytest.mark.parametrize(("channels", "height", "width"), LEVELS)
def test_bfloat16_products_stay_within_their_rounding(channels, height, width):
    exact, rounded = moved_flow(channels), moved_flow(channels, precision="bfloat16")
    features, cells, grid = inputs(channels, height, width)
    where = cells_on(grid, width, cells)
    expected, measured = fused_log_p_nats(exact, features, where), fused_log_p_nats(rounded, features, where)
    assert measured.dtype == torch.float32 and not torch.equal(measured, expected)
    # 8 bits of mantissa: 0.4 % a product; per dimension, what training and boundaries read, a hundredth of a nat.
    assert ((measured - expected).abs() / channels).max() < 0.03
    assert ((measured - expected) / channels).mean().abs() < 0.003
    one = torch.cat([g.flatten() for g in gradients(expected, channels, list(trained(exact).values()))])
    two = torch.cat([g.flatten() for g in gradients(measured, channels, list(trained(rounded).values()))])
    assert F.cosine_similarity(one, two, dim=0) > 0.999 and (two.norm() / one.norm() - 1).abs() < 0.01


def test_a_precision_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValueError, match="precision 'float16' is not known"):
        FlowConfig(precision="float16")
