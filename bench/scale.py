"""`make bench-scale`: how each read of the queue, the gallery, the incoming page and the worker's poll grows.

From a hundredth of the rows to all of them, on a private PostgreSQL with its default settings. Rows are written by
the server (`bench/scale_rows.py`); the reads are the product's own. The last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.queue import p95
from bench.scale_rows import Pool, filled
from storage import annotations, pool, runs, scores, shards
from storage.database import Database
from storage.models import ACTIVE, Run, Standing, now
from storage.scores import KEYS, Narrow, Order
from tests.conftest import empty_postgresql
from tests.postgres import Cluster, binaries

Read = Callable[[Session, Pool], object]
DEEP = 0.5  # how far down a deep page lies, as a share of the order
PAGE = 120

SMALL: dict[str, Read] = {  # a page or a poll asks these: none may walk through all images
    "queue: likely defects": lambda s, p: pool.likely_defects(s, p.version_id, "ida", limit=40),
    "queue: near the boundary": lambda s, p: pool.near_the_boundary(s, p.version_id, "ida", limit=40),
    "queue: new kinds": lambda s, p: pool.new_kinds(s, p.version_id, "ida", limit=40),
    "queue: audit": lambda s, p: pool.audit(s, p.version_id, "ida", limit=40),
    "queue: label checks": lambda s, p: pool.label_checks(s, p.version_id, "ida", limit=40),
    "queue: last purposes": lambda s, p: annotations.latest_purposes(s, p.project_id, limit=24),
    "queue: waiting": lambda s, p: scores.count_waiting(s, p.version_id, Standing.defect),
    "queue: unscored": lambda s, p: scores.count_new(s, p.version_id, p.project_id),
    "jobs: active": lambda s, p: s.scalars(select(Run.id).where(Run.state.in_(ACTIVE)).order_by(Run.created_at)).all(),
    "jobs: of a project": lambda s, p: runs.runs(s, p.project_id),
    "jobs: next shards": lambda s, p: shards.due(s, limit=4),
}
WHOLE: dict[str, Read] = {  # these read what they are about, and grow with it
    "incoming: 30 days": lambda s, p: scores.arrived(s, p.version_id, since=now() - timedelta(days=30)),
    "worker: count unscored": lambda s, p: scores.count_unscored(s, p.version_id, p.project_id),
    "worker: cut shards": lambda s, p: shards.plan(
        s, run_id="none", version_id=p.version_id, project_id=p.project_id, size=4096
    ),
    "review: by standing": lambda s, p: scores.counts_by_standing(s, p.version_id),
}


def pages(session: Session, made: Pool) -> dict[str, Read]:
    """The gallery's first page and one from the middle of the pool, by key, in each order; and the unlabelled ones."""
    found: dict[str, Read] = {}
    for order in KEYS:
        after = _middle(session, made, order)
        found[f"gallery {order}: first page"] = lambda s, p, order=order: _page(s, p, order, None)  # type: ignore[misc]
        found[f"gallery {order}: deep page"] = lambda s, p, order=order, after=after: _page(s, p, order, after)  # type: ignore[misc]
    unlabelled = Narrow(labelled=False)
    found["gallery unlabelled: first page"] = lambda s, p: scores.ranked(
        s, version_id=p.version_id, narrow=unlabelled, limit=PAGE
    )
    return found


def _page(session: Session, made: Pool, order: Order, after: scores.Cursor | None) -> object:
    return scores.ranked(session, version_id=made.version_id, order=order, limit=PAGE, after=after)


def _middle(session: Session, made: Pool, order: Order) -> scores.Cursor:
    if order == "newest":
        return float(int(made.rows * DEEP)), int(made.rows * DEEP)
    middling = 0.4 if order in ("abnormal", "calm") else 0.2  # about half of the drawn scores and distances
    return middling, 0


def measured(server: str, rows: int, times: int) -> dict[str, float]:
    """p95 in milliseconds of each read at a size; those that read everything are asked less often."""
    database = Database(empty_postgresql(server))
    database.upgrade()
    started = time.perf_counter()
    made = filled(database, rows)
    print(f"{rows:,} rows in {time.perf_counter() - started:.0f} s", flush=True)
    with database.read() as session:
        found = {**SMALL, **pages(session, made)}

        def ask(read: Read) -> object:
            with database.read() as fresh:
                return read(fresh, made)

        taken = {name: p95(lambda read=read: ask(read), times) for name, read in found.items()}  # type: ignore[misc]
        taken |= {name: p95(lambda read=read: ask(read), 3) for name, read in WHOLE.items()}  # type: ignore[misc]
    database.dispose()
    return taken


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--times", type=int, default=60)
    given = options.parse_args()
    programs = binaries()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed: run `make system`")
    cluster = Cluster(programs, fsync=False)
    cluster.start()
    try:
        small = measured(cluster.url, given.rows // 100, given.times)
        large = measured(cluster.url, given.rows, given.times)
    finally:
        cluster.close()
    for name in large:
        print(f"{name:34} {small[name]:10.2f} ms {large[name]:10.2f} ms  x {large[name] / small[name]:.1f}")
    figures = {name: [round(small[name], 2), round(large[name], 2)] for name in large}
    print(json.dumps({"rows": [given.rows // 100, given.rows], "p95_ms": figures}))


if __name__ == "__main__":
    main()
