"""`kill -9`, cut connections, lost answers: what was acknowledged is there, once and whole."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from storage import images
from storage.database import Database
from storage.models import Annotation, DefectType, Verdict
from tests.conftest import ROOT, missing
from tests.patience import wait_for
from tests.postgres import Cluster, binaries
from tests.storage.seeds import A_MASK, a_project, an_image, say

SOAK = bool(os.environ.get("SOAK"))
WRITERS, POSTMASTERS = (240, 20) if SOAK else (10, 5)  # kills on each database, and of the PostgreSQL server itself
CUTS = 80


def seeded(database: Database, count: int) -> list[int]:
    with database.write() as session:
        project = a_project(session)
        return [an_image(session, project, number).id for number in range(count)]


def whole(database: Database, acknowledged: set[int], *, more: int) -> None:
    """All that was acknowledged is there with everything that belongs to it, and at most `more` beside it."""
    with database.read() as session:
        rows = session.scalars(select(Annotation)).all()
        types = set(session.scalars(select(DefectType.id)))
    kept = {row.image_id for row in rows}
    assert acknowledged <= kept and len(kept) <= len(acknowledged) + more and len(kept) == len(rows)
    assert all(row.mask == A_MASK and row.defect_type_id in types for row in rows)
    if database.is_sqlite:
        with database.read() as session:
            assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert session.connection().exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.slow
def test_killed_writers_lose_nothing_that_they_acknowledged(database, database_url):
    chance = random.Random(7)
    pool, acknowledged = seeded(database, WRITERS * 60), set()
    for kill in range(WRITERS):
        mine = pool[kill * 60 : kill * 60 + 60]
        command = [sys.executable, "-m", "tests.storage.saver", database_url, ",".join(map(str, mine))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        acknowledged |= {int(line) for line in process.communicate()[0].split("\n")[:-1]}
        whole(database, acknowledged, more=kill + 1)
    print(f"\n{WRITERS} kills, {len(acknowledged)} labels acknowledged, 0 lost")


@pytest.mark.slow
def test_a_killed_postgresql_server_loses_nothing_and_comes_back():
    if (programs := binaries()) is None:
        missing("PostgreSQL is not installed: run `make system`")
    cluster = Cluster(programs, fsync=True)
    cluster.start()
    database = Database(f"{cluster.url}/postgres")
    try:
        database.upgrade()
        pool, acknowledged, at = seeded(database, POSTMASTERS * 40), set(), 0
        for kill in range(POSTMASTERS):
            killer = threading.Timer(0.1 + 0.02 * (kill % 7), cluster.kill)
            killer.start()
            for at in range(kill * 40, kill * 40 + 40):
                try:
                    with database.write() as session:
                        image = images.image(session, pool[at])
                        say(session, image, Verdict.defect, defect_type="dent", mask=A_MASK)
                except DBAPIError:
                    break
                acknowledged.add(pool[at])
            killer.join()
            restarted(cluster)
            whole(database, acknowledged, more=kill + 1)
        assert acknowledged
        print(f"\n{POSTMASTERS} kills of the server, {len(acknowledged)} labels acknowledged, 0 lost")
    finally:
        database.dispose()
        cluster.close()


def restarted(cluster: Cluster) -> None:
    """Its children need a moment to notice; until then the new server is refused the old one's memory."""

    def started() -> bool:
        with suppress(AssertionError):
            cluster.start()
            return True
        return False

    wait_for(started, what="the killed server to come back", every=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has no connection that could be cut
def test_connections_that_are_cut_80_times_leave_exactly_the_rows_that_were_sent(database):
    """Each save is sent again under its own number until it is answered, also when only the answer was lost."""
    pool, stop, cuts = seeded(database, 60), threading.Event(), [0]
    cutter = Database(str(database.engine.url.render_as_string(hide_password=False)))
    mine = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND "

    def cut() -> None:
        while cuts[0] < CUTS and not stop.is_set():
            with cutter.read() as session:
                cuts[0] += session.execute(text(mine + "pid <> pg_backend_pid()")).scalar()
            time.sleep(0.01)

    thread = threading.Thread(target=cut)
    thread.start()
    sent, again, names = 0, 0, set()
    try:
        while sent < len(pool) or cuts[0] < CUTS:
            image_id, name, revision = pool[sent % len(pool)], uuid.uuid4().hex, sent // len(pool)
            names.add((image_id, name, revision + 1))
            told = sent % 3 != 0  # of every third save the first answer is lost: committed, and nobody was told
            while True:
                try:
                    with database.write() as session:
                        image = images.image(session, image_id)
                        say(session, image, Verdict.normal, client_id=name, revision=revision)
                    if told:
                        break
                    told = True
                except DBAPIError:
                    pass
                again += 1
            sent += 1
    finally:
        stop.set()
        thread.join()
        cutter.dispose()
    with database.read() as session:
        rows = session.execute(select(Annotation.image_id, Annotation.client_id, Annotation.revision)).all()
    assert {tuple(row) for row in rows} == names and len(rows) == len(names) == sent
    print(f"\n{cuts[0]} connections cut, {sent} labels sent, {again} sent again")
    assert cuts[0] >= CUTS and again > 0
