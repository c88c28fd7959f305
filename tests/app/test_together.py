"""A retrain that several processes train together, one of them killed on the way: it ends as if none had been."""

import os
import shutil
import signal
import threading
from pathlib import Path

import pytest

from app.ledger import Failed, begin, finish
from app.services.context import open_context
from app.services.retrain import request_retraining, run_view
from app.settings import Settings
from app.worker.loop import handlers
from storage import images, versions
from storage.models import RunState
from tests.app.conftest import ENGINEER, write_tree
from tests.conftest import ROOT
from tests.patience import PATIENCE, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Three equal installations with one labelled project; processes that are started here find modules and peers."""
    from app.services.ingest import create_project, ingest_source

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    context = opened(tmp_path / "0", monkeypatch, ranks=1)
    slug = create_project(context, ENGINEER, name="tile", built_in=True, size=64).slug
    ingest_source(context, ENGINEER, slug, write_tree(tmp_path / "tree", normals=12, held_normals=3, held_defects=3))
    context.database.dispose()
    for name in "12":
        shutil.copytree(tmp_path / "0", tmp_path / name)
    return [tmp_path / name for name in "012"]


def opened(home, monkeypatch, *, ranks):
    """The installation in a folder; the environment names it, as it does for a worker and what that starts."""
    for name, value in {"HOME": home, "THREADS": 2, "DEVICE": "cpu", "RANKS": ranks}.items():
        monkeypatch.setenv(f"BGAD_{name}", str(value))
    return open_context(Settings.from_environment())


def retrained(context, meanwhile=lambda _: None):
    """One retrain by the worker's handler; the run, and the version that came of it if one did."""
    run_id = request_retraining(context, ENGINEER, "tile", preset="demo", reason="a test")
    job = begin(context.database, run_id)

    def work():
        handlers(context)["retrain"](job)
        finish(job)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    meanwhile(run_id)
    thread.join(timeout=2 * PATIENCE)
    run = run_view(context, ENGINEER, run_id)
    with context.database.read() as session:
        made = versions.versions(session, images.project_by_slug(session, "tile").id)
    context.database.dispose()
    return run, made


def ranks_of(run_id):
    """Numbers of the processes that train a run together."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"app.worker.rank" in words and run_id.encode() in words:
            found.append(int(path.parent.name))
    return found


def test_a_killed_process_is_started_again_and_the_version_is_the_same(homes, monkeypatch):
    killed = []

    def kill_one(run_id):
        seen = lambda: run_view(context, ENGINEER, run_id).progress  # noqa: E731
        wait_for(
            lambda: seen().get("phase", "").startswith("phase 1") and seen().get("done", 0) >= 2,
            every=0.05, what="two passes of phase 1",
        )  # fmt: skip
        killed.extend(ranks_of(run_id))
        os.kill(killed[-1], signal.SIGKILL)

    context = opened(homes[0], monkeypatch, ranks=1)
    _, (alone,) = retrained(context)
    context = opened(homes[1], monkeypatch, ranks=2)
    _, (together,) = retrained(context)
    context = opened(homes[2], monkeypatch, ranks=2)
    run, (resumed,) = retrained(context, kill_one)
    assert run.state is RunState.done and len(killed) == 2
    assert resumed.checkpoint == together.checkpoint and together.device == "2 × cpu"
    for one, two in zip(alone.boundaries, together.boundaries, strict=True):
        assert two["b_n"] == pytest.approx(one["b_n"], rel=1e-2, abs=1e-2)
    assert not list((homes[2] / "runs").glob("*/together-*"))


def test_what_a_process_cannot_do_is_a_sentence_and_no_model(homes, monkeypatch):
    context = opened(homes[1], monkeypatch, ranks=2)
    for blob in (homes[1] / "objects").rglob("*"):
        if blob.is_file():
            blob.write_bytes(b"")  # every image is damaged now
    run_id = request_retraining(context, ENGINEER, "tile", preset="demo", reason="a test")
    with pytest.raises(Failed, match="is no image of the kinds"):
        handlers(context)["retrain"](begin(context.database, run_id))
    assert not ranks_of(run_id)
    context.database.dispose()
