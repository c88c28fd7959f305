"""The worker: its handlers, its sentences, and a whole retrain that `kill -9` interrupts."""

import errno
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app import jobs
from app.jobs import Failed, Stopped
from app.ledger import begin, finish
from app.processes import ENDED_ITSELF, environment_of
from app.services.authority import Actor
from app.services.errors import Refused
from app.services.ingest import request_ingest, stage_upload
from app.services.retrain import request_retraining, run_view
from app.services.score import ranked_queue
from app.worker.device import lock_of, owned_device
from app.worker.loop import handlers, limit_threads, telling
from bgad_core.errors import Cancelled, DeviceError
from storage import annotations, images, scores, versions
from storage.errors import Conflict
from storage.models import ACTIVE, Image, Role, Run, RunState, Verdict, Version
from tests.app.conftest import ENGINEER, part, scratch_mask
from tests.patience import PATIENCE, RUN, wait_for

ROOT = Path(__file__).resolve().parents[2]


def job_of(context, run_id):
    job = begin(context.database, run_id)
    assert job is not None
    return job


def queued(context, slug, kind="score", **arguments):
    with context.database.write() as session:
        project = images.project_by_slug(session, slug)
        return jobs.submit(session, project_id=project.id, kind=kind, by="ann", arguments=arguments)


@pytest.mark.parametrize(
    ("error", "becomes", "says"),
    [
        (DeviceError("cuda was asked for and is not there"), Failed, "cuda was asked for"),
        (Conflict("somebody was faster"), Failed, "somebody was faster"),
        (Refused("too few normals"), Failed, "too few normals"),
        (Cancelled("stopped"), Stopped, "^$"),
        (MemoryError(), Failed, "memory ran out"),
        (torch.OutOfMemoryError("CUDA out of memory"), Failed, "memory ran out"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), Failed, "use a smaller image size"),
        (DeviceError("a step does not fit into memory, not even in 8 parts"), Failed, "not even in 8 parts"),
        (RuntimeError("a bug"), RuntimeError, "a bug"),
        (OSError(errno.ENOSPC, "No space left on device"), Failed, "no space is left under"),
        (OperationalError("INSERT", {}, Exception("database or disk is full")), Failed, "no space is left under"),
        (PermissionError(errno.EACCES, "denied"), PermissionError, "denied"),
    ],
)
def test_whatever_a_handler_raises_becomes_a_sentence(context, filled, error, becomes, says):
    def handler(_context, _job):
        raise error

    job = job_of(context, queued(context, filled()))
    with pytest.raises(becomes, match=says):
        telling(context, handler)(job)


def test_an_upload_of_which_nothing_was_taken_fails_with_the_reason(context, filled):
    slug = filled()
    staged = stage_upload(context, ENGINEER, [("half.png", part(70)[:200])])
    job = job_of(context, request_ingest(context, ENGINEER, slug, staged, "unknown"))
    with pytest.raises(Failed, match=r"none of 1 images was taken: half\.png "):
        handlers(context)["ingest"](job)
    assert not staged.exists()


def test_an_upload_is_ingested_once_and_its_staging_folder_removed(context, filled):
    slug = filled()
    staged = stage_upload(context, ENGINEER, [("a.png", part(70)), ("b.png", part(71)), ("c.txt", b"x")])
    run_id = request_ingest(context, ENGINEER, slug, staged, "unknown")
    job = job_of(context, run_id)
    handlers(context)["ingest"](job)
    handlers(context)["ingest"](job)  # killed after the work and before its end: the next attempt finds nothing to do
    finish(job)
    assert not staged.exists()
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        arrival = images.ingests(session, project.id)[0]
        assert {image.name for image in images.images_for(session, project.id)} >= {"a.png", "b.png"}
        assert session.scalar(select(func.count()).select_from(Run).where(Run.kind == "score")) == 0
    assert (arrival.added, [row["name"] for row in arrival.refused]) == (2, ["c.txt"])
    run = run_view(context, ENGINEER, run_id)
    assert run.state is RunState.done and run.progress["done"] == run.progress["total"] == 2


def test_a_second_trainer_waits_for_the_device_and_stops_when_told_to(context, filled):
    job = job_of(context, queued(context, filled()))
    with lock_of(context.settings.home).open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        threading.Timer(1.0, lambda: _cancel(context, job.run_id)).start()
        with pytest.raises(Stopped), owned_device(context.settings.home, job):
            raise AssertionError("it had the device")
    assert "another worker" in run_view(context, ENGINEER, job.run_id).progress["note"]


def _cancel(context, run_id):
    with context.database.write() as session:
        jobs.cancel(session, run_id)


def test_progress_is_written_at_most_twice_a_second_but_every_phase_and_end_is(context, filled, monkeypatch):
    job = job_of(context, queued(context, filled()))
    clock = SimpleNamespace(monotonic=lambda: 1000 + i / 100, sleep=time.sleep)
    monkeypatch.setattr("app.ledger.time", clock)
    written = set()
    for i in range(400):  # four seconds by that clock
        job.progress("phase 1", i, 400)
        written.add(run_view(context, ENGINEER, job.run_id).progress["done"])
    assert written == {0, 50, 100, 150, 200, 250, 300, 350}
    job.progress("phase 1", 400, 400)
    assert run_view(context, ENGINEER, job.run_id).progress["done"] == 400
    job.progress("phase 2", 0, 9, loss=0.25)
    assert run_view(context, ENGINEER, job.run_id).progress == {"phase": "phase 2", "done": 0, "total": 9, "loss": 0.25}


def test_an_attempt_that_was_replaced_writes_nothing_any_more(context, filled):
    run_id = queued(context, filled())
    old, new = job_of(context, run_id), job_of(context, run_id)
    old.progress("phase 1", 1, 2)
    finish(old, error="too late")
    assert old.cancelled() and not new.cancelled()
    run = run_view(context, ENGINEER, run_id)
    assert (run.state, run.progress, run.error) == (RunState.running, {}, None)


def test_a_retrain_shows_every_pass_so_far_also_those_of_the_attempt_before(context, filled):
    slug = filled()
    run_id = request_retraining(context, ENGINEER, slug, preset="demo")
    file = context.settings.home / "runs" / run_id / "losses.json"
    trained = lambda: json.loads(file.read_text()).get("phase 1", []) if file.is_file() else []  # noqa: E731
    first: list[float] = []
    for _ in range(2):
        most = len(first) + 3
        job = begin(context.database, run_id, stopping=lambda most=most: len(trained()) >= most)
        assert job is not None
        with pytest.raises(Stopped):
            handlers(context)["retrain"](job)
        shown = run_view(context, ENGINEER, run_id).progress
        losses = shown["losses"]["phase 1"]
        assert shown["phase"] == "phase 1" and losses == trained()[: shown["done"]] and isinstance(losses[-1], float)
        assert [row["level"] for row in shown["live"]] == ["1", "2", "3"]
        assert all(row["b_a"] < row["b_n"] and sum(row["normal"]) > 0 for row in shown["live"])
        first = first or trained()
    assert trained()[: len(first)] == first and trained()[-1] < first[0]
    assert len(losses) > 1  # of which one was the second attempt's when it wrote that


def test_threads_are_limited_before_torch_comes(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "x")
    limit_threads(3)
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("3", "PASSIVE")
    limit_threads(1)


class Worker:
    """`bgad-inspect worker` as a process that can be killed."""

    def __init__(self, settings, log: Path) -> None:
        self.environment = {**os.environ, **environment_of(settings)}
        self.log = log
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "app", "worker"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def worker(settings, tmp_path):
    made = Worker(settings, tmp_path / "worker.log")
    yield made
    made.kill()


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("stalled", "ends"), [(1, RunState.failed), (0, RunState.cancelled)])
def test_a_handler_that_hangs_on_the_disk_is_ended_with_its_worker(context, filled, settings, tmp_path, stalled, ends):
    run_id = request_retraining(context, ENGINEER, filled(), preset="demo", reason="a disk that hangs")
    os.mkfifo(lock_of(settings.home))  # to open it waits for a reader who never comes
    worker = Worker(replace(settings, stalled=stalled), tmp_path / "worker.log")
    worker.start()
    try:
        wait(lambda: run_view(context, ENGINEER, run_id).progress, "the retrain to begin", worker)
        if not stalled:
            _cancel(context, run_id)
        assert worker.process.wait(PATIENCE) == ENDED_ITSELF, worker.log.read_text()[-3000:]
    finally:
        worker.kill()
    run = run_view(context, ENGINEER, run_id)
    assert run.state is ends and not any((settings.home / "stacks").iterdir())
    assert ends is RunState.cancelled or "made no progress for 1 s in starting" in run.error


def wait(question, what, worker):
    wait_for(question, what=lambda: f"{what}: {worker.log.read_text()[-3000:]}", seconds=RUN, every=0.05)


def over(context, run_id):
    return run_view(context, ENGINEER, run_id).state not in ACTIVE


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # test_cluster kills workers on the other engine
def test_two_retrains_killed_in_the_middle_end_once_each_and_learn_from_the_labels(context, filled, worker, tmp_path):
    slug = filled(normals=12, held_normals=4, held_defects=6)
    first = request_retraining(context, ENGINEER, slug, reason="day one", preset="demo")
    worker.start()
    phase = lambda *names: run_view(context, ENGINEER, first).progress.get("phase") in names  # noqa: E731
    wait(lambda: phase("phase 1", "calibration", "scoring"), "phase 1", worker)
    worker.kill()
    worker.start()
    wait(lambda: over(context, first), "the first retrain", worker)
    run = run_view(context, ENGINEER, first)
    assert (run.state, run.attempts) == (RunState.done, 2), (run.error, worker.log.read_text()[-3000:])
    day_one = _only_version(context, slug)
    assert day_one.run_id == first and day_one.known_anomalies == 0
    _check_version(context, slug, day_one)

    _label_defects(context, slug, count=3)
    second = request_retraining(context, ENGINEER, slug, reason="three scratches", preset="demo")
    wait(lambda: run_view(context, ENGINEER, second).progress.get("phase") == "phase 2", "phase 2", worker)
    worker.kill()
    worker.start()
    wait(lambda: over(context, second), "the second retrain", worker)
    run = run_view(context, ENGINEER, second)
    assert (run.state, run.attempts) == (RunState.done, 2), (run.error, worker.log.read_text()[-3000:])
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        found = versions.versions(session, project.id)
        assert [version.number for version in found] == [2, 1]
        assert versions.deciding_version(session, project.id).number == 1  # only the first decides by itself
    assert (found[0].known_anomalies, found[0].parent_id) == (3, day_one.id)
    held = found[0].metrics["held_out"]
    assert held["this"]["n_abnormal"] == held["parent"]["n_abnormal"] == 3
    assert held["this"]["image_auroc"] is not None and len(held["sha256"]) == 64
    _check_version(context, slug, found[0])
    assert not (context.settings.home / "runs" / second).exists()

    staged = stage_upload(context, ENGINEER, [("late.png", part(900, scratch=True))])
    ingest = request_ingest(context, ENGINEER, slug, staged, "unknown")
    wait(lambda: over(context, ingest), "the ingest", worker)
    wait(lambda: ranked_queue(context, Actor("vic", Role.viewer), slug).unscored == 0, "the late image's score", worker)


def _only_version(context, slug) -> Version:
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        (version,) = versions.versions(session, project.id)
        assert versions.deciding_version(session, project.id).id == version.id
        assert [promotion.by for promotion in versions.promotions(session, project.id)] == ["system"]
    return version


def _check_version(context, slug, version) -> None:
    """Every image has a score and maps, and boundaries, histograms and snapshot are whole."""
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        found = {row.image_id: row for row in scores.scores_of(session, version.id)}
        all_images = {image.id: image for image in images.images_for(session, project.id)}
    assert set(found) == set(all_images) and all(0.0 <= row.score < 1.0 for row in found.values())
    with np.load(io.BytesIO(context.blobs.get(next(iter(found.values())).maps)), allow_pickle=False) as maps:
        assert maps["fused"].ndim == 2 and maps["levels"].shape == (3, *maps["fused"].shape)
    assert [row["level"] for row in version.boundaries] == ["1", "2", "3", "fused", "part"]
    assert all(row["b_a"] < row["b_n"] for row in version.boundaries)
    assert set(version.histograms["counts"]) == {"1", "2", "3", "fused"}
    for level, (low, high, bins) in version.histograms["edges"].items():
        counts = version.histograms["counts"][level]
        assert low < high and all(len(group) == bins for group in counts.values())
        assert sum(counts["normal"]) > 0 and (sum(counts["known"]) > 0) == (version.known_anomalies > 0)
    assert len(version.snapshot["calibration"]) == 2 and len(version.snapshot["normals"]) == 10
    good = np.mean([row.score for i, row in found.items() if "good" in all_images[i].name])
    bad = np.mean([row.score for i, row in found.items() if "scratch" in all_images[i].name])
    assert bad > good
    assert context.blobs.exists(version.checkpoint)


def _label_defects(context, slug, *, count) -> None:
    with context.database.write() as session:
        project = images.project_by_slug(session, slug)
        rows = session.scalars(select(Image).where(Image.project_id == project.id, Image.name.like("test/scratch/%")))
        for image in list(rows)[:count]:
            annotations.save_annotation(
                session, image_id=image.id, verdict=Verdict.defect, defect_type="scratch", mask=scratch_mask(),
                by="ann", client_id=f"c{image.id}", expected_revision=1, version_id=None, score=None,
            )  # fmt: skip
