"""Eq. 5, 8 and 9 against NumPy, and what BG-SPP must leave alone."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bgad_core.boundary import Boundary
from bgad_core.losses import bg_spp_loss, focal_weights, full_push_pull_loss, ml_loss

BOUNDARY = Boundary(b_n=-0.3, b_a=-0.4)
LOG_P = st.floats(-0.999, 0.5)


def gradient(log_p, mask, boundary=BOUNDARY):
    values = torch.tensor(log_p, dtype=torch.float64, requires_grad=True)
    bg_spp_loss(values, torch.tensor(mask, dtype=torch.float64), boundary).backward()
    return values.grad.numpy()


def test_equation_5_is_the_mean_of_minus_log_sigmoid_per_dimension():
    nats = np.random.default_rng(0).normal(-40, 30, 50)
    expected = np.mean(np.log1p(np.exp(-nats / 16)))
    assert ml_loss(torch.from_numpy(nats), 16).item() == pytest.approx(expected, rel=1e-12)
    weights = np.random.default_rng(1).uniform(1, 5, 50)
    expected = np.mean(weights * np.log1p(np.exp(-nats / 16)))
    assert ml_loss(torch.from_numpy(nats), 16, torch.from_numpy(weights)).item() == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.tuples(LOG_P, st.booleans()), min_size=1, max_size=40))
def test_equation_8_agrees_with_numpy(features):
    log_p, abnormal = np.array([value for value, _ in features]), np.array([sign for _, sign in features])
    pull = np.maximum(BOUNDARY.b_n - log_p[~abnormal], 0)
    push = np.maximum(log_p[abnormal] - BOUNDARY.b_a, 0)
    expected = sum(side[side > 0].mean() for side in (pull, push) if (side > 0).any())
    measured = bg_spp_loss(torch.from_numpy(log_p), torch.from_numpy(abnormal.astype(float)), BOUNDARY).item()
    assert measured == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_well_placed_feature_gets_no_gradient():
    log_p, mask = [-0.1, -0.29, -0.5, -0.41], [0, 0, 1, 1]  # normals above b_n, anomalies below b_a
    assert bg_spp_loss(torch.tensor(log_p), torch.tensor(mask), BOUNDARY).item() == 0.0
    assert np.array_equal(gradient(log_p, mask), np.zeros(4))


def test_a_misplaced_feature_is_moved_towards_its_side():
    moved = gradient([-0.5, -0.1, -0.35, -0.35], [0, 1, 0, 1])
    assert (moved[[0, 2]] < 0).all() and (moved[[1, 3]] > 0).all()  # descent raises normals and lowers anomalies


@pytest.mark.parametrize("mask", [[0, 0], [1, 1]])
def test_an_empty_side_counts_nothing(mask):
    assert np.isfinite(gradient([-0.35, -0.36], mask)).all()
    assert bg_spp_loss(torch.empty(0), torch.empty(0), BOUNDARY).item() == 0.0


def test_what_lies_below_minus_one_is_far_out_already():
    assert np.array_equal(gradient([-1.5, -1.5], [0, 1]), [0.0, 0.0])
    assert gradient([-1.5, -0.5], [0, 0])[1] == -1.0  # and does not thin out the mean of the others


def test_full_push_pull_moves_what_bg_spp_leaves_alone():
    log_p = torch.tensor([-0.1, -0.5], requires_grad=True)
    full_push_pull_loss(log_p, torch.tensor([0, 1])).backward()
    assert log_p.grad.tolist() == [-1.0, 1.0]
    assert full_push_pull_loss(torch.tensor([-0.2, -0.6]), torch.tensor([0.0, 1.0])).item() == pytest.approx(0.6)


def test_focal_weights_rise_where_a_feature_is_unlikely():
    weights = focal_weights(torch.tensor([0.0, -0.1, -0.3, -0.6, -2.0]))
    assert weights[:2].tolist() == [1.0, 1.0]
    assert (weights[2:].diff() > 0).all()
    assert weights[3].item() == pytest.approx(11.7 * np.sqrt(1 - np.exp(-0.6)) * 0.6, rel=1e-6)


def test_a_mask_of_another_length_is_refused():
    for loss in (lambda p, m: bg_spp_loss(p, m, BOUNDARY), full_push_pull_loss):
        with pytest.raises(ValueError, match=r"log_p is \(3,\) and mask \(2,\)"):
            loss(torch.zeros(3), torch.zeros(2))
