"""The mask editor in a real browser: what is drawn is what is stored, to the pixel, at any zoom and pixel ratio."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.services.ingest import ingest_source
from app.services.label import label_view
from app.services.score import ranked_queue
from storage.masks import decode_mask
from storage.models import Image, Verdict
from tests.app.conftest import ENGINEER, part
from tests.journeys.editor import Hand, boxed, filled, painted

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WIDTH, HEIGHT = 322, 207
SHAPE = (HEIGHT, WIDTH)


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


def test_one_click_takes_the_region_below_b_n(product, page_of, inside):
    item = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items[0]
    view = label_view(inside, ENGINEER, "tile", item.image_id)
    rings = [np.reshape(flat, (-1, 2)).tolist() for flat in view.reading.isolines["b_n"]]
    shape = (view.height, view.width)
    ring = min(rings, key=lambda ring: filled(shape, ring).sum())
    region, on_the_line = filled(shape, ring), painted(shape, [*ring, ring[0]], 1e-6)
    y, x = np.argwhere(region)[region.sum() // 2] + 0.5
    hand = Hand(page_of(product))
    hand.open(product.url, "tile", item.image_id)
    hand.choose("grow")
    hand.clicks([(x, y)])
    hand.handed_over()
    hand.say("Defect")
    mask = stored(inside, item.image_id)[1]
    assert mask[int(y), int(x)] and np.array_equal(mask | on_the_line, region | on_the_line)


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


def test_a_tile_opens_its_part_by_click_and_by_key(product, page_of, inside):
    items = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items
    page = page_of(product)
    page.goto(f"{product.url}/gallery?project=tile")
    tiles = page.locator(".tile")
    expect(tiles).to_have_count(len(items))
    assert [int(tile.get_attribute("data-id")) for tile in tiles.all()] == [item.image_id for item in items]
    tiles.nth(1).click()
    Hand(page).ready(items[1].image_id)
    page.go_back()
    expect(tiles).to_have_count(len(items))
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    Hand(page).ready(items[2].image_id)
