"""Several people label at once, each in a browser of their own: nobody sees an error, nothing is lost or taken twice.

5 sessions, 25 with SOAK=1 in the environment.
"""

import os
import shutil

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.ledger import begin, finish
from app.services.accounts import create_account
from app.services.context import open_context
from app.services.ingest import ingest_source
from app.services.score import request_scoring
from app.worker.loop import handlers
from storage.models import Annotation, Role, Verdict
from tests.app.conftest import ADMIN, ENGINEER, part, settings_in
from tests.journeys.conftest import PASSWORD
from tests.journeys.product import Product, report, sign_in
from tests.patience import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PEOPLE, EACH = (25, 8) if os.environ.get("SOAK") == "1" else (5, 4)


@pytest.fixture
def crowd(trained_home, tmp_path):
    """The trained project with enough parts for everybody, scored, and an account per person."""
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    context = open_context(settings_in(home))
    pool = tmp_path / "pool"
    pool.mkdir()
    for number in range(PEOPLE * EACH):
        (pool / f"{number:04d}.png").write_bytes(part(9000 + number, scratch=number % 2 == 0))
    ingest_source(context, ENGINEER, "tile", pool, content="unknown")
    job = begin(context.database, request_scoring(context, ENGINEER, "tile"))
    handlers(context)["score"](job)
    finish(job)
    for number in range(PEOPLE):
        create_account(context, ADMIN, name=f"p{number}", password=PASSWORD, role=Role.inspector)
    started = Product(home, BGAD_DEVICE="cpu")
    started.start("web")
    yield started, context
    started.stop()
    context.database.dispose()


def test_people_who_label_at_once_lose_nothing(crowd, browse):
    product, context = crowd
    with context.database.read() as session:
        before = session.scalars(select(Annotation.id)).all()
    contexts = [browse() for _ in range(PEOPLE)]
    pages = [each.new_page() for each in contexts]
    for number, page in enumerate(pages):
        sign_in(page, product.url, f"p{number}", PASSWORD)
        page.goto(f"{product.url}/label?project=tile")
    told: list[tuple[str, int, str]] = []  # (who, image, verdict) as the page confirmed it
    for turn in range(EACH):
        shown = [_ready(page) for page in pages]
        assert len(set(shown)) == PEOPLE, f"two people have the same part: {sorted(shown)}"
        for number, page in enumerate(pages):  # everybody presses at once, before any answer is looked at
            page.keyboard.press("n" if (turn + number) % 2 else "u")
        for number, (page, image) in enumerate(zip(pages, shown, strict=True)):
            _moved_on(page, image)
            told.append((f"p{number}", image, "normal" if (turn + number) % 2 else "unsure"))
            assert page.get_by_test_id("stException").count() == 0
            assert page.get_by_test_id("stAlertContentError").count() == 0
    with context.database.read() as session:
        rows = session.scalars(select(Annotation).where(Annotation.id.not_in(before)).order_by(Annotation.id)).all()
    kept = [(row.by, row.image_id, (row.verdict or Verdict.defect).value) for row in rows]
    assert sorted(kept) == sorted(told) and len(kept) == PEOPLE * EACH
    report("sessions labelling at once", {"people": PEOPLE, "labels": len(kept), "lost": 0, "errors shown": 0})


def _ready(page) -> int:
    stage = page.locator('.stage[data-ready="true"]')
    expect(stage).to_be_visible()
    return int(stage.get_attribute("data-image"))


def _moved_on(page, image: int) -> None:
    """Another part is on the stage, or the queue has ended for this person: the label is confirmed."""
    left = lambda: page.locator(f'.stage[data-image="{image}"]').count() == 0  # noqa: E731
    wait_for(left, what=f"the part after {image}")
