"""The paired test behind the bias check."""

import pytest
from scipy.stats import binomtest

from bgad_core.bias import HURTS, hurt


@pytest.mark.parametrize(("lost", "gained"), [(5, 0), (3, 1), (1, 4), (0, 2), (0, 0), (9, 9)])
def test_it_is_the_exact_sign_test_of_what_changed(lost, gained):
    before = [True] * lost + [False] * gained + [True, False]
    after = [False] * lost + [True] * gained + [True, False]
    found = hurt(before, after)
    theirs = binomtest(lost, lost + gained, alternative="greater").pvalue if lost else 1.0
    assert found[:2] == (lost, gained) and found[2] == pytest.approx(theirs)


def test_four_of_four_lost_warn_and_three_do_not():
    assert hurt([True] * 4, [False] * 4)[2] < HURTS < hurt([True] * 3, [False] * 3)[2]


def test_other_defects_cannot_be_paired():
    with pytest.raises(ValueError, match="shorter"):
        hurt([True], [])
