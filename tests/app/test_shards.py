"""A large scoring request in shards: the same rows whoever scores them, each once, whatever dies on the way."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app import jobs, parts
from app.jobs import InParts
from app.ledger import begin
from app.processes import ENDED_ITSELF
from app.services.context import open_context
from app.services.ingest import ingest_source
from app.services.score import request_scoring
from app.worker.loop import handlers
from app.worker.shards import name_of, read, score_part
from storage import runs, scores, shards, versions
from storage.blobs import path_of
from storage.errors import NotFound
from storage.models import ACTIVE, Image, Run, RunState, Score
from storage.shards import Shard, ShardState
from tests.app.conftest import ENGINEER, part, settings_in
from tests.patience import PATIENCE, RUN, wait_for

MANY = 400  # make soak-shards: 4,000
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def trained(trained):
    """The trained project of the other tests, with shards of four."""
    return replace(trained, settings=replace(trained.settings, shard=4))


@pytest.fixture
def pool(trained, tmp_path):
    """The trained project with ten more parts; the run that asks for them."""
    return asked(trained, tmp_path, 10)


def asked(context, folder, count):
    (folder / "more").mkdir()
    for number in range(count):
        (folder / "more" / f"{number}.png").write_bytes(part(5000 + number, scratch=number % 3 == 0))
    ingest_source(context, ENGINEER, "tile", folder / "more", content="unknown")
    return request_scoring(context, ENGINEER, "tile")


def cut(context, run_id):
    """What the worker does first with the run."""
    job = begin(context.database, run_id)
    with pytest.raises(InParts):
        handlers(context)["score"](job)


def do(context, run_id, number):
    held = parts.begin(context.database, run_id, number)
    if held is not None:
        score_part(context, held)
    return held


def run_of(context, run_id):
    with context.database.read() as session:
        return runs.run(session, run_id)


def shard_of(context, run_id, number):
    with context.database.read() as session:
        return session.get_one(Shard, (run_id, number))


def rows_of(context):
    """Every scored image by its content: all that a row says."""
    with context.database.read() as session:
        query = select(Image.sha256, Score).join(Image, Image.id == Score.image_id)
        return {
            sha: (row.score, row.distance, row.standing, row.maps, row.margin, row.novelty, row.descriptor)
            for sha, row in session.execute(query)
        }


def test_a_request_is_cut_once_and_ends_with_its_last_shard(trained, pool):
    cut(trained, pool)
    cut(trained, pool)  # an attempt that was taken over
    with trained.database.read() as session:
        assert [(n, s) for s, n in shards.due(session, limit=9)] == [(0, pool), (1, pool), (2, pool)]
    for number in (2, 0):
        assert do(trained, pool, number) is not None
    run = run_of(trained, pool)
    assert run.state is RunState.running and (run.progress["done"], run.progress["total"]) == (6, 10)
    assert do(trained, pool, 1) and do(trained, pool, 1) is None
    assert run_of(trained, pool).state is RunState.done
    assert len(rows_of(trained)) == 32  # 22 had a score before


def test_a_shard_and_a_plain_run_write_the_same_rows(trained, pool, tmp_path):
    shutil.copytree(trained.settings.home, tmp_path / "plain")
    plain = open_context(settings_in(tmp_path / "plain"))
    cut(trained, pool)
    for number in range(3):
        do(trained, pool, number)
    handlers(plain)["score"](begin(plain.database, pool))
    assert rows_of(trained) == rows_of(plain)
    plain.database.dispose()


def test_a_stored_result_is_found_by_name_and_a_damaged_one_is_made_again(trained, pool):
    cut(trained, pool)
    with trained.database.read() as session:
        version = versions.deciding_version(session, 1)
        held = session.get_one(Shard, (pool, 0))
        mine = shards.images_in(session, held, 1)
    name = name_of(version.checkpoint, mine)
    with pytest.raises(NotFound):
        read(trained, name)
    do(trained, pool, 0)
    before, path = read(trained, name), trained.settings.home / "objects" / name
    with trained.database.write() as session:  # as if its worker had died before the rows were written
        session.get_one(Shard, (pool, 0)).state = ShardState.waiting
    path.write_bytes(path.read_bytes()[:-9] + b"tampered\n")
    do(trained, pool, 0)
    assert read(trained, name) == before and [row.image_id for row in before] == [image.id for image in mine]


def test_a_stored_result_whose_maps_were_tidied_away_is_made_again(trained, pool):
    """Its request was cancelled before its rows: nothing named the maps, and the next request finds the result."""
    cut(trained, pool)
    do(trained, pool, 0)
    with trained.database.write() as session:
        session.get_one(Shard, (pool, 0)).state = ShardState.waiting
        mine = shards.images_in(session, session.get_one(Shard, (pool, 0)), 1)
        (version,) = versions.versions(session, 1)
        wanted = {row.image_id: row.maps for row in scores.scores_of(session, version.id)}
    gone = wanted[mine[0].id]
    assert trained.blobs.discard(path_of(gone), before=trained.blobs.clock() + timedelta(minutes=1))
    do(trained, pool, 0)
    assert trained.blobs.exists(gone) and trained.blobs.get(gone)


def test_a_replaced_attempt_writes_nothing(trained, pool):
    cut(trained, pool)
    frozen = parts.begin(trained.database, pool, 0)
    fresh = parts.begin(trained.database, pool, 0)
    assert frozen.cancelled() and not fresh.cancelled()
    parts.finish(frozen, lambda _: pytest.fail("a frozen worker's rows"))
    assert (fresh.attempt, run_of(trained, pool).progress["done"]) == (2, 0)


def test_a_shard_that_kills_its_worker_three_times_is_parked_and_the_others_go_on(trained, pool):
    cut(trained, pool)
    for _ in range(3):
        assert parts.begin(trained.database, pool, 1)
    assert parts.begin(trained.database, pool, 1) is None
    for number in (0, 2):
        do(trained, pool, number)
    run = run_of(trained, pool)
    assert run.state is RunState.failed and run.error.startswith("1 of 3 shards could not be scored")
    assert "its worker died 3 times" in run.error
    again = request_scoring(trained, ENGINEER, "tile")
    handlers(trained)["score"](begin(trained.database, again))  # what is missing fits one shard: scored at once
    assert len(rows_of(trained)) == 32


@pytest.mark.slow
@pytest.mark.parametrize(("cancelled", "ends"), [(False, RunState.failed), (True, RunState.cancelled)])
def test_a_shard_that_hangs_ends_alone_with_its_worker(trained, pool, tmp_path, cancelled, ends):
    cut(trained, pool)
    command = [sys.executable, "-m", "tests.app.job_worker", trained.settings.database_url, str(tmp_path), "2"]
    worker = subprocess.Popen([*command, "0" if cancelled else "1"], cwd=ROOT)
    try:
        if cancelled:
            state = lambda: shard_of(trained, pool, 0).state  # noqa: E731
            wait_for(lambda: state() is ShardState.running, what="a shard to begin", every=0.05)
            with trained.database.write() as session:
                assert jobs.cancel(session, pool)
        assert worker.wait(PATIENCE) == ENDED_ITSELF
    finally:
        worker.kill()
        worker.wait()
    assert shard_of(trained, pool, 0).state is (ShardState.cancelled if cancelled else ShardState.parked)
    parts.close_cancelled(trained.database)
    for number in (1, 2):
        do(trained, pool, number)
    run = run_of(trained, pool)
    assert run.state is ends
    assert cancelled or "made no progress for 1 s in shard 0" in run.error


def test_a_cancelled_request_stops_and_goes_on_with_the_next_one(trained, pool):
    cut(trained, pool)
    do(trained, pool, 0)
    working = parts.begin(trained.database, pool, 1)
    with trained.database.write() as session:
        assert jobs.cancel(session, pool)
    parts.close_cancelled(trained.database)
    assert run_of(trained, pool).state is RunState.cancelling  # one is still being worked on
    assert not parts.stopped(working)
    assert run_of(trained, pool).state is RunState.cancelled
    assert parts.begin(trained.database, pool, 2) is None and len(rows_of(trained)) == 26


def test_an_orderly_stop_gives_a_shard_back_uncounted(trained, pool):
    cut(trained, pool)
    assert parts.stopped(parts.begin(trained.database, pool, 0))
    assert parts.begin(trained.database, pool, 0).attempt == 1


def test_a_shard_given_back_from_outside_is_uncounted_and_its_last_attempt_writes_nothing(trained, pool):
    cut(trained, pool)
    stopped = parts.begin(trained.database, pool, 0)
    parts.give_back(trained.database, pool, 0)
    parts.finish(stopped, lambda _: pytest.fail("rows of a process that was to be gone"))
    assert parts.begin(trained.database, pool, 0).attempt == 1
    do(trained, pool, 1)
    parts.give_back(trained.database, pool, 1)  # done meanwhile
    assert parts.begin(trained.database, pool, 1) is None


def test_a_second_request_leaves_open_shards_alone(trained, pool, tmp_path):
    cut(trained, pool)
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "one.png").write_bytes(part(9000))
    ingest_source(trained, ENGINEER, "tile", tmp_path / "late", content="unknown")
    second = request_scoring(trained, ENGINEER, "tile")
    assert second != pool
    handlers(trained)["score"](begin(trained.database, second))
    assert len(rows_of(trained)) == 23


@pytest.mark.slow
def test_many_images_by_two_workers_of_which_one_is_killed_are_as_by_one(trained_home, tmp_path):
    count = int(os.environ.get("SHARDED_IMAGES", MANY))
    shard = min(250, count // 10)
    shutil.copytree(trained_home, tmp_path / "one")
    context = open_context(replace(settings_in(tmp_path / "one"), shard=shard))
    run_id = asked(context, tmp_path, count)
    context.database.dispose()
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    undisturbed = finished(tmp_path / "one", run_id, workers=1, kill=False, shard=shard)
    disturbed = finished(tmp_path / "two", run_id, workers=2, kill=True, shard=shard)
    assert len(disturbed) == 22 + count and disturbed == undisturbed


def finished(home, run_id, *, workers, kill, shard):
    """All rows after real workers, each with a home of its own, ended the run; with a kill in the middle of a shard."""
    context, processes = open_context(settings_in(home)), []

    def start():
        own = home.parent / f"{home.name}-worker-{len(processes)}"
        environment = {
            **os.environ, "BGAD_HOME": str(own), "BGAD_DATABASE_URL": context.settings.database_url,
            "BGAD_OBJECTS_URL": context.settings.objects_url, "BGAD_SHARD": str(shard), "BGAD_THREADS": "1",
            "BGAD_DEVICE": "cpu",
        }  # fmt: skip
        processes.append(subprocess.Popen([sys.executable, "-m", "app", "worker"], env=environment, cwd=ROOT))

    try:
        for _ in range(workers):
            start()
        if kill:  # in the middle of a shard
            begun = lambda: run_of(context, run_id).progress.get("done", 0) > shard  # noqa: E731
            wait_for(begun, what="the first shard's end", seconds=RUN)
            processes[0].send_signal(signal.SIGKILL)
            start()
        ended = lambda: run_of(context, run_id).state not in ACTIVE  # noqa: E731
        wait_for(ended, what=lambda: f"the run to end: {run_of(context, run_id).progress}", seconds=RUN)
        run = run_of(context, run_id)
        assert run.state is RunState.done, run.error
        with context.database.read() as session:
            states = list(session.scalars(select(Shard.state).where(Shard.run_id == run_id)))
            taken = list(session.scalars(select(Shard.attempts).where(Shard.run_id == run_id)))
            assert session.scalars(select(Run.id).where(Run.state.in_(ACTIVE))).all() == []
        assert set(states) == {ShardState.done} and sum(taken) <= len(taken) + (workers - 1)
        return rows_of(context)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        context.database.dispose()
