"""The chain from features to the loss and the score, Eq. 1 to 9, against a direct NumPy version in float64."""

import numpy as np
import pytest
import torch

from bgad_core.boundary import Boundary, fit_boundary
from bgad_core.config import FlowConfig
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.losses import bg_spp_loss, ml_loss
from bgad_core.scoring import anomaly_score, standing_of
from tests.bgad_core.test_scoring import FUSED, PART

CHANNELS, ALPHA, BETA, TAU = 6, 10.0, 0.05, 0.02
CONFIG = FlowConfig(blocks=3, position_channels=8)


@pytest.fixture
def flow() -> ConditionalFlow:
    """Moved off its start, where a coupling layer does next to nothing."""
    made = ConditionalFlow(CHANNELS, CONFIG, seed=3).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return made


@pytest.fixture
def features() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(features, positions, mask) of 80 cells, the last 20 of them abnormal."""
    rng = np.random.default_rng(2)
    positions = positional_encoding_2d(8, 8, 10).double().numpy()
    mask = (np.arange(80) >= 60).astype(float)
    return rng.normal(0, 1.5, (80, CHANNELS)), positions, mask


def numpy_log_p(flow: ConditionalFlow, features: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Eq. 1 with the Gaussian of Eq. 3, block by block: coupling, scale and offset, rotation."""
    value = {name: tensor.detach().numpy() for name, tensor in flow.state_dict().items()}
    half = CHANNELS - CHANNELS // 2
    y, log_det = features, np.zeros(len(features))
    for block in range(CONFIG.blocks):
        prefix = f"network.module_list.{block}."
        own = {name.removeprefix(prefix): array for name, array in value.items() if name.startswith(prefix)}
        kept, moved = y[:, :half], y[:, half:]
        hidden = np.concatenate([kept, positions], axis=1) @ own["subnet.0.weight"].T + own["subnet.0.bias"]
        out = 0.1 * (np.maximum(hidden, 0) @ own["subnet.2.weight"].T + own["subnet.2.bias"])
        log_scale, shift = CONFIG.clamp * np.tanh(out[:, : CHANNELS - half]), out[:, CHANNELS - half :]
        y = np.concatenate([kept, moved * np.exp(log_scale) + shift], axis=1)
        scale = 0.1 * np.log1p(np.exp(0.5 * own["global_scale"])) / 0.5
        y = (y * scale + own["global_offset"]) @ own["w_perm"].T
        log_det = log_det + log_scale.sum(axis=1) + np.log(scale).sum()
    return -0.5 * CHANNELS * np.log(2 * np.pi) - 0.5 * (y**2).sum(axis=1) + log_det


def numpy_total(log_p_nats: np.ndarray, mask: np.ndarray, boundary: Boundary) -> float:
    """Eq. 9: Eq. 5 as -logsigmoid(log p / d) over normals, plus Eq. 8 with its normaliser and its floor at -1."""
    normal, log_p = mask == 0, log_p_nats / (CHANNELS * ALPHA)
    likelihood = np.mean(np.log1p(np.exp(-log_p_nats[normal] / CHANNELS)))
    near = log_p > -1
    low = log_p[normal & near & (log_p < boundary.b_n)]
    high = log_p[~normal & near & (log_p > boundary.b_a)]
    sides = ((low, boundary.b_n), (high, boundary.b_a))
    return float(likelihood + sum(np.mean(np.abs(side - bound)) for side, bound in sides if len(side)))


def test_the_flows_likelihood_is_equation_1_written_out(flow, features):
    x, positions, _ = features
    measured = flow.log_p_nats(torch.from_numpy(x), torch.from_numpy(positions)).detach().numpy()
    np.testing.assert_allclose(measured, numpy_log_p(flow, x, positions), rtol=1e-10)


def test_the_boundary_is_that_of_the_sorted_normals(flow, features):
    x, positions, mask = features
    log_p = numpy_log_p(flow, x, positions)[mask == 0] / (CHANNELS * ALPHA)
    boundary = fit_boundary(log_p, beta=BETA, tau=TAU)
    assert boundary.b_n == np.sort(log_p)[int(BETA * (len(log_p) - 1))]
    assert (log_p < boundary.b_n).mean() <= BETA and boundary.b_a == boundary.b_n - TAU


def test_the_whole_loss_agrees_with_numpy_in_float64(flow, features):
    x, positions, mask = features
    nats = numpy_log_p(flow, x, positions)
    boundary = fit_boundary(nats[mask == 0] / (CHANNELS * ALPHA), beta=BETA, tau=TAU)
    torch_nats = flow.log_p_nats(torch.from_numpy(x), torch.from_numpy(positions))
    truth = torch.from_numpy(mask)
    loss = ml_loss(torch_nats[truth < 0.5], CHANNELS) + bg_spp_loss(torch_nats / (CHANNELS * ALPHA), truth, boundary)
    assert loss.item() == pytest.approx(numpy_total(nats, mask, boundary), rel=1e-10)
    assert bg_spp_loss(torch_nats / (CHANNELS * ALPHA), truth, boundary).item() > 0  # both terms speak


def test_the_whole_losss_gradient_is_that_of_finite_differences(flow, features):
    """One weight of each block's subnet, scale and offset, moved by hand through the NumPy version.

    The boundary lies between two normals, not on one: a mean over the misplaced jumps when a feature joins them.
    """
    x, positions, mask = features
    sorted_normals = np.sort(numpy_log_p(flow, x, positions)[mask == 0] / (CHANNELS * ALPHA))
    between = float(sorted_normals[3:5].mean())
    boundary = Boundary(between, between - TAU)
    nats, truth = flow.log_p_nats(torch.from_numpy(x), torch.from_numpy(positions)), torch.from_numpy(mask)
    (ml_loss(nats[truth < 0.5], CHANNELS) + bg_spp_loss(nats / (CHANNELS * ALPHA), truth, boundary)).backward()
    for name, parameter in flow.named_parameters():
        if not parameter.requires_grad:
            continue
        flat, place = parameter.data.view(-1), parameter.grad.abs().argmax()
        found = []
        for step in (1e-5, -1e-5):
            before = flat[place].item()
            flat[place] = before + step
            found.append(numpy_total(numpy_log_p(flow, x, positions), mask, boundary))
            flat[place] = before
        assert parameter.grad.view(-1)[place].item() == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-4), name


def test_well_placed_features_leave_every_parameter_of_the_flow_alone(flow, features):
    x, positions, _ = features
    log_p = flow.log_p_nats(torch.from_numpy(x), torch.from_numpy(positions)) / (CHANNELS * ALPHA)
    ranked = log_p.detach().argsort(descending=True)
    truth = torch.zeros(len(ranked))
    truth[ranked[40:]] = 1.0  # the unlikely half is abnormal, and the boundary lies between the halves
    between = float(log_p.detach()[ranked[39:41]].mean())
    bg_spp_loss(log_p, truth, Boundary(b_n=between, b_a=between)).backward()
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in flow.parameters())


def test_the_score_ranks_as_equation_7_does():
    """1 - exp(log p) saturates in float; ours does not, and never ranks two parts the other way round."""
    lowest = np.random.default_rng(4).normal(-2, 3, 200)
    equation_7 = 1 - np.exp(lowest - lowest.max())
    ours = np.array([anomaly_score(value, FUSED, PART) for value in lowest])
    inside = lowest < FUSED.median
    assert np.array_equal(np.argsort(equation_7[inside]), np.argsort(ours[inside]))
    assert {standing_of(value, PART) == "normal" for value in lowest[ours < 0.5]} == {True}
