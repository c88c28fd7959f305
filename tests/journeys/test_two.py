"""Two inspectors on one image: whoever saves second is told, and what they drew is theirs to bring back."""

import numpy as np
import pytest
from playwright.sync_api import expect

from app.services.label import label_view
from app.services.score import ranked_queue
from storage.masks import decode_mask
from storage.models import Verdict
from tests.app.conftest import ENGINEER
from tests.journeys.conftest import NAME, PASSWORD, add_account
from tests.journeys.editor import Hand, boxed
from tests.journeys.product import sign_in

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_whoever_saves_second_is_told_and_can_bring_back_what_was_drawn(product, page_of, inside, browse):
    add_account(inside, name="otto")
    image = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items[0].image_id
    hand, context = Hand(page_of(product)), browse()
    other = Hand(context.new_page())
    sign_in(other.page, product.url, "otto", PASSWORD)
    hand.open(product.url, "tile", image)
    hand.choose("box")
    drawn = boxed((64, 64), hand.line([(10, 12), (40, 30)]))
    hand.handed_over()
    hand.choose("ignore")
    unclear = boxed((64, 64), hand.line([(44, 44), (52, 50)]))
    hand.handed_over()
    other.open(product.url, "tile", image)
    expect(other.page.get_by_text(f"{NAME} has this image open", exact=False)).to_be_visible()
    other.say("Unsure")
    hand.page.get_by_role("button", name="Defect").click()
    expect(hand.page.get_by_text("otto said unsure in between", exact=False)).to_be_visible()
    expect(hand.page.get_by_text("More brings back what you drew", exact=False)).to_be_visible()
    assert (said := label_view(inside, ENGINEER, "tile", image).said).by == "otto" and said.mask is None
    hand.ready(image)
    hand.page.get_by_text("More", exact=True).click()
    hand.choose("mine")
    hand.handed_over()
    assert "with its mask" in hand.say("Defect")
    said = label_view(inside, ENGINEER, "tile", image).said
    assert (said.by, said.verdict, said.revision) == (NAME, Verdict.defect, 2)
    assert np.array_equal(decode_mask(said.mask), drawn) and np.array_equal(decode_mask(said.ignore), unclear)
