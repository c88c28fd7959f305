"""`make bench-shards`: images a second with one and two workers, and what cutting a request into shards costs.

Small parts and the tiny built-in backbone: the less an image costs, the more a shard's own work weighs, so a real
model's share is smaller than the one found here. The first half takes one shard apart in this process: cutting,
claiming, loading the model, sealing, reading back, writing rows. The last line is JSON.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from app import parts
from app.jobs import InParts
from app.ledger import begin
from app.outbox import beats_of
from app.services.context import Context, open_context
from app.services.ingest import create_project, ingest_source
from app.services.score import request_scoring
from app.worker import shards as work
from app.worker.loop import handlers
from storage import runs, shards
from storage.models import ACTIVE, RunState
from tests.app.conftest import ENGINEER, part, settings_in, train, write_tree

ROOT = Path(__file__).resolve().parents[1]


def pool(folder: Path, count: int) -> Path:
    """A home with a trained version and `count` images that it has not scored."""
    context = open_context(settings_in(folder / "home"))
    slug = create_project(context, ENGINEER, name="tile", built_in=True, size=64).slug
    ingest_source(context, ENGINEER, slug, write_tree(folder / "tree", normals=10, held_normals=3, held_defects=3))
    train(context, slug)
    (folder / "parts").mkdir()
    for number in range(count):
        (folder / "parts" / f"{number:05d}.png").write_bytes(part(5000 + number, scratch=number % 3 == 0))
    ingest_source(context, ENGINEER, slug, folder / "parts", content="unknown")
    context.database.dispose()
    return folder / "home"


class Clock:
    """Seconds spent in functions, by what they are for."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def call(self, what: str, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        started = time.perf_counter()
        try:
            return act(*given, **more)
        finally:
            self.spent[what] = self.spent.get(what, 0.0) + time.perf_counter() - started

    def watch(self, owner: Any, name: str, what: str) -> None:
        """Time a function wherever its module calls it."""
        act = getattr(owner, name)
        setattr(owner, name, wraps(act)(lambda *given, **more: self.call(what, act, *given, **more)))

    def watch_steps(self, owner: Any, name: str, what: str) -> None:
        """Time what a generator does between its items."""
        act = getattr(owner, name)

        def stepped(*given: Any, **more: Any) -> Iterator[Any]:
            made = act(*given, **more)
            while (item := self.call(what, next, made, None)) is not None:
                yield item

        setattr(owner, name, stepped)


def apart(context: Context, clock: Clock) -> tuple[float, int]:
    """(seconds in all, shards) of a request that this process scores alone."""
    clock.watch_steps(work, "batches", "work: reading, scoring, storing maps")
    clock.watch(work, "load_model", "load the model")
    clock.watch(work, "name_of", "name the result")
    clock.watch(context.blobs, "create", "seal and store the result")
    clock.watch(context.blobs, "read", "read it back by its digest")
    clock.watch(work, "references_of", "labelled references")
    clock.watch(work, "finish", "write the rows, close the shard")
    run_id = request_scoring(context, ENGINEER, "tile")
    started = time.perf_counter()
    job = begin(context.database, run_id)
    assert job is not None
    with contextlib.suppress(InParts):
        clock.call("cut", handlers(context)["score"], job)
    with context.database.read() as session:
        numbers = [number for _, number in clock.call("find what is next", shards.due, session, limit=32)]
    for number in numbers:
        held = clock.call("claim", parts.begin, context.database, run_id, number)
        work.score_part(context, held)
    total = time.perf_counter() - started
    with context.database.read() as session:
        run = runs.run(session, run_id)
        assert run is not None and run.state is RunState.done, run and run.error
    return total, len(numbers)


def rate(home: Path, count: int, *, workers: int, shard: int) -> float:
    """Images a second of real workers of one thread each, from the request's start to its end."""
    context, processes = open_context(settings_in(home)), []
    environment = {
        **os.environ, "BGAD_DATABASE_URL": context.settings.database_url, "BGAD_SHARD": str(shard),
        "BGAD_OBJECTS_URL": context.settings.objects_url, "BGAD_THREADS": "1", "BGAD_DEVICE": "cpu",
    }  # fmt: skip
    try:
        for number in range(workers):
            own = {**environment, "BGAD_HOME": str(home.parent / f"{home.name}-{number}")}
            processes.append(subprocess.Popen([sys.executable, "-m", "app", "worker"], env=own, cwd=ROOT))
        while len(beats_of(context.database)) < workers:
            time.sleep(0.2)
        run_id = request_scoring(context, ENGINEER, "tile")
        while True:
            with context.database.read() as session:
                run = runs.run(session, run_id)
            assert run is not None
            if run.state not in ACTIVE:
                break
            time.sleep(0.2)
        assert run.state is RunState.done and run.started_at and run.finished_at, run.error
        return count / (run.finished_at - run.started_at).total_seconds()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        context.database.dispose()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--shard", type=int, default=4096)
    options.add_argument("--shards", type=int, default=2)
    given = options.parse_args()
    count = given.shard * given.shards
    with tempfile.TemporaryDirectory(prefix="bgad-bench-") as name:
        folder = Path(name)
        home = pool(folder, count)
        for copy in ("apart", "one", "two"):
            shutil.copytree(home, folder / copy)
        context, clock = open_context(replace(settings_in(folder / "apart"), shard=given.shard)), Clock()
        total, made = apart(context, clock)
        context.database.dispose()
        for what, seconds in sorted(clock.spent.items(), key=lambda item: -item[1]):
            print(f"{what:40} {seconds:8.3f} s  {100 * seconds / total:6.2f} %")
        worked = next(seconds for what, seconds in clock.spent.items() if what.startswith("work"))
        print(f"{made} shards of {given.shard}: {total:.1f} s, beside the work {total - worked:.2f} s", flush=True)
        one = rate(folder / "one", count, workers=1, shard=given.shard)
        two = rate(folder / "two", count, workers=2, shard=given.shard)
    figures = {"images": count, "shard": given.shard, "overhead_percent": 100 * (total - worked) / worked}
    figures |= {"one_worker_per_s": one, "two_workers_per_s": two, "gain": two / one}
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
