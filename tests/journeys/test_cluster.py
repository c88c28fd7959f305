"""Several machines' worth of parts on one: 2 web servers, 3 workers, PostgreSQL, objects in a test double of S3.

Each is killed by `kill -9` again and again while people label and jobs run. `make soak-cluster` is the long form:
BGAD_CLUSTER_SECONDS and BGAD_CLUSTER_KILLS are the least of each, BGAD_CLUSTER_PEOPLE, and BGAD_SOAK_JOBS for jobs.
"""

import hashlib
import os
import time
from collections import Counter

import numpy as np
import pytest
from sqlalchemy import select

from app.ledger import MAX_ATTEMPTS
from app.services.accounts import create_account
from app.services.ingest import create_project, ingest_source
from storage import audit, typed_masks
from storage.audit_rows import AuditEntry
from storage.models import Annotation, Image, Project, Role, Run, RunState
from tests.app.conftest import ADMIN, ENGINEER, part
from tests.conftest import missing
from tests.journeys.conftest import PASSWORD
from tests.journeys.labeller import Labeller
from tests.journeys.product import Product, report
from tests.journeys.test_chaos import PROJECTS, active, asked, installation, outcomes, parts, same, undisturbed  # noqa: F401
from tests.patience import PATIENCE, RUN, wait_for
from tests.postgres import Cluster, binaries
from tests.s3_double import BUCKET, S3Double
from tests.storage.test_killed import restarted

SECONDS = int(os.environ.get("BGAD_CLUSTER_SECONDS", "20"))
KILLS = int(os.environ.get("BGAD_CLUSTER_KILLS", "8"))  # of web servers, workers and the database together
PEOPLE = int(os.environ.get("BGAD_CLUSTER_PEOPLE", "3"))
SEED = int(os.environ.get("BGAD_SOAK_SEED", "0"))
WEBS, WORKERS, EACH = 2, 3, 6
pytestmark = pytest.mark.slow


@pytest.fixture
def server():
    if (programs := binaries()) is None:
        missing("PostgreSQL is not installed: run `make system`")
    cluster = Cluster(programs, fsync=True)
    cluster.start()
    yield cluster
    cluster.close()


@pytest.fixture
def objects(tmp_path, monkeypatch):
    double = S3Double(tmp_path / "s3")
    for name, value in double.environment.items():
        monkeypatch.setenv(name, value)
    yield double
    double.kill()


class Parts:
    """Everything that can be killed, by name; what was killed is up again before the next one is."""

    def __init__(self, home, environment, server, objects):
        made = [Product(home, **environment) for _ in range(WEBS + WORKERS)]
        self.webs, self.workers, self.server, self.objects = made[:WEBS], made[WEBS:], server, objects
        self.killed = Counter()
        for product in self.webs:
            product.start("web")
        for product in self.workers:
            product.start("worker")

    def kill(self, what, rng):
        if what == "database":
            self.server.kill()
            restarted(self.server)
        elif what == "objects":
            self.objects.kill()
            time.sleep(rng.uniform(0, 1))
            self.objects.start()
        else:
            product = (self.webs if what == "web" else self.workers)[rng.integers(WEBS if what == "web" else WORKERS)]
            product.kill(what)
            product.start(what)
        self.killed[what] += 1

    def stop(self):
        for product in (*self.webs, *self.workers):
            product.stop()


def test_what_was_confirmed_is_there_and_every_job_ended_once(parts, undisturbed, server, objects, tmp_path):  # noqa: F811
    rng, url = np.random.default_rng(SEED), f"{server.url}/postgres"
    environment = {"BGAD_OBJECTS_URL": f"s3://{BUCKET}/cluster", "BGAD_DATABASE_URL": url}
    context = installation(tmp_path / "home", url, parts, BGAD_OBJECTS_URL=environment["BGAD_OBJECTS_URL"])
    images = line_of(context, tmp_path)
    cluster = Parts(tmp_path / "home", {**environment, "BGAD_THREADS": "1", "BGAD_DEVICE": "cpu"}, server, objects)
    people = [
        Labeller(f"p{n}", PASSWORD, [web.url for web in cluster.webs], own, seed=n) for n, own in enumerate(images)
    ]
    try:
        for each in people:
            each.start()
        for number in range(PROJECTS):
            asked(context, number, "retrain", parts)
        harass(cluster, context, rng, SECONDS / 2, KILLS // 2)
        settled(context)
        for number in range(PROJECTS):
            asked(context, number, "score", parts)
        harass(cluster, context, rng, SECONDS / 2, KILLS)
        settled(context)
        for each in people:
            each.stopping.set()
            each.join(timeout=PATIENCE)
    finally:
        cluster.stop()
    checked(context, people)
    vouched(context)
    assert server.check() == ""
    with context.database.read() as session:
        runs = list(session.scalars(select(Run).where(Run.kind.in_(["retrain", "score"]))))
    report(
        "cluster",
        {
            "killed": dict(cluster.killed),
            "labels confirmed": sum(len(each.told) for each in people),
            "lost": 0,
            "half-applied": 0,
            "people": PEOPLE,
            "sent again": sum(each.again for each in people),
            "attempts": dict(Counter(run.attempts for run in runs)),
            "seconds": SECONDS,
        },
    )
    assert Counter((run.kind, run.state) for run in runs) == {
        ("retrain", RunState.done): PROJECTS,
        ("score", RunState.done): PROJECTS,
    }
    same(outcomes(context), undisturbed)
    assert min(cluster.killed[what] for what in ("web", "worker", "database", "objects")) > 0
    context.database.dispose()


def line_of(context, folder):
    """A project that nobody trains, with parts for everybody: per person, image -> digest of what is shown."""
    create_project(context, ENGINEER, name="line", built_in=True, size=64)
    pool = folder / "line"
    pool.mkdir()
    for number in range(PEOPLE * EACH):
        (pool / f"{number:04d}.png").write_bytes(part(9000 + number))
    ingest_source(context, ENGINEER, "line", pool, content="unknown")
    for number in range(PEOPLE):
        create_account(context, ADMIN, name=f"p{number}", password=PASSWORD, role=Role.inspector)
    with context.database.read() as session:
        query = select(Image.id, Image.pixels).join(Project).where(Project.slug == "line").order_by(Image.id)
        rows = session.execute(query).all()
    return [dict(map(tuple, rows[n * EACH : n * EACH + EACH])) for n in range(PEOPLE)]


def harass(cluster, context, rng, seconds, kills):
    """Kill something every other second, so long and until so many are killed in all; at first one of each kind.

    A job that has lost a worker is spared: lost three times, it is parked.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until or sum(cluster.killed[what] for what in ("web", "worker", "database")) < kills:
        time.sleep(rng.uniform(0.5, 3))
        unhurt = [what for what in ("web", "worker", "database", "objects") if not cluster.killed[what]]
        what = str(rng.choice(unhurt or ["web", "worker", "worker", "database", "objects"]))
        if what == "worker" and any(run.attempts >= MAX_ATTEMPTS - 1 for run in active(context)):
            what = "web"
        cluster.kill(what, rng)


def settled(context):
    """Nothing is killed any more, and every job ends as it should."""
    wait_for(lambda: not active(context), seconds=RUN, what="the jobs to end")
    with context.database.read() as session:
        wrong = [run for run in session.scalars(select(Run)) if run.state is not RunState.done]
    assert not wrong, [(run.kind, run.state.name, run.attempts, run.error) for run in wrong]


def checked(context, people):
    """Each confirmed label is there once; whatever is there is whole: as it was sent, with every mask."""
    for each in people:
        assert not each.is_alive() and not each.wrong, (each.who, each.wrong[:3])
        assert each.told, f"{each.who} was never answered"
        with context.database.read() as session:
            rows = session.scalars(select(Annotation).where(Annotation.by == each.who)).all()
            typed = typed_masks.of_labels(session, [row.id for row in rows])
        kept = {row.client_id: row for row in rows}
        assert len(kept) == len(rows) and each.told.keys() <= kept.keys() <= each.sent.keys()
        assert all(kept[client_id].revision == revision for client_id, revision in each.told.items())
        for client_id, row in kept.items():
            said = each.sent[client_id]
            assert (row.image_id, row.verdict.name, row.mask) == (said.image, said.verdict, said.mask)
            found = typed.get(row.id, {})
            assert found.get("scratch") == said.scratch


def vouched(context):
    """The audit trail is unbroken, and tells of each label once, with the digests of its masks."""
    with context.database.write() as session:
        assert audit.verify(session).broken is None
        told = {}
        for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == "label")):
            key = entry.details["image"], entry.details["revision"]
            assert key not in told, f"{key} is told twice"
            told[key] = entry.details
        rows = session.scalars(select(Annotation).where(Annotation.by != "import")).all()
        typed = typed_masks.of_labels(session, [row.id for row in rows])
    assert len(told) == len(rows)
    for row in rows:
        details = told[row.image_id, row.revision]
        masks = {name: hashlib.sha256(png).hexdigest() for name, png in typed.get(row.id, {}).items()}
        assert details.get("mask") == (hashlib.sha256(row.mask).hexdigest() if row.mask else None)
        assert details.get("types", {}) == masks
