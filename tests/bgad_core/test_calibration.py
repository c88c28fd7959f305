"""Operating points hold what they state: on average, with confidence, and only where there are enough normals."""

import numpy as np
import pytest
from scipy.stats import beta, binom

from bgad_core.calibration import (
    clopper_pearson,
    confident_rank,
    expected_rank,
    normals_needed,
    three_way,
    threshold_at,
    threshold_table,
)

SPLITS = 200


def true_rates(alpha, confidence, *, count, seed, draw):
    """The true share of good parts stopped, for a threshold from each of 200 calibration sets."""
    rng = np.random.default_rng(seed)
    quantile = np.sort(draw(rng, 400_000))
    rank = expected_rank(count, alpha) if confidence is None else confident_rank(count, alpha, confidence)
    stops = [np.sort(draw(rng, count))[rank - 1] for _ in range(SPLITS)]
    return 1 - np.searchsorted(quantile, stops, side="right") / len(quantile)


SHAPES = {
    "heavy tail": lambda rng, n: rng.standard_t(2, n),
    "two kinds of parts": lambda rng, n: np.where(rng.random(n) < 0.9, rng.normal(0, 1, n), rng.normal(6, 0.2, n)),
    "ties": lambda rng, n: np.round(rng.exponential(1, n), 1),
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
@pytest.mark.parametrize(("alpha", "confidence", "count"), [(0.05, 0.9, 100), (0.01, 0.9, 400), (0.1, 0.95, 60)])
def test_the_stated_alpha_is_held_at_the_stated_confidence_over_200_splits(shape, alpha, confidence, count):
    rates = true_rates(alpha, confidence, count=count, seed=5, draw=SHAPES[shape])
    held = int((rates <= alpha).sum())
    assert held >= binom.ppf(0.001, SPLITS, confidence), f"{held} of {SPLITS}"


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_expected_rate_is_held_on_average_over_200_splits(shape):
    alpha, count = 0.05, 79
    rates = true_rates(alpha, None, count=count, seed=6, draw=SHAPES[shape])
    spread = beta.std(count + 1 - 76, 76) / np.sqrt(SPLITS)
    assert rates.mean() <= alpha + 3 * spread
    if shape != "ties":
        assert rates.mean() >= alpha - 3 * spread  # and no more is given away than the ranks make it


@pytest.mark.parametrize("alpha", [0.3, 0.05, 0.01])
@pytest.mark.parametrize("confidence", [None, 0.9, 0.99])
def test_the_number_that_a_refusal_names_is_the_smallest_that_works(alpha, confidence):
    needed = normals_needed(alpha, confidence)
    rank = (
        (lambda n: expected_rank(n, alpha)) if confidence is None else (lambda n: confident_rank(n, alpha, confidence))
    )
    assert rank(needed) == needed and rank(needed - 1) is None
    assert rank(10 * needed) < 10 * needed


def test_a_confident_threshold_is_the_clopper_pearson_limit_of_what_it_stops():
    ordered = np.arange(200.0)
    found = threshold_at(ordered, confident_rank(200, 0.05, 0.95))
    stopped = 200 - found.rank
    assert found.upper["0.95"] <= 0.05 < threshold_at(ordered, found.rank - 1).upper["0.95"]
    assert found.upper["0.95"] == pytest.approx(clopper_pearson(stopped, 200, confidence=0.9)[1])
    assert found.low < found.expected < found.high


def test_clopper_pearson_agrees_with_the_binomial_tails():
    low, high = clopper_pearson(7, 50)
    assert binom.sf(6, 50, low) == pytest.approx(0.025) and binom.cdf(7, 50, high) == pytest.approx(0.025)
    assert clopper_pearson(0, 9)[0] == 0.0 and clopper_pearson(9, 9)[1] == 1.0
    with pytest.raises(ValueError, match="5 of 3 is no share"):
        clopper_pearson(5, 3)


def test_the_table_keeps_every_threshold_near_the_top_and_thins_out_below():
    table = threshold_table(np.random.default_rng(0).random(1000))
    stops = [row["stop"] for row in table["thresholds"]]
    assert table["normals"] == 1000 and stops == sorted(stops) and 300 < len(stops) < 400
    assert [row["rank"] for row in table["thresholds"][-3:]] == [998, 999, 1000]
    assert threshold_table([])["thresholds"] == []


def test_a_part_is_good_looked_at_or_defective():
    decide = lambda score: three_way(score, stop=0.5, reject=0.7)  # noqa: E731
    assert [decide(s) for s in (0.5, 0.51, 0.7, 0.71)] == ["good", "look", "look", "defect"]


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1])
def test_an_alpha_that_is_no_share_is_refused(alpha):
    with pytest.raises(ValueError, match="is no share of good parts"):
        expected_rank(10, alpha)
