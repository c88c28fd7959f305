"""Several types of defect in one image, in a real browser: a pixel is stored under the type that it was drawn as."""

import numpy as np
import pytest
from playwright.sync_api import expect

from app.services.label import label_view
from storage.masks import decode_mask
from tests.app.conftest import ENGINEER
from tests.journeys.editor import Hand, boxed
from tests.journeys.test_editor import SHAPE, wide  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def typed(inside, image_id):
    said = label_view(inside, ENGINEER, "tile", image_id).said
    return said.defect_type, {name: decode_mask(png) for name, png in said.typed.items()}


def draw_box(hand, corners):
    hand.choose("box")
    return boxed(SHAPE, hand.line(corners))


def draw_three(hand):
    """A box of the chosen type, one of a known type by its key, one of a new type by name; each over the one before."""
    chosen = draw_box(hand, [(20, 20), (120, 90)])
    hand.page.keyboard.press("Shift+Digit1")
    scratch = draw_box(hand, [(80, 60), (200, 120)])
    hand.page.get_by_label("Type of what is drawn next").select_option("New type…")
    field = hand.page.get_by_label("New type")
    field.fill("stain")
    field.press("Enter")
    return chosen & ~scratch, scratch, draw_box(hand, [(180, 100), (240, 150)])


@pytest.mark.parametrize("scale", [1, 2])
def test_each_stroke_is_stored_under_the_type_that_it_was_drawn_as(product, page_of, inside, wide, scale):  # noqa: F811
    hand = Hand(page_of(product, scale=scale))
    hand.open(product.url, "tile", wide)
    chosen, scratch, stain = draw_three(hand)
    hand.handed_over()
    hand.name_type("dent")
    hand.say("Defect")
    own, found = typed(inside, wide)
    assert own == "dent" and set(found) == {"dent", "scratch", "stain"}
    for name, expected in (("dent", chosen), ("scratch", scratch & ~stain), ("stain", stain)):
        assert np.array_equal(found[name], expected), name


def test_types_survive_a_reload_and_can_be_corrected_later(product, page_of, inside, wide):  # noqa: F811
    hand = Hand(page_of(product))
    hand.open(product.url, "tile", wide)
    chosen, scratch, stain = draw_three(hand)
    hand.handed_over()
    hand.page.reload()
    hand.ready(wide)
    expect(hand.page.locator(".state")).to_contain_text("stain")
    hand.name_type("dent")
    hand.handed_over()
    hand.say("Defect")
    hand.open(product.url, "tile", wide)
    expect(hand.page.locator(".state")).to_contain_text("of it")
    again = draw_box(hand, [(230, 90), (260, 160)])  # of the chosen type, over the stain's edge
    hand.handed_over()
    hand.say("Defect")
    own, found = typed(inside, wide)
    assert own == "dent" and np.array_equal(found["dent"], chosen | again)
    assert np.array_equal(found["stain"], stain & ~again) and np.array_equal(found["scratch"], scratch & ~stain)
    caption = hand.page.get_by_text("Defect, dent, scratch, stain")
    hand.open(product.url, "tile", wide)
    expect(caption).to_be_visible()
