"""What a queue decides by: regions, doubt and novelty, against hand-counted cases and the laws that they keep."""

import numpy as np
import torch

from bgad_core.acquisition import abnormal_region, margin_mass, novelty, novelty_unit, pairwise_distances
from bgad_core.boundary import LevelBoundary
from bgad_core.descriptor import region_descriptors

LEVEL = LevelBoundary("1", b_n=-1.0, b_a=-2.0, median=0.0, spread=1.0)


def plane(*cells, shape=(6, 6)):
    """Zero but for (row, column, value)."""
    values = np.zeros(shape, dtype=np.float32)
    for row, column, value in cells:
        values[row, column] = value
    return values


def test_the_region_is_what_hangs_together_with_the_lowest_cell():
    region = abnormal_region(plane((1, 1, -3), (2, 2, -2), (5, 5, -2)), b_n=-1)
    assert sorted(map(tuple, np.argwhere(region))) == [(1, 1), (2, 2)]


def test_a_calm_part_has_a_region_too():
    region = abnormal_region(plane((0, 0, -0.5)), b_n=-1)
    assert region.sum() == 4 and region[0, 0] and region[1, 1]


def test_margin_mass_is_the_largest_doubtful_region_over_the_map():
    one = plane((0, 0, -1.5), (0, 1, -1.5), (0, 2, -9.0), (5, 5, -1.5))
    assert margin_mass(one[None], [LEVEL]) == 2 / 36
    assert margin_mass(np.stack([one, plane()]), [LEVEL, LEVEL]) == 1 / 36
    assert margin_mass(plane((3, 3, -9.0))[None], [LEVEL]) == 0  # no doubt about it


def test_novelty_is_one_where_labelled_parts_end_and_none_without_enough_of_them():
    references = np.arange(20, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    step = np.sqrt(3)
    found = novelty(np.array([[0, 0, 0], [21, 21, 21], [119, 119, 119]]), references)
    assert np.allclose(found, [0, 2, 100], atol=1e-4) and np.isclose(
        pairwise_distances(references, references)[0, 1], step
    )
    assert np.isnan(novelty(references, references[:3])).all()
    assert np.isnan(novelty(references, np.ones((9, 3)))).all()
    assert np.array_equal(
        novelty(references[:2], references, unit=novelty_unit(references)), novelty(references[:2], references)
    )


def test_a_descriptor_sees_its_region_alone():
    shapes = [(8, 4, 4), (6, 2, 2)]
    generator = torch.Generator().manual_seed(0)
    rows = [torch.randn(2, h * w, c, generator=generator) for c, h, w in shapes]
    regions = torch.zeros(2, 4, 4)
    regions[:, :2, :2] = 1
    before = region_descriptors(rows, shapes, regions, whitened=lambda level, mean: mean)
    rows[0][:, -1] += 100  # the opposite corner
    rows[1][:, -1] += 100
    assert before.dtype == np.float16 and before.shape == (2, 64)
    assert np.array_equal(region_descriptors(rows, shapes, regions, whitened=lambda level, mean: mean), before)
    rows[0][:, 0] += 100
    assert not np.array_equal(region_descriptors(rows, shapes, regions, whitened=lambda level, mean: mean), before)
