"""Jobs through real worker processes that are killed, stopped and frozen."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app import jobs
from app.outbox import beats_of
from app.processes import ENDED_ITSELF
from app.worker.watchdog import GRACE, LOOK
from storage import runs
from storage.models import ACTIVE, Project, Run, RunState
from storage.run_rows import WorkerPulse
from tests.patience import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]


class Workers:
    """Starts workers on one database and takes them down at the end."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.processes = url, folder, []

    def start(self, *, clock: int = 0, stalled: int | None = None) -> subprocess.Popen:
        """One more; `clock` is how many seconds its wall clock is ahead, `stalled` its watchdog's patience."""
        off = ["tests.app.shifted_clock", str(clock)] if clock else []
        arguments = [sys.executable, "-m", *off, "tests.app.job_worker", self.url, str(self.folder)]
        arguments += [] if stalled is None else ["2", str(stalled)]
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(arguments, cwd=ROOT, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def workers(database_url, tmp_path):
    made = Workers(database_url, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def project_id(database):
    with database.write() as session:
        project = Project(slug="screw", name="screw")
        session.add(project)
        session.flush()
        return project.id


def queue(database, project_id, kind="score", **arguments):
    with database.write() as session:
        return jobs.submit(session, project_id=project_id, kind=kind, by="ann", arguments=arguments)


def run_of(database, run_id) -> Run:
    with database.read() as session:
        return session.get_one(Run, run_id)


def wait_over(database, *run_ids):
    over = lambda: all(run_of(database, i).state not in ACTIVE for i in run_ids)  # noqa: E731
    wait_for(over, what=f"the end of {run_ids}", every=0.05)


@pytest.mark.slow
def test_what_was_queued_while_no_worker_was_up_runs_once_each_in_order(database, project_id, workers):
    ids = [queue(database, project_id, steps=1) for _ in range(4)]
    workers.start()
    workers.start()
    wait_over(database, *ids)
    assert Counter(workers.lines("ends")) == Counter(ids)
    assert [run_of(database, i).attempts for i in ids] == [1] * 4
    assert {run_of(database, i).state for i in ids} == {RunState.done}


def test_a_double_click_makes_one_retrain(database, project_id):
    first = queue(database, project_id, kind="retrain")
    assert queue(database, project_id, kind="retrain") == first
    with database.write() as session:
        assert jobs.cancel(session, first)
    assert queue(database, project_id, kind="retrain") != first


def test_eight_browsers_that_click_at_the_same_moment_make_one_retrain(database, project_id):
    together = threading.Barrier(8)

    def click(_number):
        together.wait()
        return queue(database, project_id, kind="retrain")

    with ThreadPoolExecutor(8) as browsers:
        assert len(set(browsers.map(click, range(8)))) == 1
    with database.read() as session:
        assert len(list(session.scalars(select(Run)))) == 1


def test_a_job_of_a_transaction_that_is_undone_was_never_queued(database, project_id):
    with pytest.raises(KeyboardInterrupt), database.write() as session:
        run_id = jobs.submit(session, project_id=project_id, kind="score", by="ann")
        raise KeyboardInterrupt
    with database.read() as session:
        assert session.get(Run, run_id) is None


@pytest.mark.slow
def test_a_failure_is_a_sentence_and_the_worker_goes_on(database, project_id, workers):
    told = queue(database, project_id, kind="ingest", trouble="sentence")
    bug = queue(database, project_id, kind="ingest", trouble="bug")
    after = queue(database, project_id, steps=1)
    workers.start()
    wait_over(database, told, bug, after)
    assert run_of(database, told).error == "no normal parts: label some"
    assert "TypeError: a str is no int" in run_of(database, bug).error
    assert [run_of(database, i).state for i in (told, bug, after)] == [RunState.failed, RunState.failed, RunState.done]


@pytest.mark.slow
def test_cancel_ends_a_queued_job_at_once_and_a_running_one_within_5_s(database, project_id, workers):
    running, queued = queue(database, project_id, steps=600), queue(database, project_id, steps=1)
    workers.start()
    wait_for(lambda: run_of(database, running).progress.get("done", 0) > 2, what="some progress", every=0.05)
    for run_id in (queued, running):
        with database.write() as session:
            assert jobs.cancel(session, run_id)
    assert run_of(database, queued).state is RunState.cancelled
    assert run_of(database, running).state is RunState.cancelling
    wait_for(lambda: run_of(database, running).state is RunState.cancelled, what="the cancel", every=0.05)
    last = queue(database, project_id, steps=1)
    wait_over(database, last)
    assert queued not in workers.lines("starts") and running not in workers.lines("ends")


@pytest.mark.slow
def test_a_job_whose_worker_is_killed_goes_on_at_its_checkpoint_and_ends_once(database, project_id, workers):
    run_id = queue(database, project_id, steps=30)
    first = workers.start()
    wait_for(lambda: len(workers.lines("steps")) > 5, what="some steps", every=0.05)
    first.kill()
    workers.start()
    wait_over(database, run_id)
    run = run_of(database, run_id)
    assert (run.state, run.attempts) == (RunState.done, 2), run.error
    assert workers.lines("ends") == [run_id]
    steps = [int(line.split()[1]) for line in workers.lines("steps")]
    assert sorted(set(steps)) == list(range(30)) and len(steps) <= 31  # at most the step in which the kill fell, twice


@pytest.mark.slow
@pytest.mark.parametrize("clock", [-86_400, 86_400])
def test_a_worker_whose_clock_is_a_day_off_takes_no_live_job_over(database, project_id, workers, clock):
    workers.start()
    run_id = queue(database, project_id, steps=70)
    wait_for(lambda: workers.lines("starts"), what="the job to start", every=0.05)
    workers.start(clock=clock)
    wait_for(lambda: len(beats_of(database)) == 2, what="both workers to beat", every=0.05)
    with database.read() as session:
        started = sorted(session.scalars(select(WorkerPulse.started_at)))
    assert timedelta(hours=23) < started[1] - started[0] < timedelta(hours=25)
    wait_over(database, run_id)
    assert run_of(database, run_id).state is RunState.done and run_of(database, run_id).attempts == 1
    assert workers.lines("starts") == workers.lines("ends") == [run_id]
    assert len(workers.lines("steps")) == 70


@pytest.mark.slow
def test_a_job_that_kills_its_worker_three_times_is_parked(database, project_id, workers):
    poison = queue(database, project_id, kind="ingest", trouble="kill")
    for _ in range(3):
        process = workers.start()
        process.wait(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL
    after = queue(database, project_id, steps=1)
    survivor = workers.start()
    wait_over(database, poison, after)
    run = run_of(database, poison)
    assert run.state is RunState.failed and run.error.startswith("parked: its worker died 3 times")
    assert "dying" in run.error and len(workers.lines("starts")) == 4
    assert survivor.poll() is None and run_of(database, after).state is RunState.done


@pytest.mark.slow
def test_a_worker_that_is_asked_to_stop_gives_its_job_back_uncounted(database, project_id, workers):
    run_id = queue(database, project_id, steps=30)
    first = workers.start()
    wait_for(lambda: len(workers.lines("steps")) > 5, what="some steps", every=0.05)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=PATIENCE) == 0
    assert (run_of(database, run_id).state, run_of(database, run_id).attempts) == (RunState.queued, 0)
    workers.start()
    wait_over(database, run_id)
    assert (run_of(database, run_id).state, run_of(database, run_id).attempts) == (RunState.done, 1)
    assert len(workers.lines("steps")) == 30


@pytest.mark.slow
def test_a_frozen_worker_that_was_replaced_touches_nothing_when_it_thaws(database, project_id, workers):
    run_id = queue(database, project_id, steps=40)
    frozen = workers.start()
    wait_for(lambda: len(workers.lines("steps")) > 3, what="some steps", every=0.05)
    frozen.send_signal(signal.SIGSTOP)
    workers.start()
    wait_for(lambda: run_of(database, run_id).attempts == 2, what="the takeover", every=0.05)
    frozen.send_signal(signal.SIGCONT)
    wait_over(database, run_id)
    assert run_of(database, run_id).state is RunState.done
    assert workers.lines("ends") == [run_id]
    later = [queue(database, project_id, steps=3) for _ in range(4)]
    wait_over(database, *later)
    assert Counter(workers.lines("ends")) == Counter([run_id, *later])


@pytest.mark.slow
def test_a_job_that_makes_no_progress_is_parked_with_its_stack_and_its_worker_ends(database, project_id, workers):
    stuck, after = queue(database, project_id, kind="ingest", trouble="hang"), queue(database, project_id, steps=1)
    process = workers.start(stalled=1)
    assert process.wait(timeout=PATIENCE) == ENDED_ITSELF
    run = run_of(database, stuck)
    assert run.state is RunState.failed and run.error.startswith("parked: it made no progress for 1 s in warping")
    with database.read() as session:
        assert " in hang" in runs.lines(session, stuck)[-1].text
    workers.start()
    wait_over(database, after)
    assert workers.lines("starts") == [stuck, after] and run_of(database, stuck).attempts == 1
    assert not any((workers.folder / "stacks").iterdir())


@pytest.mark.slow
def test_a_job_that_hangs_with_pythons_lock_is_parked_by_the_next_worker(database, project_id, workers):
    stuck, after = queue(database, project_id, kind="ingest", trouble="hold"), queue(database, project_id, steps=1)
    process = workers.start(stalled=1)
    assert process.wait(timeout=PATIENCE) == 1 and run_of(database, stuck).state is RunState.running
    workers.start(stalled=1)
    wait_over(database, stuck, after)
    run = run_of(database, stuck)
    assert run.state is RunState.failed and run.error.startswith("parked: it made no progress for 1 s in holding")
    with database.read() as session:
        assert " in trouble" in runs.lines(session, stuck)[-1].text
    assert workers.lines("starts").count(stuck) == 1 and not any((workers.folder / "stacks").iterdir())


@pytest.mark.slow
def test_a_cancelled_job_that_hangs_ends_with_its_worker_and_the_next_goes_on(database, project_id, workers):
    stuck, after = queue(database, project_id, kind="ingest", trouble="hang"), queue(database, project_id, steps=1)
    process = workers.start(stalled=0)
    wait_for(lambda: run_of(database, stuck).progress.get("phase") == "warping", what="the hang", every=0.05)
    with database.write() as session:
        assert jobs.cancel(session, stuck)
    assert process.wait(timeout=PATIENCE) == ENDED_ITSELF
    assert run_of(database, stuck).state is RunState.cancelled
    workers.start()
    wait_over(database, after)
    assert workers.lines("starts") == [stuck, after] and not any((workers.folder / "stacks").iterdir())


@pytest.mark.slow
def test_a_job_that_gets_on_or_stops_by_itself_is_none_of_the_watchdogs_business(database, project_id, workers):
    long, cancelled = queue(database, project_id, steps=60), queue(database, project_id, steps=600)
    process = workers.start(stalled=3)
    wait_over(database, long)
    wait_for(lambda: run_of(database, cancelled).progress.get("done", 0) > 2, what="some progress", every=0.05)
    with database.write() as session:
        assert jobs.cancel(session, cancelled)
    last = queue(database, project_id, steps=1)
    wait_over(database, last)
    assert run_of(database, cancelled).state is RunState.cancelled and process.poll() is None
    assert run_of(database, long).state is RunState.done


def test_cancelling_ends_whatever_it_is_within_5_s_of_the_click():
    assert 2 * LOOK + GRACE + 1 <= 5.0  # a look that sees it, one that sees the grace over, a second for the write


@pytest.mark.slow
def test_a_worker_is_seen_while_it_lives_and_not_after(database, project_id, workers):
    assert not jobs.worker_lives(database, wait=1.5)
    process = workers.start()
    wait_for(lambda: jobs.worker_lives(database), what="a heartbeat", every=0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not jobs.worker_lives(database)
