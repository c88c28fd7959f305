"""The flow is a bijection whose log-determinant is its Jacobian's, and its likelihood is Eq. 1 and 6."""

import numpy as np
import pytest
import torch

from bgad_core.config import FlowConfig
from bgad_core.flow import ConditionalFlow, log_likelihood, positional_encoding_2d

CHANNELS = 6
CONFIG = FlowConfig(blocks=4, position_channels=8)
ROTATION = 1e-6  # FrEIA keeps its fixed rotations in single precision: orthogonal to about 1e-7, in float64 too


def moved_flow(channels: int) -> ConditionalFlow:
    """Off its start: FrEIA begins close to a rotation, where a wrong determinant would hide."""
    made = ConditionalFlow(channels, CONFIG, seed=3).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return made


@pytest.fixture
def flow() -> ConditionalFlow:
    return moved_flow(CHANNELS)


@pytest.fixture
def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    positions = positional_encoding_2d(8, 4, 5).double()
    return 2.0 * torch.randn(20, CHANNELS, generator=generator, dtype=torch.float64), positions


def test_the_flow_inverts(flow, inputs):
    features, positions = inputs
    latents, _ = flow(features, positions)
    assert not torch.allclose(latents, features, atol=0.1)
    assert torch.allclose(flow.inverse(latents, positions), features, atol=20 * ROTATION)


def test_the_inverse_needs_the_position_it_was_made_at(flow, inputs):
    features, positions = inputs
    latents, _ = flow(features, positions)
    assert not torch.allclose(flow.inverse(latents, positions.flip(0)), features, atol=1e-3)


def test_the_log_determinant_is_that_of_autograds_jacobian(flow, inputs):
    features, positions = inputs
    _, log_det = flow(features, positions)
    for row in range(len(features)):
        place = positions[row : row + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda x, place=place: flow(x[None], place)[0][0], features[row], vectorize=True
        )
        assert torch.linalg.slogdet(jacobian).logabsdet.item() == pytest.approx(log_det[row].item(), abs=ROTATION)


def test_gradients_reach_every_trained_parameter(flow, inputs):
    (-flow.log_p_nats(*inputs).mean()).backward()
    trained = {name: value for name, value in flow.named_parameters() if value.requires_grad}
    assert len(trained) >= 4 * CONFIG.blocks
    silent = [name for name, value in trained.items() if value.grad is None or not value.grad.abs().sum() > 0]
    assert silent == []


def test_log_likelihood_is_equation_6_computed_without_torch():
    rng = np.random.default_rng(5)
    latents, log_det = rng.normal(0, 2, (7, 5)), rng.normal(0, 3, 7)
    expected = []
    for z, det in zip(latents, log_det, strict=True):
        density = np.prod([np.exp(-0.5 * value**2) / np.sqrt(2 * np.pi) for value in z])
        expected.append(np.log(density) + det)
    measured = log_likelihood(torch.from_numpy(latents), torch.from_numpy(log_det)).numpy()
    np.testing.assert_allclose(measured, expected, rtol=1e-12)


def test_the_likelihood_of_equation_1_is_a_density_its_integral_is_one():
    flow = moved_flow(2)
    side, count = 16.0, 640
    steps = (torch.arange(count, dtype=torch.float64) + 0.5) / count * 2 * side - side
    plane = torch.cartesian_prod(steps, steps)
    position = positional_encoding_2d(8, 4, 5).double()[7:8].expand(len(plane), -1)
    with torch.inference_mode():
        mass = flow.log_p_nats(plane, position).exp().sum() * (2 * side / count) ** 2
    assert mass.item() == pytest.approx(1.0, abs=0.01)


def test_a_seed_makes_the_same_flow_and_leaves_the_global_generators_alone(inputs):
    torch.manual_seed(11)
    np.random.seed(11)
    untouched = torch.rand(1), np.random.rand()
    torch.manual_seed(11)
    np.random.seed(11)
    first, second, other = (ConditionalFlow(CHANNELS, CONFIG, seed=seed).double() for seed in (7, 7, 8))
    assert (torch.rand(1), np.random.rand()) == untouched
    assert torch.equal(first(*inputs)[0], second(*inputs)[0])
    assert not torch.equal(first(*inputs)[0], other(*inputs)[0])


def test_each_cell_of_a_grid_has_its_own_position():
    encoding = positional_encoding_2d(8, 5, 7)
    assert encoding.shape == (35, 8)
    assert torch.equal(encoding, positional_encoding_2d(8, 5, 7))
    assert len({tuple(row.tolist()) for row in encoding}) == 35
    assert encoding.abs().max() <= 1.0


def test_columns_speak_in_the_first_half_of_the_position_and_rows_in_the_second():
    grid = positional_encoding_2d(8, 5, 7).reshape(5, 7, 8)
    assert torch.equal(grid[0, :, :4], grid[4, :, :4])
    assert torch.equal(grid[:, 0, 4:], grid[:, 6, 4:])
    np.testing.assert_allclose(grid[3, 2, :2], [np.sin(2), np.cos(2)], rtol=1e-6)
    np.testing.assert_allclose(grid[3, 2, 4:6], [np.sin(3), np.cos(3)], rtol=1e-6)


def test_position_channels_that_do_not_divide_by_four_are_refused():
    with pytest.raises(ValueError, match="6 position channels are no multiple of 4"):
        positional_encoding_2d(6, 2, 2)
