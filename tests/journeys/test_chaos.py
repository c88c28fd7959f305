"""Chaos: retrains and scorings while workers and web servers are killed at random; each ends once, as if undisturbed.

`make soak-jobs` runs more of them: BGAD_SOAK_JOBS is the number of jobs, BGAD_SOAK_SEED draws other kills.
"""

import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Error as BrowserError
from sqlalchemy import select

from app.ledger import MAX_ATTEMPTS, begin, finish
from app.services.context import open_context
from app.services.ingest import create_project, ingest_source
from app.services.label import save_verdict
from app.services.retrain import request_retraining
from app.services.score import ranked_queue, request_scoring
from app.settings import Settings
from storage import scores, versions
from storage.models import ACTIVE, Image, Project, Run, RunState, Verdict
from storage.run_rows import RunLine
from tests.app.conftest import ENGINEER, part, scratch_mask, write_tree
from tests.journeys.conftest import add_account
from tests.journeys.product import Product, report
from tests.patience import wait_for

JOBS = int(os.environ.get("BGAD_SOAK_JOBS", "4"))
SEED = int(os.environ.get("BGAD_SOAK_SEED", "0"))
PROJECTS = max(1, JOBS // 2)  # each is retrained once, and scores new parts once
KNOWN, LATE = 3, 24
ENGINES = ["sqlite", "postgresql"] if "BGAD_SOAK_JOBS" in os.environ else ["sqlite"]  # test_cluster kills on the other
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="session")
def parts(tmp_path_factory) -> Path:
    """A category, known defects, and parts that come in later."""
    folder = tmp_path_factory.mktemp("parts")
    write_tree(folder / "tree", normals=12, held_normals=2, held_defects=2)
    for name, seeds in (("known", range(3000, 3000 + KNOWN)), ("late", range(4000, 4000 + LATE))):
        (folder / name).mkdir()
        for seed in seeds:
            (folder / name / f"{seed}.png").write_bytes(part(seed, scratch=name == "known" or seed % 4 == 0))
    return folder


@pytest.fixture(scope="session")
def undisturbed(parts, tmp_path_factory):
    """What the same jobs give when nothing is killed: checkpoint, boundaries and scores of each project."""
    context = installation(tmp_path_factory.mktemp("undisturbed") / "home", None, parts)
    from app.worker.loop import handlers

    for number in range(PROJECTS):
        for kind in ("retrain", "score"):
            run_id = asked(context, number, kind, parts)
            job = begin(context.database, run_id)
            assert job is not None
            handlers(context)[kind](job)
            finish(job)
    found = outcomes(context)
    context.database.dispose()
    return found


@pytest.mark.parametrize("database_url", ENGINES, indirect=True)
def test_every_job_ends_once_and_as_if_undisturbed_whatever_is_killed(
    parts, undisturbed, database_url, tmp_path, page_of
):
    rng = np.random.default_rng(SEED)
    context = installation(tmp_path / "home", database_url, parts)
    add_account(context)
    product = Product(tmp_path / "home", BGAD_DATABASE_URL=database_url, BGAD_DEVICE="cpu")
    killed = Counter()
    started = time.monotonic()
    try:
        product.start("web")
        product.start("worker")
        page = page_of(product)
        for number in range(PROJECTS):
            click_retrain(product, page, context, number)
            if rng.random() < 0.5:
                kill(product, "web", killed)
        harass(product, context, rng, killed)
        for number in range(PROJECTS):
            asked(context, number, "score", parts)
        harass(product, context, rng, killed)
    finally:
        product.stop()
    with context.database.read() as session:
        found = list(session.scalars(select(Run)))
        begun = Counter(session.scalars(select(RunLine.run_id).where(RunLine.text.like("attempt%begins"))))
    report(
        f"chaos on {database_url.split(':')[0]}",
        {
            "jobs": len(found),
            "killed": dict(killed),
            "attempts": dict(Counter(run.attempts for run in found)),
            "seconds": round(time.monotonic() - started),
        },
    )
    assert Counter((run.kind, run.state) for run in found) == {
        ("retrain", RunState.done): PROJECTS,
        ("score", RunState.done): PROJECTS,
    }
    assert {run.id: run.attempts for run in found} == begun and killed["worker"] > 0
    same(outcomes(context), undisturbed)
    context.database.dispose()


def installation(home, database_url, parts, **more):
    """Equal projects, each with normal parts and known defects, on the given database."""
    environment = {"BGAD_HOME": str(home), "BGAD_THREADS": "1", "BGAD_DEVICE": "cpu", **more}
    if database_url:
        environment["BGAD_DATABASE_URL"] = database_url
    context = open_context(Settings.from_environment(environment))
    for number in range(PROJECTS):
        slug = create_project(context, ENGINEER, name=f"tile-{number}", built_in=True, size=64).slug
        ingest_source(context, ENGINEER, slug, parts / "tree")
        ingest_source(context, ENGINEER, slug, parts / "known", content="unknown")
        for item in ranked_queue(context, ENGINEER, slug, show="unlabelled").items:
            save_verdict(
                context, ENGINEER, item.image_id, verdict=Verdict.defect, defect_type="scratch",
                mask_png=scratch_mask(), client_id=f"c{item.image_id}", expected_revision=0,
            )  # fmt: skip
    return context


def asked(context, number, kind, parts):
    """Ask for one job, as the product does; scoring is asked for by parts that come in."""
    slug = f"tile-{number}"
    if kind == "retrain":
        return request_retraining(context, ENGINEER, slug, preset="demo", seed=number)
    ingest_source(context, ENGINEER, slug, parts / "late", content="unknown")
    return request_scoring(context, ENGINEER, slug)


def click_retrain(product, page, context, number):
    """Ask in the browser, with its own seed; again when the click fell into a dead server, which must not make two."""

    trouble = []
    page.set_default_timeout(15_000)

    def click():
        try:
            page.goto(f"{product.url}/retrain?project=tile-{number}")
            page.get_by_role("spinbutton", name="Seed").fill(str(number))
            page.get_by_role("combobox", name="Schedule").click()
            page.get_by_role("option", name="Demo").click()
            page.get_by_role("button", name="Train the first version", exact=True).dblclick()
            page.get_by_text("Retraining").first.wait_for()
        except BrowserError as error:
            trouble.append(str(error)[:300])
        return retrains(context, number)

    assert len(wait_for(click, what=lambda: f"the request for tile-{number}: {trouble}")) == 1


def retrains(context, number):
    with context.database.read() as session:
        query = select(Run.id).join(Project).where(Project.slug == f"tile-{number}", Run.kind == "retrain")
        return list(session.scalars(query))


def harass(product, context, rng, killed):
    """Until no job is left: kill the worker somewhere in an attempt, and the web server now and then.

    A third attempt is spared: a job that kills its worker three times is parked, and that is another test.
    """
    spared = set()
    deadline = time.monotonic() + 120 * JOBS
    while running := active(context):
        assert time.monotonic() < deadline, f"still active: {running}; {product.log('worker')}"
        for run in running:
            attempt = (run.id, run.attempts)
            if run.state is not RunState.running or attempt in spared or run.attempts >= MAX_ATTEMPTS:
                continue
            spared.add(attempt)
            if rng.random() < 0.7 / run.attempts:
                time.sleep(rng.uniform(0, 6 if run.kind == "retrain" else 3))
                kill(product, "worker", killed)
            if rng.random() < 0.25:
                kill(product, "web", killed)
        time.sleep(0.1)


def active(context):
    with context.database.read() as session:
        return list(session.scalars(select(Run).where(Run.state.in_(ACTIVE))))


def kill(product, part, killed):
    product.kill(part)
    product.start(part)
    killed[part] += 1


def outcomes(context):
    """Per project: its versions, and every image's score by content."""
    with context.database.read() as session:
        found = []
        for number in range(PROJECTS):
            project = session.scalars(select(Project).where(Project.slug == f"tile-{number}")).one()
            made = versions.versions(session, project.id)
            names = dict(session.execute(select(Image.id, Image.sha256).where(Image.project_id == project.id)).all())
            rows = {names[row.image_id]: row.score for row in scores.scores_of(session, made[0].id)} if made else {}
            assert len(rows) == len(names), f"tile-{number}: {len(rows)} of {len(names)} images have a score"
            found.append(([(v.number, v.checkpoint, v.boundaries) for v in made], rows))
    return found


def same(found, undisturbed):
    """One version each with the same bytes; scores within a float's last bits, because a resume batches anew."""
    for (made, rows), (expected, reference) in zip(found, undisturbed, strict=True):
        assert [number for number, _, _ in made] == [1] and made == expected
        assert rows == pytest.approx(reference, abs=1e-6)
