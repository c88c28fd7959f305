"""Shards on Ray Data: the rows are those of the job queue, also when one of Ray's machines is killed on the way."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app.services.contamination import request_contamination
from app.services.context import open_context
from storage.models import ACTIVE, RunState
from storage.shards import Shard, ShardState
from tests.app.conftest import ENGINEER, settings_in
from tests.app.test_shards import ROOT, asked, finished, rows_of, run_of
from tests.patience import PATIENCE, RUN, wait_for
from tests.ports import free_port

COUNT = int(os.environ.get("SHARDED_IMAGES", "200"))
SHARD = min(250, COUNT // 10)
pytestmark = pytest.mark.slow


class Cluster:
    """A head without room for work, and machines with room for one shard each: all on this machine."""

    def __init__(self, logs, **environment):
        self.port, self.processes, self.logs = free_port(), [], logs
        self.folder = tempfile.mkdtemp(prefix="ray-")  # a socket's path has 107 bytes at most
        self.environment = {
            **os.environ,
            **environment,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_health_check_period_ms": "500",  # a dead machine is missed after seconds, not half a minute
            "RAY_health_check_failure_threshold": "4",
            "BGAD_RAY_ADDRESS": f"127.0.0.1:{self.port}",
        }
        self.ray(
            "--head", "--num-cpus=0", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"
        )
        wait_for(self.listens, what=lambda: f"Ray's head: {self.log(0)}")

    def machine(self):
        return self.ray(f"--address=127.0.0.1:{self.port}", "--num-cpus=1")

    def ray(self, *options):
        given = ("--block", "--node-ip-address=127.0.0.1", "--object-store-memory=100000000")
        return self.run("ray", "start", *given, *options)

    def worker(self, *options):
        return self.run("python", "-m", "app", "worker", *options)

    def run(self, program, *arguments):
        path = Path(sys.executable).parent / program
        with (self.logs / f"{len(self.processes)}.log").open("ab") as log:
            given = {"env": self.environment, "cwd": ROOT, "stdout": log, "stderr": log, "start_new_session": True}
            self.processes.append(subprocess.Popen([path, *arguments], **given))
        return self.processes[-1]

    def log(self, number):
        return (self.logs / f"{number}.log").read_text(errors="replace")[-2000:]

    def logs_of_all(self):
        return "\n\n".join(f"{number}.log\n{self.log(number)}" for number in range(len(self.processes)))

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self):
        for process in self.processes:
            kill(process)
        shutil.rmtree(self.folder, ignore_errors=True)


def kill(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_rows_are_those_of_the_queue_when_a_machine_and_the_driver_are_killed(trained_home, tmp_path):
    shutil.copytree(trained_home, tmp_path / "one")
    context = open_context(replace(settings_in(tmp_path / "one"), shard=SHARD))
    run_id = asked(context, tmp_path, COUNT)
    context.database.dispose()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    undisturbed = finished(tmp_path / "one", run_id, workers=1, kill=False, shard=SHARD)
    context = open_context(settings_in(tmp_path / "two"))
    settings = {"BGAD_HOME": str(tmp_path / "two"), "BGAD_SHARD": str(SHARD), "BGAD_THREADS": "1"}
    cluster = Cluster(tmp_path, BGAD_DEVICE="cpu", **settings)
    try:
        cluster.worker()
        held = wait_for(lambda: shards_of(context, run_id), what="the run to be cut")
        machine = cluster.machine()
        assert {shard.state for shard in held} == {ShardState.waiting}
        asked_since = request_contamination(context, ENGINEER, "tile")
        wait_for(lambda: over(context, asked_since), what="the worker to do what was asked for since")
        assert {shard.state for shard in shards_of(context, run_id)} == {ShardState.waiting}  # workers leave them alone
        driver = cluster.worker("--ray")
        when_scored(context, run_id, 2 * SHARD)
        kill(machine)
        cluster.machine()
        when_scored(context, run_id, COUNT // 3)
        driver.terminate()
        assert driver.wait(timeout=PATIENCE) == 0, cluster.logs_of_all()
        driver = cluster.worker("--ray")
        when_scored(context, run_id, 2 * COUNT // 3)
        kill(driver)
        driver = cluster.worker("--ray", "--until", run_id)
        run = wait_for(lambda: over(context, run_id), seconds=RUN, what="the run to end")
        assert run.state is RunState.done, run.error
        assert driver.wait(timeout=PATIENCE) == 0, cluster.logs_of_all()
        held = shards_of(context, run_id)
        assert {shard.state for shard in held} == {ShardState.done} and len(held) == -(-COUNT // SHARD)
        assert sum(shard.attempts for shard in held) <= len(held) + 2  # what the killed machine and driver had begun
        assert rows_of(context) == undisturbed
    finally:
        cluster.close()
        context.database.dispose()


def shards_of(context, run_id):
    with context.database.read() as session:
        return list(session.scalars(select(Shard).where(Shard.run_id == run_id)))


def when_scored(context, run_id, images):
    scored = lambda: run_of(context, run_id).progress.get("done", 0) >= images  # noqa: E731
    wait_for(scored, seconds=RUN, every=0.1, what=f"{images} images to be scored")


def over(context, run_id):
    run = run_of(context, run_id)
    return None if run.state in ACTIVE else run


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "BGAD_RAY_ADDRESS is not set"),
        ({"BGAD_RAY_ADDRESS": "auto", "RAY_AUTH_MODE": "disabled"}, "RAY_AUTH_MODE=token"),
        ({"BGAD_RAY_ADDRESS": "auto", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}, "auto cannot be used"),
    ],
)
def test_what_is_missing_for_ray_is_said_in_a_sentence(tmp_path, environment, sentence):
    command = [sys.executable, "-m", "app", "worker", "--ray"]
    given = {**os.environ, "BGAD_HOME": str(tmp_path / "home"), "RAY_TMPDIR": str(tmp_path), **environment}
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and sentence in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_cluster_whose_machines_cannot_score_is_said_in_a_sentence(trained_home, tmp_path):
    shutil.copytree(trained_home, tmp_path / "home")
    context = open_context(replace(settings_in(tmp_path / "home"), shard=SHARD))
    run_id = asked(context, tmp_path, 2 * SHARD)
    settings = {"BGAD_HOME": str(tmp_path / "home"), "BGAD_SHARD": str(SHARD), "BGAD_THREADS": "1"}
    cluster = Cluster(tmp_path, BGAD_DEVICE="cpu", **settings)
    try:
        cluster.worker()
        wait_for(lambda: shards_of(context, run_id), what="the run to be cut")
        cluster.environment["BGAD_THREADS"] = "none"
        cluster.machine()
        cluster.environment["BGAD_THREADS"] = "1"
        assert cluster.worker("--ray").wait(timeout=PATIENCE) == 1
        said = (tmp_path / "3.log").read_text()
        assert said.count("Ray gave up a round") == 2 and "BGAD_THREADS is 'none'" in said.splitlines()[-1], said
        assert {shard.state for shard in shards_of(context, run_id)} == {ShardState.waiting}
    finally:
        cluster.close()
        context.database.dispose()
