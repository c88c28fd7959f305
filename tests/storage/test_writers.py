"""Many writers at once, and writers that are killed: what was acknowledged is there."""

import os
import signal
import subprocess
import sys
import threading
import time

from sqlalchemy import func, select

from storage.models import Annotation, Verdict
from tests.storage.seeds import A_MASK, a_project, an_image, say

WRITERS, LABELS = 6, 25

KILLED = """
import sys
from storage.database import Database
from storage import images
from storage.models import Verdict
from tests.storage.seeds import A_MASK, say
database = Database(sys.argv[1])
for image_id in map(int, sys.argv[2].split(",")):
    with database.write() as session:
        say(session, images.image(session, image_id), Verdict.defect, mask=A_MASK)
    print(image_id, flush=True)
"""


def seeded(database, count):
    with database.write() as session:
        project = a_project(session)
        return [an_image(session, project, number) for number in range(count)]


def test_writers_side_by_side_lose_nothing_and_are_never_locked_out(database):
    pool = seeded(database, WRITERS * LABELS)
    errors = []

    def write(mine):
        for image in mine:
            try:
                with database.write() as session:
                    say(session, image, Verdict.normal, mask=A_MASK)
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=write, args=(pool[n::WRITERS],)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == len(pool)


def test_a_killed_writer_keeps_what_it_acknowledged(database, database_url):
    pool = seeded(database, 400)
    ids = ",".join(str(image.id) for image in pool)
    process = subprocess.Popen([sys.executable, "-c", KILLED, database_url, ids], stdout=subprocess.PIPE, text=True)
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.communicate()[0].split("\n")[:-1]]
    with database.read() as session:
        kept = set(session.scalars(select(Annotation.image_id)))
        assert set(acknowledged) <= kept and len(kept) <= len(acknowledged) + 1
        if database.is_sqlite:
            assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
