"""The parent of web server and worker: it restarts what dies, aloud, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
