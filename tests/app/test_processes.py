"""The parent of web server and worker: it restarts what dies, aloud, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.processes import GIVE_UP
from tests.patience import PATIENCE, wait_for
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture
def serving():
    """(process, pid of the web child, pid of the worker child) once the web child answers."""
    command = [sys.executable, "-m", "tests.app.tiny_serve", str(free_port())]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    word, web, worker = process.stdout.readline().split()
    assert word == "ready"
    yield process, int(web), int(worker)
    process.kill()
    process.wait()
    process.stdout.close()


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie that waits for its parent does not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    return bool(int(caught, 16) >> (number - 1) & 1)


def children_of(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def wait_gone(*pids: int) -> None:
    wait_for(lambda: not any(alive(pid) for pid in pids), what=f"the end of {pids}")


def test_a_child_that_dies_is_started_again_aloud(serving):
    process, web, worker = serving
    os.kill(worker, signal.SIGKILL)
    assert "the worker was killed by signal 9; it starts again in 1 s" in process.stdout.readline()
    wait_for(lambda: children_of(process.pid) - {web, worker}, what="another worker")
    assert process.poll() is None and alive(web)


def test_a_worker_that_ended_itself_with_a_job_that_hung_starts_again_however_often(serving):
    process, web, worker = serving
    for _ in range(GIVE_UP):
        wait_for(lambda worker=worker: catches(worker, signal.SIGUSR1), what="the worker to be up", every=0.05)
        os.kill(worker, signal.SIGUSR1)
        assert "the worker ended itself together with a job that hung; it starts again" in process.stdout.readline()
        (worker,) = wait_for(lambda old=worker: children_of(process.pid) - {web, old}, what="another worker")
    assert process.poll() is None and alive(web)


def test_children_are_stopped_with_their_parent(serving):
    process, web, worker = serving
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=PATIENCE) == 0
    wait_gone(web, worker)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_a_parent_that_is_killed_leaves_no_orphans(serving):
    process, web, worker = serving
    process.kill()
    process.wait()
    wait_gone(web, worker)
