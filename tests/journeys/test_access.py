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
from tests.journeys.product import Product, settled

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
RUN = """async notOurs => {
  const found = await axe.run(document, { elementRef: true, resultTypes: ["violations"] })
  const ours = (rule, node) => !(notOurs[rule] && node.element && node.element.closest(notOurs[rule][0]))
  return found.violations.flatMap(({ id, impact, nodes }) => nodes.filter(node => ours(id, node)).map(node =>
    `${id} (${impact}): ${node.html.slice(0, 200)}: ${node.failureSummary.replace(/\\s+/g, " ")}`))
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
    started = Product(home, BGAD_THREADS="1", BGAD_DEVICE="cpu")
    started.start("web")
    yield started, waiting, doubted
    started.stop()


def violations(page, axe: str) -> list[str]:
    """What axe-core objects to, each with its element."""
    page.evaluate(axe)
    return page.evaluate(RUN, NOT_OURS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_violates_a_rule_of_access(reviewed, page_of, axe, scheme):
    product, waiting, _ = reviewed
    page = page_of(product, scheme=scheme)
    found = {}
    for name in PAGES:
        image = f"&image={waiting}" if name == "label" else ""
        page.goto(f"{product.url}/{name}?project=tile{image}")
        settled(page)
        found[name or "home"] = violations(page, axe)
    page.goto(f"{product.url}/members?project=tile")
    page.get_by_role("button", name="See what would go").click()
    page.get_by_role("button", name="Keep it").wait_for()
    settled(page)
    found["members: what would go"] = violations(page, axe)
    page.goto(f"{product.url}/certificate/tile/1")
    found["certificate"] = violations(page, axe)
    page.goto(f"{product.url}/logout")
    page.wait_for_url("**/login**")
    found["login"] = violations(page, axe)
    assert not any(found.values()), "\n".join(f"{name}: {one}" for name, each in found.items() for one in each)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_opens_on_the_pages_of_labels_violates_a_rule(reviewed, page_of, axe, scheme):
    product, waiting, doubted = reviewed
    page = page_of(product, scheme=scheme)
    found = {}
    page.goto(f"{product.url}/review_labels?project=tile")
    for name in ("The boundary doubts", "Nobody looked again", "Odd among the normals"):
        page.get_by_role("radio", name=name).click()
        settled(page)
        page.get_by_role("button", name="Reject").first.click()
        page.get_by_label("What is wrong with it?").wait_for()
        settled(page)
        found[name] = violations(page, axe)
        page.keyboard.press("Escape")
    page.get_by_text("Shares of the queue").click()
    page.get_by_role("slider").first.wait_for()
    settled(page)
    found["shares"] = violations(page, axe)
    page.goto(f"{product.url}/label?project=tile&image={doubted}")
    settled(page)
    page.get_by_role("button", name="history 1").click()
    page.get_by_test_id("stPopoverBody").get_by_text("ida").wait_for()
    settled(page)
    found["history"] = violations(page, axe)
    page.goto(f"{product.url}/label?project=tile&image={waiting}")
    settled(page)
    page.get_by_role("combobox", name="Show me").click()
    page.get_by_role("option", name="Label checks").wait_for()
    settled(page)
    found["show me"] = violations(page, axe)
    page.goto(f"{product.url}/label?project=empty")
    page.get_by_role("heading", name="Nothing to label").wait_for()
    settled(page)
    found["nothing to label"] = violations(page, axe)
    assert not any(found.values()), "\n".join(f"{name}: {one}" for name, each in found.items() for one in each)
