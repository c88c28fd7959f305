"""`kill -9`: what was confirmed stays, what was running goes on, and nothing happens twice."""

import shutil

import numpy as np
import pytest
from sqlalchemy import func, select

from app.services.context import open_context
from app.services.ingest import create_project, ingest_source
from app.services.label import label_view, save_verdict
from app.services.retrain import request_retraining
from app.services.score import ranked_queue
from storage import runs, versions
from storage.masks import decode_mask
from storage.models import Annotation, Run, RunState, Verdict
from tests.app.conftest import ENGINEER, part, scratch_mask, settings_in, write_tree
from tests.journeys.editor import Hand, boxed
from tests.journeys.product import Product
from tests.patience import RUN, wait_for

pytestmark = pytest.mark.slow


@pytest.mark.browser
def test_a_killed_web_server_loses_no_confirmed_label_and_no_stroke(mortal, page_of, inside):
    first = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items[0].image_id
    hand = Hand(page_of(mortal))
    hand.open(mortal.url, "tile", first)
    hand.choose("box")
    one = boxed((64, 64), hand.line([(10, 12), (40, 30)]))
    hand.handed_over()
    hand.name_type("scratch")
    hand.say("Defect")
    mortal.kill("web")  # the moment after the page confirmed
    said = label_view(inside, ENGINEER, "tile", first).said
    assert (said.verdict, said.defect_type, said.by) == (Verdict.defect, "scratch", "ines")
    assert np.array_equal(decode_mask(said.mask), one)
    mortal.start("web")
    second = hand.another_than(first)  # the same tab, by itself
    hand.choose("box")
    two = boxed((64, 64), hand.line([(20, 8), (50, 44)]))
    hand.handed_over()
    mortal.kill("web")  # a stroke that the page has not confirmed
    mortal.start("web")
    assert "with its mask" in hand.say("Defect")  # the new server asks the browser for it first
    said = label_view(inside, ENGINEER, "tile", second).said
    assert said.verdict is Verdict.defect and np.array_equal(decode_mask(said.mask), two)
    with inside.database.read() as session:
        mine = session.scalar(select(func.count()).where(Annotation.by == "ines"))
    assert mine == 2  # each once


@pytest.fixture
def ready_to_train(tmp_path):
    """Two equal installations with one labelled project, large enough that a phase lasts seconds."""
    context = open_context(settings_in(tmp_path / "one"))
    slug = create_project(context, ENGINEER, name="tile", built_in=True, size=96).slug
    tree = write_tree(tmp_path / "tree", normals=16, held_normals=2, held_defects=2)
    ingest_source(context, ENGINEER, slug, tree)
    (tmp_path / "pool").mkdir()
    for i in range(3):
        (tmp_path / "pool" / f"{i}.png").write_bytes(part(3000 + i, scratch=True))
    ingest_source(context, ENGINEER, slug, tmp_path / "pool", content="unknown")
    for item in ranked_queue(context, ENGINEER, slug, show="unlabelled").items:
        save_verdict(
            context, ENGINEER, item.image_id, verdict=Verdict.defect, defect_type="scratch", mask_png=scratch_mask(),
            client_id=f"c{item.image_id}", expected_revision=0,
        )  # fmt: skip
    context.database.dispose()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    return tmp_path / "one", tmp_path / "two"


def test_a_killed_worker_resumes_and_ends_like_one_that_was_not(ready_to_train):
    killed, undisturbed = (train(home, deaths) for home, deaths in zip(ready_to_train, (2, 0), strict=True))
    assert killed["states"] == undisturbed["states"] == [RunState.done]
    assert killed["versions"] == undisturbed["versions"]  # one version, the same bytes in its checkpoint


def train(home, deaths):
    """One retrain by a real worker that dies once in each of the first `deaths` phases; what became of it."""
    context = open_context(settings_in(home))
    run_id = request_retraining(context, ENGINEER, "tile", preset="demo", reason="a test")
    product = Product(home, BGAD_DEVICE="cpu")
    seen = lambda: progress(context, run_id)  # noqa: E731
    try:
        for phase in ("phase 1", "phase 2")[:deaths]:
            product.start("worker")
            wait_for(
                lambda phase=phase: seen()[1].startswith(phase) and seen()[2] >= 3,
                what=lambda: f"the third pass: {seen()}, {product.log('worker')}", every=0.02,
            )  # fmt: skip
            product.kill("worker")
            assert seen()[0] is RunState.running
        product.start("worker")
        over = lambda: seen()[0] not in (RunState.queued, RunState.running)  # noqa: E731
        wait_for(over, seconds=RUN, what=lambda: f"the run's end: {product.log('worker')}")
    finally:
        product.stop()
    with context.database.read() as session:
        states = [run.state for run in session.scalars(select(Run).where(Run.kind == "retrain"))]
        made = [(v.number, v.checkpoint, v.boundaries) for v in versions.versions(session, 1)]
    context.database.dispose()
    return {"states": states, "versions": made}


def progress(context, run_id):
    with context.database.read() as session:
        run = runs.run(session, run_id)
        return run.state, str(run.progress.get("phase", "")), run.progress.get("done", 0)
