"""The explicit boundary of Sec. 3.2, on numbers that can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgad_core.boundary import Boundary, fit_boundary, level_boundary


def test_b_n_is_the_value_below_which_the_share_beta_lies():
    log_p = -np.arange(100.0)  # 0, -1, … -99
    assert fit_boundary(log_p, beta=0.05, tau=3.0) == Boundary(b_n=-95.0, b_a=-98.0)
    assert fit_boundary(np.random.default_rng(0).permutation(log_p), beta=0.05, tau=3.0).b_n == -95.0


@given(
    st.lists(st.floats(-50, 0, allow_nan=False), min_size=1, max_size=60),
    st.floats(0.001, 0.999),
    st.floats(0, 5),
)
def test_at_most_the_share_beta_lies_below_b_n(values, beta, tau):
    boundary = fit_boundary(np.array(values), beta=beta, tau=tau)
    assert np.mean(np.array(values) < boundary.b_n) <= beta
    assert boundary.b_n in values and boundary.b_a == boundary.b_n - tau


@given(st.floats(-5, 5), st.floats(0.1, 10))
def test_the_boundary_moves_with_the_likelihoods(shift, factor):
    log_p = np.random.default_rng(1).normal(-1, 0.3, 400)
    moved = fit_boundary(factor * log_p + shift, beta=0.01, tau=0.0)
    assert moved.b_n == pytest.approx(factor * fit_boundary(log_p, beta=0.01, tau=0.0).b_n + shift, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "beta", "sentence"),
    [
        ([], 0.01, "no normal log-likelihoods"),
        ([0.0, np.nan, -np.inf], 0.01, "2 of 3 log-likelihoods are not finite"),
        ([0.0], 1.0, "beta 1.0 is not a share"),
        ([0.0], 0.0, "beta 0.0 is not a share"),
    ],
)
def test_what_gives_no_boundary_is_refused_with_the_values(values, beta, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit_boundary(np.array(values), beta=beta, tau=0.1)


def test_the_spread_is_the_way_from_the_median_to_b_n_and_never_zero():
    level = level_boundary("1", -np.arange(101.0), beta=0.1, tau=1.0)
    assert (level.median, level.b_n, level.spread) == (-50.0, -90.0, 40.0)
    assert level_boundary("1", np.full(9, -2.0), beta=0.1, tau=1.0).spread == 1.0
