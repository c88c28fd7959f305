"""Metrics on cases that can be counted by hand."""

from contextlib import closing

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgad_core import evaluation
from bgad_core.evaluation import FPR_LIMIT, aupimo, average_precision, evaluate, image_auroc, pixel_auroc, pro
from bgad_core.histogram import log_likelihood_histogram, margin_mass, overlap
from bgad_core.pixel_curve import PixelCurve


def test_image_auroc_counts_the_pairs_in_the_right_order():
    assert image_auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True]) == 0.75
    assert image_auroc([1, 1], [False, True]) == 0.5


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30))
def test_image_auroc_is_the_share_of_won_pairs(rows):
    normal = [score for score, abnormal in rows if not abnormal]
    defect = [score for score, abnormal in rows if abnormal]
    measured = image_auroc([score for score, _ in rows], [abnormal for _, abnormal in rows])
    if not normal or not defect:
        assert measured is None
    else:
        won = np.mean([(d > n) + 0.5 * (d == n) for n in normal for d in defect])
        assert measured == pytest.approx(won)


def test_average_precision_by_hand():
    assert average_precision([0.9, 0.8, 0.7], [True, False, True]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.9], [True]) is None


def two_regions():
    """A region of four pixels, one of a single pixel, and 11 normal pixels, 4x4."""
    mask = np.zeros((4, 4), dtype=bool)
    mask[:2, :2] = mask[3, 3] = True
    return mask


def test_pro_counts_each_region_alike_whatever_its_size():
    mask, plane = two_regions(), np.zeros((4, 4))
    plane[mask] = 1.0
    assert pro([plane], [mask]) == 1.0
    plane[3, 3] = 0.0  # the small region is found with everything else, at a rate of 1
    # overlap is 1/2 at rate 0 and 1 at rate 1, straight in between: mean over [0, 0.3]
    assert pro([plane], [mask]) == pytest.approx(0.5 + 0.5 * 0.3 / 2)
    assert pixel_auroc([plane], [mask]) == pytest.approx(0.8 + 0.2 * 0.5)  # and there four pixels of five


def test_a_hole_in_a_region_is_not_part_of_it():
    ring = np.ones((5, 5), dtype=bool)
    ring[2, 2] = False
    framed = np.pad(ring, 2)
    plane = framed.astype(float)
    assert pro([plane], [framed]) == pytest.approx(1.0)
    plane[4, 4] = 2.0  # the hole alone is loudest: one false pixel of 57 before anything is found
    assert pro([plane], [framed]) == pytest.approx((0.3 - 1 / 57) / 0.3)


def test_regions_that_touch_at_a_corner_are_one():
    mask = np.zeros((6, 6), dtype=bool)
    mask[:2, :2] = mask[2:4, 2:4] = True
    plane = np.zeros((6, 6))
    plane[:2, :2] = 1.0  # half of one region, not one of two: the same number, another reading
    plane[2, 2] = 1.0
    assert pro([plane], [mask]) == pytest.approx(5 / 8 + 3 / 8 * 0.3 / 2)


def test_equal_values_pass_a_threshold_together():
    mask = two_regions()
    assert pro([np.zeros((4, 4))], [mask]) == pytest.approx(0.15)  # the diagonal, as by chance
    assert pixel_auroc([np.zeros((4, 4))], [mask]) == 0.5


def test_aupimo_asks_how_much_is_found_before_a_normal_part_rings():
    defect, quiet = np.zeros((128, 128), dtype=bool), np.zeros((128, 128))
    defect[:8, :8] = True
    noise = np.random.default_rng(0).uniform(0, 0.5, (128, 128))
    assert aupimo([np.where(defect, 1.0, 0.0), noise], [defect, np.zeros_like(defect)]) == pytest.approx(1.0)
    assert aupimo([quiet, noise], [defect, np.zeros_like(defect)]) == 0.0
    assert aupimo([quiet], [defect]) is None


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 5), st.floats(-3, 3))
def test_every_metric_stays_when_all_scores_are_stretched_and_shifted(seed, factor, shift):
    rng = np.random.default_rng(seed)
    maps = [rng.integers(-20, 20, (16, 16)).astype(float) for _ in range(4)]
    masks = [np.zeros((16, 16), dtype=bool) for _ in maps]
    masks[2][2:5, 3:9] = masks[3][10:12, 1:3] = True
    scores, abnormal = [plane.max() + 0.1 * i for i, plane in enumerate(maps)], [False, False, True, True]
    before = evaluate(scores, abnormal, maps, masks)
    after = evaluate([factor * s + shift for s in scores], abnormal, [factor * m + shift for m in maps], masks)
    assert after.to_dict() == pytest.approx(before.to_dict(), nan_ok=False)


def test_what_cannot_be_measured_is_none_and_not_zero():
    found = evaluate([0.1, 0.2], [False, False], [np.zeros((4, 4))] * 2, [np.zeros((4, 4), dtype=bool)] * 2)
    assert (found.image_auroc, found.pixel_auroc, found.pro, found.ap, found.aupimo) == (None,) * 5
    assert (found.n_normal, found.n_abnormal) == (2, 0)
    without_mask = evaluate([0.1, 0.2], [False, True], [np.zeros((4, 4))] * 2, [np.zeros((4, 4), dtype=bool), None])
    assert without_mask.image_auroc == 1.0 and without_mask.pro is None


def test_two_defects_that_touch_side_by_side_are_one_region():
    mask = np.zeros((4, 10), dtype=bool)
    mask[0, :2] = mask[0, 2:4] = mask[3, 9] = True  # four pixels in a row, drawn as two; and one far away
    plane = np.zeros((4, 10))
    plane[0, :2] = 1.0
    # half of one of two regions at rate 0, both at rate 1; three regions would start at 1/3
    assert pro([plane], [mask]) == pytest.approx(0.25 + 0.75 * 0.3 / 2)


def test_a_region_inside_the_hole_of_another_is_a_region_of_its_own():
    mask = np.zeros((9, 9), dtype=bool)
    mask[1:8, 1:8] = True
    mask[2:7, 2:7] = False
    mask[4, 4] = True
    plane = np.zeros((9, 9))
    plane[4, 4] = 1.0  # one of 25 abnormal pixels, one of two regions
    assert pro([plane], [mask]) == pytest.approx(0.5 + 0.5 * 0.3 / 2)
    assert pixel_auroc([plane], [mask]) == pytest.approx(1 / 25 + 24 / 25 / 2)


def test_ignored_pixels_count_neither_as_found_nor_as_false():
    rng = np.random.default_rng(0)
    maps, masks = [rng.normal(size=(40, 50)) for _ in range(3)], [np.zeros((40, 50), dtype=bool) for _ in range(3)]
    masks[1][4:9, 3:9] = masks[2][20:22, 30:40] = True
    spoilt = [plane.copy() for plane in maps]
    ignored = {0: np.zeros((40, 50), dtype=bool), 1: np.zeros((40, 50), dtype=bool)}
    ignored[0][:, :7] = ignored[1][:6] = True  # of the first defect two rows
    clean = evaluate([1, 2, 3], [0, 1, 1], maps, masks, ignored)
    for index, where in ignored.items():
        spoilt[index][where] = 99.0
    assert evaluate([1, 2, 3], [0, 1, 1], spoilt, masks, ignored) == clean
    assert evaluate([1, 2, 3], [0, 1, 1], spoilt, masks) != clean
    values = np.concatenate([m[~ignored.get(i, np.zeros_like(masks[0]))] for i, m in enumerate(maps)])
    truth = np.concatenate([m[~ignored.get(i, np.zeros_like(masks[0]))] for i, m in enumerate(masks)])
    assert clean.pixel_auroc == pytest.approx(image_auroc(values, truth))


@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.integers(1, 60), st.integers(2, 1000))
def test_a_curve_that_is_merged_from_disk_is_the_exact_one(seed, run, block, distinct):
    rng = np.random.default_rng(seed)
    maps = [rng.integers(0, distinct, shape) / 7.0 for shape in ((16, 16), (9, 20), (12, 12))]
    masks = [rng.random(plane.shape) < 0.15 for plane in maps]
    masks[1][:] = False
    with closing(PixelCurve(limit=FPR_LIMIT, run=run, block=block)) as curve:
        for plane, mask in zip(maps, masks, strict=True):
            curve.add(plane, cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1])
        measured = curve.result()
    if not any(mask.any() for mask in masks):
        assert measured == (None, None)
    else:
        assert measured == pytest.approx((pixel_auroc(maps, masks), pro(maps, masks)), abs=1e-12)


def test_a_large_set_is_measured_from_disk_with_the_same_figures(monkeypatch):
    rng = np.random.default_rng(1)
    maps, masks = [rng.normal(size=(64, 64)) for _ in range(4)], [np.zeros((64, 64), dtype=bool) for _ in range(4)]
    masks[2][5:9, 5:20] = masks[3][50:60, 10:12] = True
    arguments = ([1, 2, 3, 4], [0, 0, 1, 1], maps, masks, {3: maps[3] > 1.5})
    exact = evaluate(*arguments)
    monkeypatch.setattr(evaluation, "STREAMED", 1000)
    assert evaluate(*arguments).to_dict() == pytest.approx(exact.to_dict(), abs=1e-12)


def test_a_histogram_counts_every_value_once():
    counts = log_likelihood_histogram(np.array([-9.0, -1.0, -0.5, -0.01, 0.0, 7.0]), bins=4, low=-1.0, high=0.0)
    assert counts.tolist() == [2, 0, 1, 3]
    with pytest.raises(ValueError, match="0 bins from 0 to 1"):
        log_likelihood_histogram(np.zeros(1), bins=0, low=0, high=1)


def test_margin_mass_and_overlap_by_hand():
    assert margin_mass(np.array([-1.0, -0.45, -0.41, -0.2]), b_n=-0.4, b_a=-0.5) == 0.5
    assert margin_mass(np.array([]), b_n=-0.4, b_a=-0.5) == 0.0
    assert overlap(np.array([1, 1, 0]), np.array([0, 2, 2])) == 0.5
    assert overlap(np.array([3, 0]), np.array([0, 9])) == 0.0
    with pytest.raises(ValueError, match="3 bins and 2"):
        overlap(np.zeros(3), np.zeros(2))
