"""The parent of web server and worker: it restarts what dies, aloud, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def serving():
    """(process, pid of the web child, pid of the worker child) once the web child answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.app.tiny_serve", str(port)]
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


def wait_gone(*pids: int) -> None:
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{pids} are still there"
        time.sleep(0.05)


def test_a_child_that_dies_is_started_again_aloud(serving):
    process, _, worker = serving
    os.kill(worker, signal.SIGKILL)
    assert "the worker was killed by signal 9; it starts again in 1 s" in process.stdout.readline()
    time.sleep(2)
    assert process.poll() is None


def test_children_are_stopped_with_their_parent(serving):
    process, web, worker = serving
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    wait_gone(web, worker)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_a_parent_that_is_killed_leaves_no_orphans(serving):
    process, web, worker = serving
    process.kill()
    process.wait()
    wait_gone(web, worker)
