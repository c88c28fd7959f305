"""Labels of another tool in a real browser: looked at, taken over, taken back."""

import json

import pytest
from playwright.sync_api import expect

from app.services.label import label_view
from app.services.score import ranked_queue
from storage.models import Verdict
from tests.app.conftest import ENGINEER
from tests.journeys.product import settled

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_file_is_looked_at_taken_over_and_taken_back(product, page_of, inside, tmp_path):
    item = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items[0]
    said = lambda: label_view(inside, ENGINEER, "tile", item.image_id).said  # noqa: E731
    images = [{"id": n, "file_name": name, "width": 64, "height": 64} for n, name in enumerate([item.name, "gone.png"])]
    rows = [{"id": n, "image_id": n, "category_id": 7, "segmentation": [[5, 5, 25, 5, 25, 25, 5, 25]]} for n in (0, 1)]
    content = {"images": images, "annotations": rows, "categories": [{"id": 7, "name": "dent"}]}
    (tmp_path / "labels.json").write_text(json.dumps(content))
    page = page_of(product)
    page.goto(f"{product.url}/ingest?project=tile")
    settled(page)
    page.get_by_role("radio", name="Labels").click()
    settled(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(tmp_path / "labels.json")
    page.get_by_role("button", name="Look what it changes").click()
    expect(page.get_by_text("gone.png").or_(page.get_by_text("1 left out"))).to_have_count(1)
    assert said().revision == 0  # nothing is saved by looking
    page.get_by_role("button", name="Take over 1 label").click()
    expect(page.get_by_text("taken over by ines")).to_be_visible()
    assert (said().verdict, said().defect_type, said().by) == (Verdict.defect, "dent", "ines")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("undone by ines")).to_be_visible()
    assert said().verdict is None
