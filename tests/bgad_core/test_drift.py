"""Drift: chance does not alarm more often than stated, a real shift does, and bands cover what they claim."""

import math

import numpy as np
import pytest
from scipy.stats import binom, mannwhitneyu

from bgad_core.drift import LEVEL, MIN_REPEATS, Band, boundary_move, level_bands, part_bands, shift_of

RUNS = 400
SEED_NOISE = 0.05
LEVELS = ("1", "2", "3", "part")


def parts_of(rng, count, *, shift=0.0, cells=200):
    """Parts whose cells lean together, as those of one photograph do."""
    return [rng.normal(rng.normal(shift, 0.3), 1.0, cells) for _ in range(count)]


def a_version(rng, parts):
    """b_n per level from parts, moved by the training's own noise; levels see the same parts."""
    b_n = float(np.quantile(np.concatenate(parts), 0.01, method="lower"))
    made = level_bands(parts, [], b_n=b_n, b_a=b_n - 0.5, beta=0.01)["b_n"]
    return {level: _moved(made, rng) for level in LEVELS}


def alarms(before, after, repeats):
    return [m for m in (boundary_move(n, before[n], after[n], repeats[n], levels=4) for n in LEVELS) if m.alarms]


@pytest.fixture(scope="module")
def pool():
    """Versions from independent draws of good parts: made once, because a bootstrap takes a moment."""
    rng = np.random.default_rng(3)
    return rng, [parts_of(rng, 24) for _ in range(40)]


def repeats_of(rng, count):
    return {level: rng.normal(0, SEED_NOISE * math.sqrt(2), count) for level in LEVELS}


def test_a_retrain_without_new_labels_alarms_in_at_most_5_percent_of_runs(pool):
    rng, sets = pool
    base = a_version(rng, sets[0])
    wrong = 0
    for _ in range(RUNS):
        before, after = ({n: _moved(base[n], rng) for n in LEVELS} for _ in range(2))
        wrong += bool(alarms(before, after, repeats_of(rng, MIN_REPEATS)))
    assert wrong <= binom.ppf(0.999, RUNS, LEVEL), f"{wrong} of {RUNS}"


def _moved(band, rng):
    return Band(band.value + rng.normal(0, SEED_NOISE), band.low, band.high, band.deviation)


def test_other_good_parts_of_the_same_kind_seldom_alarm_and_shifted_ones_do(pool):
    rng, sets = pool
    made = [a_version(rng, parts) for parts in sets]
    same = [alarms(a, b, repeats_of(rng, 5)) for a, b in zip(made[::2], made[1::2], strict=True)]
    assert sum(map(bool, same)) <= binom.ppf(0.999, len(same), LEVEL)
    shifted = a_version(rng, parts_of(rng, 24, shift=-1.5))
    found = alarms(made[0], shifted, repeats_of(rng, 5))
    assert found and all(move.move < 0 for move in found)


def test_nothing_is_judged_before_the_noise_of_training_is_known(pool):
    rng, sets = pool
    before, after = a_version(rng, sets[0]), a_version(rng, parts_of(rng, 24, shift=-5))
    assert alarms(before, after, repeats_of(rng, MIN_REPEATS - 1)) == []


def test_the_test_for_shifted_normals_holds_its_level_and_sees_a_shift():
    rng = np.random.default_rng(8)
    wrong = sum(shift_of(rng.normal(size=16), rng.normal(size=12))[1] < LEVEL for _ in range(1000))
    assert wrong <= binom.ppf(0.999, 1000, LEVEL)
    probability, p = shift_of(rng.normal(size=20), rng.normal(1.5, 1, 20))
    assert probability > 0.7 and p < 0.01
    assert shift_of(rng.normal(size=7), rng.normal(size=50)) is None
    assert shift_of(np.zeros(9), np.zeros(9)) == (0.5, 1.0)


def test_the_rank_sum_test_is_scipys():
    rng = np.random.default_rng(9)
    a, b = rng.integers(0, 9, 30), rng.integers(1, 9, 25)
    theirs = mannwhitneyu(b, a, method="asymptotic")
    probability, p = shift_of(a, b)
    assert p == pytest.approx(theirs.pvalue) and probability == pytest.approx(theirs.statistic / (30 * 25))


def test_bands_hold_the_stored_value_and_cover_the_true_boundary():
    rng = np.random.default_rng(4)
    truth = float(np.quantile(np.concatenate(parts_of(rng, 4000)), 0.01))
    covered = 0
    for _ in range(50):
        parts = parts_of(rng, 40)
        b_n = float(np.quantile(np.concatenate(parts), 0.01, method="lower"))
        made = level_bands(parts, [], b_n=b_n, b_a=b_n - 0.5, beta=0.01)
        assert all(b.low <= b.value <= b.high for b in made.values())
        assert made["b_a"].value == pytest.approx(b_n - 0.5)
        covered += made["b_n"].low <= truth <= made["b_n"].high
    assert covered >= binom.ppf(0.001, 50, 0.8)  # 90 % is what large samples give; a tail quantile of 40 parts has less


def test_cells_of_one_part_count_as_one_part_not_as_many():
    rng = np.random.default_rng(5)
    few, many = ([rng.normal(m, 0.01, cells) for m in rng.normal(size=12)] for cells in (20, 2000))
    widths = []
    for parts in (few, many):
        b_n = float(np.quantile(np.concatenate(parts), 0.01, method="lower"))
        widths.append(level_bands(parts, [], b_n=b_n, b_a=b_n - 0.1, beta=0.01)["spread"].deviation)
    assert 0.3 < widths[1] / widths[0] < 3


def test_overlap_and_the_parts_own_boundary_have_bands_too():
    rng = np.random.default_rng(6)
    known = [rng.normal(-3, 1, 50) for _ in range(5)]
    made = level_bands(parts_of(rng, 10), known, b_n=-2.5, b_a=-3.0, beta=0.01)
    assert 0 < made["overlap"].low <= made["overlap"].value <= made["overlap"].high < 1
    lowest = rng.normal(-4, 0.5, 30)
    b_n = float(np.quantile(lowest, 0.05, method="lower"))
    part = part_bands(lowest, b_n=b_n, b_a=b_n - 1, beta=0.05)
    assert set(part) == {"b_n", "b_a", "spread"} and part["b_n"].value == b_n
    with pytest.raises(ValueError, match="no calibration part"):
        level_bands([], [], b_n=0, b_a=-1, beta=0.01)
