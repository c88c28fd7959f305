"""The gallery in a real browser: many tiles are little text, their pictures come when they are looked at."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.services.score import ranked_queue
from storage import images
from storage.models import Image, Score
from tests.app.conftest import ENGINEER
from tests.journeys.editor import Hand
from tests.journeys.product import settled
from tests.patience import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.browser]
TILES = ".grid:not(.compact) .tile"  # the label page's strip is a gallery too
MANY = 200
WIDTH = "tile => tile.querySelector('img').naturalWidth"


@pytest.fixture
def many(inside):
    """MANY more scored parts that look like one that is there."""
    with inside.database.write() as session:
        score = session.scalars(select(Score).order_by(Score.image_id.desc())).first()
        like = session.get_one(Image, score.image_id)
        same = {column.name: getattr(score, column.name) for column in Score.__table__.columns}
        for number in range(MANY):
            image, _ = images.add_image(
                session,
                project_id=like.project_id,
                sha256=f"{number:064x}",
                pixels=like.pixels,
                thumb=like.thumb,
                name=f"line-5_2026-11-26_{number:06d}.png",
                width=like.width,
                height=like.height,
                held_out=False,
                ingest_id=like.ingest_id,
            )
            session.add(Score(**{**same, "image_id": image.id}))


def test_a_page_of_two_hundred_is_20_kB_of_text_and_loads_pictures_as_they_come_into_view(
    product, page_of, inside, many
):
    page = page_of(product)
    settled(page)  # what the first page gets is not counted
    frames, pictures = [], []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: frames.append(len(data))))
    page.on("request", lambda request: pictures.append(request.url) if "/thumb/" in request.url else None)
    page.goto(f"{product.url}/gallery?project=tile")
    expect(page.locator(TILES)).to_have_count(MANY)
    page.wait_for_load_state("networkidle")
    print(f"{sum(frames)} bytes in {len(frames)} messages, {len(pictures)} pictures")
    assert sum(frames) <= 20_000
    assert 0 < len(pictures) < MANY
    last = page.locator(TILES).last
    last.scroll_into_view_if_needed()
    expect(last.locator("img").first).to_have_js_property("complete", True)
    assert last.locator("img").first.evaluate("picture => picture.naturalWidth") > 0


def test_a_tile_opens_its_part_by_click_and_by_key_and_its_picture_comes_when_the_server_is_back(
    product, page_of, inside
):
    items = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items
    page, lost = page_of(product), []

    def lose(route):
        lost.append(route)
        if len(lost) > 2:
            route.continue_()
        else:
            route.abort("connectionreset")

    page.route(f"**/thumb/{items[0].image_id}", lose)
    page.goto(f"{product.url}/gallery?project=tile")
    tiles = page.locator(TILES)
    expect(tiles).to_have_count(len(items))
    assert [int(tile.get_attribute("data-id")) for tile in tiles.all()] == [item.image_id for item in items]
    wait_for(lambda: tiles.first.evaluate(WIDTH) > 0, what="the picture that was lost twice")
    assert len(lost) > 2
    tiles.nth(1).click()
    Hand(page).ready(items[1].image_id)
    page.go_back()
    expect(tiles).to_have_count(len(items))
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    Hand(page).ready(items[2].image_id)
