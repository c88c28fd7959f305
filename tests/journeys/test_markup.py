"""What people type is text: markup in every name, type, reason and file name runs nowhere, on no page."""

import shutil
import uuid

import pytest

from app.services.accounts import create_account
from app.services.authority import Actor
from app.services.context import open_context
from app.services.impact import promote
from app.services.label import save_verdict
from app.services.operating import set_operating_point
from app.services.score import ranked_queue
from app.services.trail import trail_csv
from storage.models import Image, Project, Role, Run, Verdict
from tests.app.conftest import ADMIN, settings_in, twice_home  # noqa: F401
from tests.journeys.conftest import add_account
from tests.journeys.product import Product, settled

pytestmark = [pytest.mark.slow, pytest.mark.browser]
EVIL = '"><img src=x onerror="window.ran=1"><script>window.ran=1</script><svg onload=window.ran=1>'
LINK = "[click](javascript:window.ran=1) $\\href{javascript:window.ran=1}{a}$ =HYPERLINK(1)"
PAGES = (
    "", "gallery", "label", "ingest", "retrain", "review_labels", "histograms", "drift", "compare", "operating", "bias",
    "versions", "members", "people", "audit", "account",
)  # fmt: skip
INJECTED = """() => {
  const hosts = [document, ...[...document.querySelectorAll("*")].map(node => node.shadowRoot).filter(Boolean)]
  const bad = 'img[src="x"], svg[onload], [onerror], a[href^="javascript:"]'
  const scripts = hosts.flatMap(host => [...host.querySelectorAll("script")])
  return hosts.flatMap(host => [...host.querySelectorAll(bad)]).map(node => node.outerHTML)
    .concat(scripts.filter(node => node.textContent.includes("window.ran")).map(node => node.outerHTML))
}"""


@pytest.fixture
def hostile(twice_home, tmp_path):  # noqa: F811
    """The project with two versions, after somebody has put markup wherever a person can put text."""
    home = tmp_path / "home"
    shutil.copytree(twice_home, home)
    context = open_context(settings_in(home))
    add_account(context, Role.admin)
    eve = Actor(EVIL[:70], Role.engineer)
    create_account(context, ADMIN, name=f"=cmd|{EVIL}"[:80], password="three grey parts", role=Role.viewer)
    image = ranked_queue(context, eve, "tile", show="unlabelled").items[0].image_id
    with context.database.write() as session:  # names come in by ingest, from file names of any system
        session.get_one(Project, 1).name = EVIL + LINK
        for row in session.query(Image):
            row.name = f"{EVIL}{LINK}{row.name}"
        for run in session.query(Run):
            run.reason, run.by = EVIL + LINK, EVIL[:70]
    save_verdict(
        context, eve, image, verdict=Verdict.defect, defect_type=EVIL[:80], client_id=str(uuid.uuid4()),
        expected_revision=0,
    )  # fmt: skip
    set_operating_point(context, eve, "tile", 1, promise="boundary", reason=EVIL)
    promote(context, eve, "tile", 2, reason=EVIL, override=True)
    started = Product(home, BGAD_DEVICE="cpu")
    started.start("web")
    yield started, context, image
    started.stop()
    context.database.dispose()


def test_markup_is_text_on_every_page(hostile, page_of):
    product, context, image = hostile
    page = page_of(product)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    shown = set()
    for name in PAGES:
        query = f"project=tile&image={image}" if name == "label" else "project=tile"
        page.goto(f"{product.url}/{name}?{query}")
        settled(page)
        assert page.evaluate("() => window.ran") is None, f"a script ran on {name or 'home'}"
        assert page.evaluate(INJECTED) == [], name or "home"
        assert page.get_by_text("There was an error", exact=False).count() == 0
        if "window.ran" in page.inner_text("body"):
            shown.add(name)
    page.goto(f"{product.url}/certificate/tile/2")
    assert page.evaluate("() => window.ran") is None and page.evaluate(INJECTED) == []
    assert "<script>window.ran=1</script>" in page.inner_text("body")  # shown as it was typed
    assert shown >= {"", "label", "members", "people", "retrain", "versions"}, "what was typed is shown, as text"
    elsewhere = [url for url in asked if not url.startswith((product.url, "data:", "blob:"))]
    assert elsewhere == [], "no page asks anybody outside"
    table = trail_csv(context, ADMIN)
    assert "\n=" not in table and ",=" not in table and ',"=' not in table
