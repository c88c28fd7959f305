"""Nobody is kept out by how a page is built: axe-core finds no violation on any page, in light and in dark."""

import shutil

import pytest

from app.ledger import begin, finish
from app.services.contamination import request_contamination
from app.services.context import open_context
from app.services.ingest import create_project
from app.services.label import save_verdict
from app.services.score import ranked_queue
from app.worker.loop import handlers
from storage.models import Role, Verdict
from tests.app.conftest import ENGINEER, INSPECTOR, settings_in, twice_home  # noqa: F401
from tests.conftest import ROOT, missing
from tests.journeys.conftest import add_account
from tests.journeys.product import Product, faded, settled
from tests.patience import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.browser]
AXE = ROOT / "app" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = (
    "", "gallery", "label", "ingest", "retrain", "review_labels", "histograms", "drift", "compare", "operating", "bias",
    "versions", "members", "people", "audit", "account",
)  # fmt: skip
NOT_OURS = {  # rule -> (where, why): Streamlit's own markup, which no option of it changes
    "list": ('[data-testid="stSidebarNavItems"]', "its navigation puts each section's entries into a div of the list"),
    "presentation-role-conflict": (
        '[data-testid="stFileUploaderDropzone"]',
        "its upload area has the role of decoration and a name",
    ),
    "region": ('body > div [role="listbox"][data-rac]', "it opens the list of a choice outside of every landmark"),
    "listitem": ('[data-testid="stSidebarNav"]', "its navigation puts each section's entries into a div of the list"),
}
LABELS = """<annotations><image id="0" name="0.png" width="64" height="64"><tag label="dent"/></image>
<image id="1" name="nowhere.png" width="64" height="64"><tag label="dent"/></image></annotations>"""
RUN = """async notOurs => {
  const found = await axe.run(document, { elementRef: true, resultTypes: ["violations"] })
  const ours = (rule, node) => !(notOurs[rule] && node.element && node.element.closest(notOurs[rule][0]))
  return found.violations.flatMap(({ id, impact, nodes }) => nodes.filter(node => ours(id, node)).map(node =>
    `${id} (${impact}): ${node.html.slice(0, 200)}: ${node.failureSummary.replace(/\\s+/g, " ")}`))
}"""


SCHEME = """() => {
  const shown = [document.querySelector('[data-testid="stApp"]'), document.body, document.documentElement]
  const colour = each => getComputedStyle(each).backgroundColor.match(/[\\d.]+/g).map(Number)
  const colours = shown.filter(Boolean).map(colour)
  const [red, green, blue] = colours.find(colour => colour[3] !== 0) ?? [255, 255, 255]
  return red + green + blue < 384 ? "dark" : "light"
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """The checker, from disk."""
    if not AXE.exists():
        missing(f"{AXE} is missing: run npm ci in app/frontend")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reviewed(twice_home, tmp_path_factory):  # noqa: F811
    """A project with two versions, labels, one that the boundary doubts and odd normals, served to an admin."""
    home = tmp_path_factory.mktemp("access") / "home"
    shutil.copytree(twice_home, home)
    context = open_context(settings_in(home))
    add_account(context, Role.admin)
    waiting, doubted = (item.image_id for item in ranked_queue(context, ENGINEER, "tile", show="unlabelled").items[:2])
    given = {"verdict": Verdict.normal, "mask_png": None, "client_id": "doubted", "expected_revision": 0}
    save_verdict(context, INSPECTOR, doubted, **given)
    create_project(context, ENGINEER, name="empty", built_in=True)
    job = begin(context.database, request_contamination(context, ENGINEER, "tile"))
    handlers(context)["contamination"](job)
    finish(job)
    context.database.dispose()
    started = Product(home, BGAD_DEVICE="cpu")
    started.start("web")
    yield started, waiting, doubted
    started.stop()


class Checked:
    """A page that axe-core looks at in light and in dark; `found` is what it objects to, each with its element."""

    def __init__(self, page, axe: str) -> None:
        self.page, self._axe, self.found = page, axe, []

    def look(self, what: str, schemes=("light", "dark")) -> None:
        self.page.evaluate(self._axe)
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)
            wait_for(lambda scheme=scheme: self.scheme() == scheme, what=f"{what} in {scheme}")
            faded(self.page)
            self.found += [f"{what}, {scheme}: {one}" for one in self.page.evaluate(RUN, NOT_OURS)]

    def scheme(self) -> str:
        return self.page.evaluate(SCHEME)


def test_no_page_violates_a_rule_of_access(reviewed, page_of, axe):
    product, waiting, _ = reviewed
    page = page_of(product)
    checked = Checked(page, axe)
    for name in PAGES:
        image = f"&image={waiting}" if name == "label" else ""
        page.goto(f"{product.url}/{name}?project=tile{image}")
        settled(page)
        checked.look(name or "home")
    page.goto(f"{product.url}/members?project=tile")
    page.get_by_role("button", name="See what would go").click()
    page.get_by_role("button", name="Keep it").wait_for()
    settled(page)
    checked.look("members: what would go")
    page.goto(f"{product.url}/certificate/tile/1")
    checked.look("certificate", ["light"])  # paper
    page.goto(f"{product.url}/logout")
    page.wait_for_url("**/login**")
    checked.look("login")
    assert not checked.found, "\n".join(checked.found)


def test_nothing_that_opens_on_the_pages_of_labels_violates_a_rule(reviewed, page_of, axe, tmp_path):
    product, waiting, doubted = reviewed
    page = page_of(product)
    checked = Checked(page, axe)
    page.goto(f"{product.url}/ingest?project=tile")
    page.get_by_role("radio", name="Labels").click()
    settled(page)
    (tmp_path / "labels.xml").write_text(LABELS)
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(tmp_path / "labels.xml")
    page.get_by_role("button", name="Look what it changes").click()
    page.get_by_role("button", name="Take over 1 label").wait_for()
    settled(page)
    checked.look("what a file of labels changes")
    page.goto(f"{product.url}/review_labels?project=tile")
    for name in ("The boundary doubts", "Nobody looked again", "Odd among the normals"):
        page.get_by_role("radio", name=name).click()
        settled(page)
        page.get_by_role("button", name="Reject").first.click()
        page.get_by_label("What is wrong with it?").wait_for()
        settled(page)
        checked.look(name)
        page.keyboard.press("Escape")
    page.get_by_text("Shares of the queue").click()
    page.get_by_role("slider").first.wait_for()
    settled(page)
    checked.look("shares")
    page.goto(f"{product.url}/label?project=tile&image={doubted}")
    settled(page)
    page.get_by_role("button", name="history 1").click()
    page.get_by_test_id("stPopoverBody").get_by_text("ida").wait_for()
    settled(page)
    checked.look("history")
    page.goto(f"{product.url}/label?project=tile&image={waiting}")
    settled(page)
    page.get_by_role("combobox", name="Show me").click()
    page.get_by_role("option", name="Label checks").wait_for()
    settled(page)
    checked.look("show me")
    page.goto(f"{product.url}/label?project=empty")
    page.get_by_role("heading", name="Nothing to label").wait_for()
    settled(page)
    checked.look("nothing to label")
    assert not checked.found, "\n".join(checked.found)
