"""The mask editor in a real browser: what is drawn is what is stored, to the pixel, at any zoom and pixel ratio."""

import io
import re
from collections import Counter

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.services.ingest import ingest_source
from app.services.label import label_view
from app.services.label_aids import log_p_bytes
from app.services.score import ranked_queue
from storage.masks import decode_mask
from storage.models import Image, Verdict
from tests.app.conftest import ENGINEER, part
from tests.journeys.editor import Hand, boxed, filled, painted

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WIDTH, HEIGHT = 322, 207
SHAPE = (HEIGHT, WIDTH)
BRIGHTEST = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
  .reduce((most, value, i) => (i % 4 ? most : Math.max(most, value)), 0)"""


@pytest.fixture
def wide(inside, tmp_path):
    """The id of an image that is neither square nor of a round size, which no version has scored."""
    picture = Pillow.open(io.BytesIO(part(1, size=256))).resize((WIDTH, HEIGHT))
    (tmp_path / "more").mkdir()
    picture.save(tmp_path / "more" / "wide.png")
    ingest_source(inside, ENGINEER, "tile", tmp_path / "more", content="unknown")
    with inside.database.read() as session:
        return session.scalar(select(func.max(Image.id)))


def stored(inside, image_id):
    said = label_view(inside, ENGINEER, "tile", image_id).said
    return said, None if said.mask is None else decode_mask(said.mask)


@pytest.mark.parametrize("scale", [1, 2])
def test_every_tool_paints_the_pixels_that_geometry_says(product, page_of, inside, wide, scale):
    hand = Hand(page_of(product, scale=scale))
    hand.open(product.url, "tile", wide)
    hand.brush_size(6)
    hand.choose("brush")
    expected = painted(SHAPE, hand.line([(30, 40), (90, 60), (88, 140)]), 6)
    hand.choose("box")
    expected |= boxed(SHAPE, hand.line([(200.3, 30.8), (181, 90), (160.2, 120.1)]))
    hand.wheel((100, 100), -500)
    hand.choose("polygon")
    expected |= filled(SHAPE, hand.polygon([(95, 85), (140, 92), (110, 105), (150, 125), (90, 118)]))
    hand.choose("erase")
    hand.brush_size(3)
    gone = painted(SHAPE, hand.line([(80, 95), (130, 112)]), 3)
    assert (expected & gone).sum() > 50  # it takes away something, not air
    hand.page.keyboard.press("Control+z")
    hand.choose("redo")
    expected &= ~gone
    hand.choose("clear")
    hand.page.keyboard.press("Control+z")
    hand.handed_over()
    hand.name_type("dent")
    assert "Saved: defect, dent, with its mask" in hand.say("Defect")
    said, mask = stored(inside, wide)
    assert (said.verdict, said.defect_type, said.by) == (Verdict.defect, "dent", "ines")
    assert np.array_equal(mask, expected)


def test_a_stroke_beyond_the_image_is_cut_at_its_edge(product, page_of, inside, wide):
    hand = Hand(page_of(product))
    hand.open(product.url, "tile", wide)
    hand.choose("brush")
    hand.brush_size(9)
    hand.wheel((150, 100), 300)
    expected = painted(SHAPE, hand.line([(-20, 100), (20, -15), (WIDTH + 15, HEIGHT + 10)]), 9)
    hand.handed_over()
    hand.say("Defect")
    assert np.array_equal(stored(inside, wide)[1], expected)


def test_a_finger_draws_and_two_zoom_and_leave_no_trace(product, page_of, inside, wide):
    hand = Hand(page_of(product, touch=True))
    hand.open(product.url, "tile", wide)
    hand.choose("brush")
    hand.brush_size(5)
    expected = painted(SHAPE, hand.finger([(30, 40), (90, 60), (88, 140)]), 5)
    before = hand.scale()
    hand.pinch([(150, 100), (200, 100)], [(110, 120), (230, 120)])
    assert hand.scale() == pytest.approx(before * 120 / 50, rel=0.05)  # fingers stand on whole pixels of the screen
    expected |= painted(SHAPE, hand.finger([(150, 80), (190, 120)]), 5)
    hand.handed_over()
    hand.say("Defect")
    assert np.array_equal(stored(inside, wide)[1], expected)


def field_of(inside, view):
    """The fused log-likelihoods at every pixel of the image, by OpenCV."""
    data = log_p_bytes(inside, ENGINEER, view.image_id, view.reading.version_id)
    plane = np.frombuffer(data[4:], "<f4").reshape(np.frombuffer(data[:4], "<u2"))
    return cv2.resize(plane, (view.width, view.height), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("scale", [1, 2])
def test_one_click_takes_the_region_below_a_level_that_keys_move(product, page_of, inside, scale):
    view, field, steps, level = a_partial_region(inside)
    y, x = np.unravel_index(field.argmin(), field.shape)
    hand = Hand(page_of(product, scale=scale))
    hand.open(product.url, "tile", view.image_id)
    expect(hand.stage).to_have_attribute("data-field", "true")
    hand.choose("grow")
    hand.clicks([(x + 0.5, y + 0.5)])
    for _ in range(abs(steps)):
        hand.page.keyboard.press("." if steps > 0 else ",")
    hand.handed_over()
    hand.say("Defect")
    mask = stored(inside, view.image_id)[1]
    unsure = np.abs(field - level) < 1e-3  # where single and double precision may part
    assert np.array_equal(mask | unsure, around_lowest(field, level) | unsure)


def around_lowest(field, level):
    """What hangs together below a level with the lowest place, corners included, by OpenCV."""
    labels = cv2.connectedComponents((field < level).astype(np.uint8), connectivity=8)[1]
    lowest = np.unravel_index(field.argmin(), field.shape)
    return (labels == labels[lowest]) & (field < level)


def a_partial_region(inside):
    """(view, field, steps from b_n, level) of an image without a label where a region is neither all nor nothing."""
    for item in ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items:
        view = label_view(inside, ENGINEER, "tile", item.image_id)
        field, scale = field_of(inside, view), view.reading.scale
        for steps in (0, *range(5, 51, 5), -3, -6, -9):
            level = scale.median - (scale.median - scale.b_n) * 2 ** (steps / 10)
            if field.min() < scale.b_n and 10 < around_lowest(field, level).sum() < field.size - 100:
                return view, field, steps, level
    raise AssertionError("no image of the project has a region to grow")


@pytest.mark.parametrize("scale", [1, 2])
def test_fill_numbers_and_dont_care_paint_what_they_say(product, page_of, inside, wide, scale):
    hand = Hand(page_of(product, scale=scale))
    hand.open(product.url, "tile", wide)
    hand.page.get_by_text("More", exact=True).click()
    box = hand.page.get_by_label("Box by numbers, in pixels")
    for numbers in ("20, 20, 60, 10", "20, 60, 60, 10", "20, 20, 10, 50", "70, 20, 10, 50"):  # a frame
        box.fill(numbers)
        box.press("Enter")
    hand.page.get_by_text("More", exact=True).click()
    hand.handed_over()
    hand.choose("fill")
    hand.clicks([(50, 45)])
    expected = boxed(SHAPE, [(20, 20), (80, 70)])
    hand.choose("ignore")
    hand.choose("box")
    ignored = boxed(SHAPE, hand.line([(60, 50), (120, 110)]))
    hand.handed_over()
    hand.say("Defect")
    said, mask = stored(inside, wide)
    assert np.argwhere(mask != expected).tolist() == []
    assert np.array_equal(decode_mask(said.ignore), ignored & ~expected)


def test_a_mask_can_be_corrected_after_it_was_saved(product, page_of, inside, wide):
    hand = Hand(page_of(product))
    hand.open(product.url, "tile", wide)
    hand.choose("box")
    first = boxed(SHAPE, hand.line([(20, 20), (80, 90)]))
    hand.handed_over()
    hand.say("Defect")
    hand.open(product.url, "tile", wide)
    hand.choose("box")
    second = boxed(SHAPE, hand.line([(60, 60), (150, 120)]))
    hand.handed_over()
    hand.say("Defect")
    said, mask = stored(inside, wide)
    assert said.revision == 2 and np.array_equal(mask, first | second)


def test_strokes_that_were_not_saved_survive_a_reload(product, page_of, inside, wide):
    hand = Hand(page_of(product))
    hand.open(product.url, "tile", wide)
    hand.choose("box")
    expected = boxed(SHAPE, hand.line([(20, 20), (80, 90)]))
    hand.handed_over()
    hand.page.reload()
    hand.ready(wide)
    expect(hand.page.locator(".state")).to_contain_text("px marked")
    hand.handed_over()
    hand.say("Defect")
    assert np.array_equal(stored(inside, wide)[1], expected)


def test_an_image_that_was_cut_off_on_its_way_is_asked_for_again(product, page_of, inside):
    scored = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items[0].image_id
    hand, lost = Hand(page_of(product)), Counter[str]()

    def lose(route):
        lost[route.request.url] += 1
        if lost[route.request.url] > 2:
            route.continue_()
        else:
            route.abort("connectionreset")

    hand.page.route(re.compile(rf"/(image|heatmap|logp)/{scored}\b"), lose)
    hand.open(product.url, "tile", scored)
    expect(hand.stage).to_have_attribute("data-field", "true")  # what a click grows along came too
    assert {url.split("/")[3] for url, times in lost.items() if times > 2} == {"image", "heatmap", "logp"}
    assert hand.stage.locator("canvas").first.evaluate(BRIGHTEST) > 60
