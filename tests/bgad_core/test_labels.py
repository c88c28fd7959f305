"""Labels as they come: what a mask, a box, a polygon, a verdict alone and "don't care" teach, and what they don't."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bgad_core.data import Sample, read_image, sample_of
from bgad_core.draws import normal_rows
from bgad_core.errors import DatasetError, MaskSizeError
from bgad_core.feature_cache import FeatureCache, features_of
from bgad_core.features import as_batch
from bgad_core.known import known_anomalies
from bgad_core.labels import BOX_SHARE, cells_of, label_of, polygon_mask
from bgad_core.rpag import preview
from bgad_core.training import _key_two, key_one
from tests.bgad_core.conftest import SIZE, same_state, scratched, texture, tiny_config, write_png

CORNER = st.integers(-2, 14).map(lambda n: n / 2 + 0.25)  # never on a pixel's centre, so inside is beyond doubt


def winding_parity(ring, x, y):
    """Even-odd by counting the crossings of a ray, one pixel at a time."""
    inside = False
    for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside


@given(st.lists(st.lists(st.tuples(CORNER, CORNER), min_size=3, max_size=6), min_size=1, max_size=3))
def test_a_polygon_holds_the_pixels_whose_centres_lie_inside_by_even_odd(rings):
    mask = polygon_mask([np.array(ring) for ring in rings], 6, 5)
    for row in range(6):
        for column in range(5):
            inside = sum(winding_parity(ring, column + 0.5, row + 0.5) for ring in rings) % 2 == 1
            assert mask[row, column] == inside, (row, column)


def test_a_square_with_a_hole_and_two_that_share_an_edge_by_hand():
    outer, inner = [(1, 1), (6, 1), (6, 6), (1, 6)], [(2, 2), (4, 2), (4, 4), (2, 4)]
    expected = np.zeros((8, 8), dtype=bool)
    expected[1:6, 1:6] = True
    expected[2:4, 2:4] = False
    assert np.array_equal(polygon_mask([outer, inner], 8, 8), expected)
    left = polygon_mask([[(0, 0), (3.5, 0), (3.5, 8), (0, 8)]], 8, 8)
    right = polygon_mask([[(3.5, 0), (8, 0), (8, 8), (3.5, 8)]], 8, 8)
    assert (left ^ right).all() and not (left & right).any()
    with pytest.raises(ValueError, match="no ring"):
        polygon_mask([[(0, 0), (1, 1)]], 8, 8)


@pytest.fixture(scope="module")
def defect(tmp_path_factory) -> Sample:
    image, mask = scratched(100)
    path = write_png(tmp_path_factory.mktemp("labels") / "defect.png", image)
    return sample_of(path, abnormal=True, mask=mask, defect_type="scratch")


def around(mask):
    rows, columns = np.nonzero(mask)
    return (int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


def trained_cells(model, parts, sample):
    """Cells of the known image itself, per level: 1 abnormal, 0 normal, -1 in no loss."""
    return known_anomalies(model, parts.normals, [sample]).masks[0]


def test_a_box_trains_its_least_likely_cells_leaves_its_rest_out_and_calls_the_outside_normal(trained, parts, defect):
    boxed = replace(defect, mask=None, boxes=(around(defect.mask),))
    left, top, right, bottom = boxed.boxes[0]
    inside = np.zeros((SIZE, SIZE), dtype=bool)
    inside[top:bottom, left:right] = True
    for level, cells in enumerate(trained_cells(trained, parts, boxed)):
        _, height, width = trained.shapes[level]
        box = cells_of(label_of(replace(boxed, mask=inside, boxes=()), (SIZE, SIZE), SIZE, SIZE), height, width) != 0
        picked = cells == 1
        assert picked.sum() == max(1, round(BOX_SHARE * box.sum()))
        assert (box | ~picked).all() and (cells[~box] == 0).all() and (cells[box & ~picked] == -1).all()
    fine = trained_cells(trained, parts, boxed)[0]
    drawn = cells_of(label_of(defect, (SIZE, SIZE), SIZE, SIZE), *trained.shapes[0][1:])
    assert (drawn[fine == 1] != 0).mean() > 0.8  # what it picks is the scratch


def test_each_box_holds_a_defect_of_its_own(trained, parts, defect):
    boxes = (around(defect.mask), (0, 0, 12, 12))
    cells = trained_cells(trained, parts, replace(defect, mask=None, boxes=boxes))[0].reshape(trained.shapes[0][1:])
    assert (cells[:3, :3] == 1).any() and (cells[3:] == 1).any()


def test_a_box_with_a_drawn_defect_adds_nothing_but_doubt(trained, parts, defect):
    both = trained_cells(trained, parts, replace(defect, boxes=((0, 0, SIZE, SIZE),)))
    for cells, drawn in zip(both, trained_cells(trained, parts, defect), strict=True):
        assert np.array_equal(cells == 1, drawn == 1) and not (cells == 0).any()


def test_a_verdict_alone_says_where_nothing_is_normal(trained, parts, defect):
    cells = trained_cells(trained, parts, replace(defect, mask=None))[0]
    assert set(np.unique(cells)) == {-1.0, 1.0} and (cells == 1).sum() == round(0.01 * cells.size)


def test_what_nobody_cares_about_is_in_no_loss_even_where_a_defect_was_drawn(trained, parts, defect):
    ignore = np.zeros((SIZE, SIZE), dtype=bool)
    ignore[:, SIZE // 2 :] = True
    for sample in (defect, replace(defect, mask=None), replace(defect, mask=None, boxes=((4, 4, 60, 60),))):
        for level, cells in enumerate(trained_cells(trained, parts, replace(sample, ignore=ignore))):
            grid = cells.reshape(trained.shapes[level][1:])
            assert (grid[:, grid.shape[1] // 2 :] == -1).all() and (grid == 1).any()


def test_what_nobody_cares_about_is_never_pasted(parts, defect):
    left = np.zeros_like(defect.mask)
    left[:, : SIZE // 2] = True
    assert (defect.mask & left).any() and (defect.mask & ~left).any()
    half = replace(defect, ignore=~left)
    only = replace(defect, mask=defect.mask & left)
    made = [preview(parts.normals, [sample], size=SIZE, count=4, seed=1) for sample in (half, only)]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(*made, strict=True))
    with pytest.raises(DatasetError, match="marks no pixel"):
        preview(parts.normals, [replace(defect, ignore=np.ones_like(left))], size=SIZE, count=1, seed=1)


def test_pastes_keep_to_the_foreground_that_a_user_drew(parts, defect):
    corner = np.zeros((SIZE, SIZE), dtype=bool)
    corner[:24, :24] = True
    mine = [replace(sample, foreground=corner) for sample in parts.normals]
    assert not any((made.mask & ~corner).any() for made in preview(mine, [defect], size=SIZE, count=6, seed=0))
    assert any((made.mask & ~corner).any() for made in preview(parts.normals, [defect], size=SIZE, count=6, seed=0))


def top_rows(count):
    plane = np.zeros((SIZE, SIZE), dtype=bool)
    plane[:count] = True
    return plane


def test_a_pass_draws_no_cell_of_a_normal_part_that_an_ignored_pixel_touches(run, trained, parts, tmp_path):
    careless = [replace(sample, ignore=top_rows(7)) for sample in parts.normals]
    features = features_of(trained.extractor, careless, trained.config, FeatureCache(tmp_path))
    rng = np.random.default_rng(0)
    for level, (_, _, width) in enumerate(trained.shapes):
        every = replace(trained.config.training, positions=None)
        cells = normal_rows(features, np.arange(len(careless)), level, every, rng).cells
        ignored = -(-7 * width // SIZE)
        assert set(cells) == set(range(ignored * width, width * width))
    assert not same_state(run(tiny_config(), anomalies=[], normals=careless), run(tiny_config(), anomalies=[]))


def test_the_part_boundary_rests_on_the_cells_that_somebody_cares_about(run, parts):
    model = run(tiny_config())
    careless = [replace(sample, ignore=top_rows(32)) for sample in parts.calibration]
    bounded = run(tiny_config(), run="ignored", calibration=careless)
    lowest = []
    with torch.inference_mode():
        for sample in parts.calibration:
            fused = bounded.fused(bounded.log_likelihoods(as_batch([read_image(sample.path)])))
            lowest.append(float(fused[0, fused.shape[1] // 2 :].min()))
    assert bounded.boundary("part").b_n == pytest.approx(min(lowest), abs=2e-3)
    assert bounded.boundary("part").b_n != model.boundary("part").b_n


def test_other_labels_of_the_same_image_are_another_training(trained, parts, defect):
    ignore = np.zeros((SIZE, SIZE), dtype=bool)
    ignore[0, 0] = True
    said = [
        defect,
        replace(defect, mask=None),
        replace(defect, mask=~defect.mask),
        replace(defect, ignore=ignore),
        replace(defect, mask=None, boxes=((0, 0, 9, 9),)),
        replace(defect, mask=None, boxes=((0, 0, 9, 8),)),
    ]
    assert len({_key_two(trained, parts.normals, [sample]) for sample in said}) == len(said)
    careless = [replace(parts.normals[0], ignore=ignore), *parts.normals[1:]]
    assert key_one(trained, careless) != key_one(trained, parts.normals)
    drawn = [replace(parts.normals[0], foreground=ignore), *parts.normals[1:]]
    assert key_one(trained, drawn) == key_one(trained, parts.normals)  # phase 1 pastes nothing
    assert _key_two(trained, drawn, [defect]) != _key_two(trained, parts.normals, [defect])


def test_labels_that_do_not_fit_their_image_are_refused_with_the_numbers(defect):
    for name in ("mask", "ignore", "foreground"):
        with pytest.raises(MaskSizeError, match=r"is 64x32 but defect\.png is 64x64"):
            label_of(replace(defect, **{name: np.zeros((32, 64), dtype=bool)}), (SIZE, SIZE), SIZE, SIZE)
    for box in ((0, 0, 65, 4), (-1, 0, 4, 4), (4, 4, 4, 8)):
        with pytest.raises(DatasetError, match=r"does not lie in defect\.png of 64x64"):
            label_of(replace(defect, boxes=(box,)), (SIZE, SIZE), SIZE, SIZE)


def test_features_are_the_same_whatever_is_said_of_the_image(trained, parts, defect):
    boxed = replace(defect, mask=None, boxes=(around(defect.mask),))
    first, second = (known_anomalies(trained, parts.normals, [sample]).features for sample in (defect, boxed))
    assert torch.equal(torch.from_numpy(first.level(0, 0)), torch.from_numpy(second.level(0, 0)))


def test_a_normal_part_has_a_normal_label(tmp_path):
    label = label_of(sample_of(write_png(tmp_path / "good.png", texture(1))), (SIZE, SIZE), SIZE, SIZE)
    assert not (label.mask.any() or label.unknown.any() or label.places.any() or label.ignore.any())
