"""A new installation, by the browser alone: project, upload, day one, a verdict by key, retrain, promote, roll back."""

import io
import zipfile

import pytest
from playwright.sync_api import expect

from app.services.context import open_context
from app.services.impact import promotions_of
from app.services.retrain import runs_of
from app.services.review import versions_view
from app.services.score import ranked_queue
from storage.models import ACTIVE, Role, RunState, Verdict
from tests.app.conftest import ENGINEER, part, settings_in, write_tree
from tests.journeys.conftest import add_account
from tests.journeys.editor import Hand
from tests.journeys.product import Product, settled
from tests.patience import RUN, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.browser]
SLUG = "flange-40-mm"


@pytest.fixture
def fresh(tmp_path):
    """Nothing but an admin; web server and worker run."""
    context = open_context(settings_in(tmp_path / "home"))
    add_account(context, Role.admin)
    product = Product(tmp_path / "home", BGAD_DEVICE="cpu")
    product.start("web")
    product.start("worker")
    yield product, context
    product.stop()
    context.database.dispose()


def zipped(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
        archive.writestr("train/good/empty.png", b"")
    return buffer.getvalue()


def test_the_whole_loop_in_a_browser(fresh, page_of, tmp_path):
    product, context = fresh
    page = page_of(product)
    make_project(page)
    tree = zipped(write_tree(tmp_path / "flange", normals=14, held_normals=4, held_defects=4))
    upload(page, [{"name": "flange.zip", "mimeType": "application/zip", "buffer": tree}], "Read it from the folders")
    expect(page.get_by_text("1 refused")).to_be_visible()
    expect(page.get_by_text("22 added")).to_be_visible()
    pool = [{"name": f"new-{i}.png", "mimeType": "image/png", "buffer": part(50 + i, scratch=i < 3)} for i in range(6)]
    upload(page, pool, "Unknown")
    expect(page.get_by_text("6 added")).to_be_visible()

    train(page, product, context, "Train the first version")
    page.get_by_role("link", name="Gallery").click()
    expect(page.locator(".tile")).to_have_count(6)
    page.locator(".tile").first.click()
    first = ranked_queue(context, ENGINEER, SLUG, show="unlabelled").items[0]
    hand = Hand(page)
    hand.ready(first.image_id)
    hand.choose("box")
    hand.line([(10, 10), (54, 48)])
    page.mouse.move(5, 5)
    page.keyboard.press("d")  # at once: the verdict must not overtake the stroke
    expect(page.get_by_test_id("stToast").last).to_contain_text("with its mask")
    labelled = ranked_queue(context, ENGINEER, SLUG, show="labelled").items
    assert (first.image_id, Verdict.defect) in [(item.image_id, item.verdict) for item in labelled]

    train(page, product, context, "Retrain")
    assert [version.number for version in versions_view(context, ENGINEER, SLUG) if version.decides] == [1]
    page.get_by_role("link", name="Versions").click()
    page.get_by_role("button", name="Promote v2").click()
    expect(page.get_by_text("v2 · decides now")).to_be_visible()
    roll_back(page, context)


def make_project(page):
    page.get_by_role("link", name="Ingest").click()
    page.get_by_label("Name of the part").fill("Flange 40 mm")
    page.get_by_text("small and built in").click()
    page.get_by_role("button", name="Make the project").click()
    expect(page.get_by_text("Nothing came in yet.")).to_be_visible()


def upload(page, files, content):
    page.locator('input[type="file"]').set_input_files(files)
    page.get_by_text(content).first.click()
    go = page.get_by_role("button", name="Bring them in")
    expect(go).to_be_enabled()
    go.click()


def train(page, product, context, words):
    """By the page's button, with the demo's schedule, until the page says that it is done."""
    settled(page)  # a component's own run that comes after the click would call the page before back
    page.get_by_role("link", name="Retrain").click()
    page.get_by_role("combobox", name="Schedule").click()
    page.get_by_role("option", name="Demo").click()
    page.get_by_role("button", name=words, exact=True).click()
    expect(page.get_by_text("Retraining:").first).to_be_visible()
    done = lambda: all(run.state not in ACTIVE for run in runs_of(context, ENGINEER, SLUG))  # noqa: E731
    wait_for(done, seconds=RUN, what=lambda: f"the run to end: {product.log('worker')}")
    assert all(run.state is RunState.done for run in runs_of(context, ENGINEER, SLUG))
    expect(page.get_by_text("Retraining:")).to_have_count(0)


def roll_back(page, context):
    """To the first version; the record keeps all three decisions."""
    page.locator("summary").filter(has_text="v1 · 14").click()
    page.get_by_role("button", name="Roll back to v1").click()
    expect(page.get_by_text("v1 · decides now")).to_be_visible()
    numbers = [number for _, number in promotions_of(context, ENGINEER, SLUG)]
    assert sorted(numbers) == [1, 1, 2]
