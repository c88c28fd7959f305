"""RPAG (Sec. 3.5): a pasted defect changes exactly what its mask says, and lies on the object."""

import numpy as np
import pytest

from bgad_core.errors import DatasetError, MaskSizeError
from bgad_core.labels import cell_mask
from bgad_core.rpag import RPAG, foreground_of, preview
from bgad_core.transforms import TRANSFORMS
from tests.bgad_core.conftest import SIZE, scratched, texture

NINE = {"flip", "rotate", "transpose", "noise", "distortion", "brightness", "sharpness", "translate", "blur"}


def paste(seed, transforms=3, **changes):
    defect, mask = scratched(100)
    return RPAG(transforms).paste(texture(seed), defect, mask, rng=np.random.default_rng(seed), **changes)


@pytest.mark.parametrize("seed", range(12))
def test_the_mask_is_exactly_what_differs_from_the_normal_part(seed):
    made, normal = paste(seed), texture(seed)
    assert made.mask.any()
    assert np.array_equal(made.mask, (made.image != normal).any(axis=2))


@pytest.mark.parametrize("seed", range(6))
def test_a_paste_stays_on_the_object(seed):
    assert not (paste(seed).mask & ~foreground_of(texture(seed))).any()
    corner = np.zeros((SIZE, SIZE), dtype=bool)
    corner[:20, :30] = True
    made = paste(seed, foreground=corner)
    assert not (made.mask & ~corner).any()


def test_the_object_is_found_on_a_dark_and_on_a_bright_ground():
    dark = texture(1)
    inside = np.zeros((SIZE, SIZE), dtype=bool)
    inside[SIZE // 8 : -SIZE // 8, SIZE // 8 : -SIZE // 8] = True
    assert np.array_equal(foreground_of(dark), inside)
    assert np.array_equal(foreground_of(255 - dark), inside)
    grain = np.random.default_rng(0).normal(128, 5, (SIZE, SIZE, 1)).astype(np.uint8).repeat(3, axis=2)
    assert foreground_of(grain).all()  # a texture is object everywhere


def test_there_are_the_papers_nine_transforms():
    assert {name for name, _ in TRANSFORMS} == NINE


@pytest.mark.parametrize(("name", "change"), TRANSFORMS)
def test_each_transform_changes_the_defect_and_keeps_its_mask_with_it(name, change):
    image, mask = scratched(100)
    moved, where = change(image, mask, np.random.default_rng(2))
    assert moved.dtype == np.uint8 and moved.shape == image.shape and where.dtype == bool
    assert not np.array_equal(moved, image)
    yellow = (moved[..., 0].astype(int) - moved[..., 2]) > 60  # the scratch is the only thing that is yellow
    assert (yellow & where).sum() > 0.6 * where.sum() > 0, name


def test_the_same_generator_gives_the_same_paste_and_another_one_another():
    assert np.array_equal(paste(3).image, paste(3).image)
    assert not np.array_equal(paste(3).image, paste(4).image)


def test_without_transforms_the_defect_is_pasted_as_it_is():
    defect, mask = scratched(100)
    colours = {tuple(colour) for colour in defect[mask]}
    made = paste(5, transforms=0)
    assert {tuple(colour) for colour in made.image[made.mask]} <= colours


def test_a_defect_that_nobody_outlined_and_a_mask_of_another_size_are_refused():
    defect, mask = scratched(100)
    with pytest.raises(DatasetError, match="marks no pixel"):
        RPAG().paste(texture(1), defect, np.zeros_like(mask), rng=np.random.default_rng(0))
    with pytest.raises(MaskSizeError, match="is 64x32 but its image is 64x64"):
        RPAG().paste(texture(1), defect, mask[:32], rng=np.random.default_rng(0))


def test_a_preview_shows_what_training_would_paste(parts):
    made = preview(parts.normals, parts.anomalies, size=SIZE, count=5, seed=0)
    assert len(made) == 5 and all(each.mask.any() and each.image.shape == (SIZE, SIZE, 3) for each in made)
    with pytest.raises(DatasetError, match="0 defects with a mask"):
        preview(parts.normals, [], size=SIZE, count=1, seed=0)


def test_a_cell_is_abnormal_where_the_mask_covers_half_of_it():
    mask = np.zeros((8, 8), dtype=bool)
    mask[:4, :4] = True  # cell 0 whole
    mask[0, 4] = True  # a sixteenth of cell 1
    assert cell_mask(mask, 2, 2).tolist() == [1.0, -1.0, 0.0, 0.0]
    thin = np.zeros((8, 8), dtype=bool)
    thin[0] = True  # a quarter of two cells: the most there is
    assert cell_mask(thin, 2, 2).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert cell_mask(np.zeros((8, 8), dtype=bool), 2, 2).tolist() == [0.0] * 4
