"""RPAG's transforms (Sec. 3.5) hold for every mask: they return, and give a picture and a mask of one shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bgad_core import rpag
from bgad_core.rpag import RPAG
from bgad_core.transforms import TRANSFORMS, rotate, translate

SEEDS = st.integers(0, 2**32 - 1)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@st.composite
def masks(draw):
    """Empty, full, one pixel, one on the border, the border's rows, and any other; of any small shape."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    mask = np.zeros((height, width), dtype=bool)
    row, column = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    match draw(st.sampled_from(["empty", "full", "pixel", "border pixel", "border", "any"])):
        case "full":
            mask[:] = True
        case "pixel":
            mask[row, column] = True
        case "border pixel":
            mask[draw(st.sampled_from([0, -1])), column] = True
        case "border":
            mask[[0, -1]] = True
        case "any":
            mask = draw(arrays(np.bool_, (height, width)))
    return mask


@pytest.mark.parametrize(("name", "change"), TRANSFORMS)
@settings(deadline=None, max_examples=60)
@given(mask=masks(), seed=SEEDS)
def test_each_transform_holds_for_every_mask(name, change, mask, seed):
    image = picture(*mask.shape, seed)
    moved, where = change(image, mask, np.random.default_rng(seed))
    shape = mask.shape[::-1] if name == "transpose" else mask.shape
    assert moved.dtype == np.uint8 and moved.shape == (*shape, 3)
    assert where.dtype == bool and where.shape == shape
    assert mask.any() or not where.any()  # nothing abnormal comes of nothing


@settings(deadline=None, max_examples=60)
@given(mask=masks(), seed=SEEDS, transforms=st.integers(0, len(TRANSFORMS)))
def test_a_paste_holds_for_every_mask_that_marks_something(mask, seed, transforms):
    if not mask.any():
        return
    normal, defect = picture(20, 16, 1), picture(*mask.shape, 2)
    made = RPAG(transforms).paste(normal, defect, mask, rng=np.random.default_rng(seed))
    assert made.image.dtype == np.uint8 and made.image.shape == normal.shape
    assert made.mask.dtype == bool and np.array_equal(made.mask, (made.image != normal).any(axis=2))


class InTurn:
    """A generator whose transforms come in a stated order and whose shifts go as far to the upper left as they can."""

    def __init__(self, order):
        self.order, self.rest = order, np.random.default_rng(0)

    def permutation(self, count):
        return np.array([[name for name, _ in TRANSFORMS].index(name) for name in self.order])

    def uniform(self, low, high, size=None):
        return np.full(size, low) if size else self.rest.uniform(low, high)

    def integers(self, *bounds):
        return self.rest.integers(*bounds)


def test_a_defect_that_is_moved_out_of_its_picture_and_then_turned_is_pasted_as_it_was():
    normal, defect = np.zeros((64, 64, 3), dtype=np.uint8), picture(64, 64)
    mask = np.zeros((64, 64), dtype=bool)
    mask[:4, :4] = True
    gone = translate(defect, mask, InTurn([]))[1]
    assert not gone.any()
    assert not rotate(defect, gone, np.random.default_rng(0))[1].any()
    everywhere = np.ones((64, 64), dtype=bool)
    made = RPAG(2).paste(normal, defect, mask, rng=InTurn(["translate", "rotate"]), foreground=everywhere)
    assert made.mask.any()
    assert {tuple(colour) for colour in made.image[made.mask]} <= {tuple(colour) for colour in defect[mask]}


@settings(deadline=None, max_examples=60)
@given(foreground=masks(), seed=SEEDS)
def test_a_paste_holds_for_every_foreground(foreground, seed):
    normal, defect = picture(*foreground.shape, 1), picture(9, 9, 2)
    mask = np.zeros((9, 9), dtype=bool)
    mask[2:7, 3:5] = True
    made = RPAG().paste(normal, defect, mask, rng=np.random.default_rng(seed), foreground=foreground)
    assert not (made.mask & ~foreground).any()
    assert rpag.foreground_of(normal).shape == foreground.shape
