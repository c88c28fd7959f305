"""`make bench-removal`: how long a project's rows take to go, and how long somebody who writes elsewhere waits for it.

Two projects of the same size, each image with a score; one is removed while a writer adds arrivals to the other, one
after the other, on SQLite and on a private PostgreSQL with its default settings. No files: rows alone. The last line
is JSON.
"""

import argparse
import hashlib
import json
import tempfile
import threading
import time
from pathlib import Path

from sqlalchemy import insert

from storage import images, references, removal
from storage.database import Database
from storage.models import Image, Score, Standing, now
from tests.conftest import empty_postgresql
from tests.postgres import Cluster, binaries
from tests.storage.seeds import a_project, a_version

BATCH = 5000


def fill(database: Database, name: str, count: int) -> int:
    """A project with `count` images and their scores under one version; its id."""
    with database.write() as session:
        project = a_project(session, name)
        version = a_version(session, project)
        arrival = images.start_ingest(session, project_id=project.id, source="bench", by="bench")
        first = (project.id - 1) * count + 1
        for start in range(0, count, BATCH):
            numbers = range(start, min(count, start + BATCH))
            common = {"width": 64, "height": 64, "held_out": False, "ingest_id": arrival.id, "created_at": now()}
            session.execute(
                insert(Image),
                [
                    {"id": first + n, "project_id": project.id, "name": f"{n}.png", **common}
                    | {column: _key(name, column, n) for column in ("sha256", "pixels", "thumb")}
                    for n in numbers
                ],
            )
            rest = {"standing": Standing.normal, "waiting": True, "descriptor": b"x" * 300}
            session.execute(
                insert(Score),
                [
                    {"version_id": version.id, "image_id": first + n, "maps": _key(name, "maps", n), **rest}
                    | {"score": n / count, "distance": n / count, "draw": n / count}
                    for n in numbers
                ],
            )
        return project.id


def _key(name: str, column: str, number: int) -> str:
    return hashlib.sha256(f"{name} {column} {number}".encode()).hexdigest()


def measured(url: str, count: int) -> dict[str, float]:
    """Seconds of each step, and of the longest wait of the writer beside it."""
    database = Database(url)
    database.upgrade()
    gone, kept = fill(database, "Gone", count), fill(database, "Kept", count)
    began = time.perf_counter()
    with database.read() as session:
        removal.counts(session, gone)
        alone = references.unnamed(session, removal.objects(session, gone), without=gone)
    said = time.perf_counter() - began
    assert len(alone) == 3 * count
    waits, stop = [0.0], threading.Event()
    writer = threading.Thread(target=_write, args=(url, kept, waits, stop))
    writer.start()
    time.sleep(0.5)
    began = time.perf_counter()
    with database.write() as session:
        removal.hold(session, gone)
        removal.remove(session, gone)
    removed = time.perf_counter() - began
    stop.set()
    writer.join()
    database.dispose()
    return {"saying what goes": said, "rows gone": removed, "longest wait of a writer elsewhere": max(waits)}


def _write(url: str, project_id: int, waits: list[float], stop: threading.Event) -> None:
    """A process of its own would do the same: its `Database` shares nothing with the other."""
    database = Database(url)
    while not stop.is_set():
        began = time.perf_counter()
        with database.write() as session:
            images.start_ingest(session, project_id=project_id, source="bench", by="bench")
        waits.append(time.perf_counter() - began)
        time.sleep(0.01)
    database.dispose()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=300_000, help="images of each of the two projects")
    rows = options.parse_args().rows
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        figures["sqlite"] = measured(f"sqlite:///{Path(folder) / 'bgad.db'}", rows)
    if (programs := binaries()) is not None:
        cluster = Cluster(programs, fsync=True)
        cluster.start()
        try:
            figures["postgresql"] = measured(empty_postgresql(cluster.url), rows)
        finally:
            cluster.close()
    for engine, steps in figures.items():
        for step, seconds in steps.items():
            print(f"{engine:12} {step:36} {seconds:8.2f} s")
    rounded = {engine: {step: round(s, 2) for step, s in steps.items()} for engine, steps in figures.items()}
    print(json.dumps({"rows": rows, "seconds": rounded}))


if __name__ == "__main__":
    main()
