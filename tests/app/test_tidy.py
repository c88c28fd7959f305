"""Tidying: what nothing needs goes, what anything needs stays, whoever writes beside it."""

import os
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.cli import main
from app.processes import environment_of
from app.services.errors import Refused
from app.services.ingest import request_ingest, stage_upload
from app.services.projects import create_project
from app.services.removal import remove_project
from app.services.retrain import request_retraining
from app.services.tidy import COPIES, FOLDERS, OBJECTS, RESULTS, UNFINISHED, UPLOADS, tidy
from app.services.trail import trail
from storage import images
from storage.blobs import path_of
from storage.models import Image, Run, RunState, now
from tests.app.conftest import ADMIN, ENGINEER, part
from tests.app.test_removal import files, readable

LONG_AGO = 1_700_000_000


def age(folder):
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (LONG_AGO, LONG_AGO))


def found(context, **how):
    return {tally.kind: tally.count for tally in tidy(context, ADMIN, **how)}


def test_what_a_killed_removal_left_is_said_and_then_collected(context, filled):
    filled("gone")
    filled("kept", normals=3, held_normals=0, held_defects=0)
    remove_project(context, ADMIN, "gone", confirm="gone")  # its files are minutes old: all of them wait
    assert found(context) == {}
    age(context.settings.home / "objects")
    assert found(context) == {OBJECTS: 18}
    assert len(files(context)) == 24, "saying deletes nothing"
    assert found(context, remove=True) == {OBJECTS: 18}
    assert len(files(context)) == 6 and readable(context, "kept") == 3
    assert found(context, remove=True) == {}
    (told,) = [entry for entry in trail(context, ADMIN) if entry.action == "tidy"]
    assert told.details[OBJECTS]["count"] == 18 and told.details[OBJECTS]["bytes"] > 1000


def test_a_trained_project_loses_nothing_to_it(trained):
    age(trained.settings.home)
    before = files(trained)
    assert OBJECTS not in found(trained, remove=True) and files(trained) == before


def test_leftovers_of_every_kind_are_found_and_what_is_awaited_is_not(context):
    create_project(context, ENGINEER, name="tile", built_in=True, size=64)
    home, store = context.settings.home, context.settings.home / "objects"
    orphan = context.blobs.put(b"named by nobody")
    context.blobs.create(f"shards/{'a' * 64}", b"rows")
    (store / "ab" / "cd").mkdir(parents=True)
    (store / "ab" / "cd" / f".{'b' * 64}.{'c' * 32}").write_bytes(b"half")
    stale = stage_upload(context, ENGINEER, [("1.png", part(1))])
    awaited = stage_upload(context, ENGINEER, [("2.png", part(2))])
    run_id = request_ingest(context, ENGINEER, "tile", awaited)
    with context.database.write() as session:  # asked for so long ago that what is old is older than this run too
        session.execute(update(Run).values(created_at=now() - timedelta(hours=3)))
    for name in (run_id, "0" * 36):
        (home / "runs" / name).mkdir(parents=True)
    (home / "cache" / orphan[:2]).mkdir(parents=True)
    (home / "cache" / orphan[:2] / orphan).write_bytes(b"named by nobody")
    age(home)
    once = {OBJECTS: 1, RESULTS: 1, UNFINISHED: 1, UPLOADS: 1, FOLDERS: 1, COPIES: 1}
    assert found(context) == once and found(context, remove=True) == once and found(context) == {}
    assert awaited.is_dir() and not stale.exists() and [path.name for path in (home / "runs").iterdir()] == [run_id]


def test_what_a_run_wrote_at_its_start_stays_until_the_run_ends(context, filled):
    """A retrain puts its maps hours before the one transaction that names them."""
    filled("tile")
    run_id = request_retraining(context, ENGINEER, "tile", preset="demo")
    with context.database.write() as session:
        session.execute(update(Run).values(created_at=now() - timedelta(hours=5), state=RunState.running))
    key = context.blobs.put(b"a map")
    four_hours_ago = time.time() - 4 * 3600
    os.utime(context.settings.home / "objects" / path_of(key), (four_hours_ago, four_hours_ago))
    assert found(context, remove=True) == {} and context.blobs.exists(key)
    with context.database.write() as session:
        session.get_one(Run, run_id).state = RunState.failed
    assert found(context, remove=True) == {OBJECTS: 1}


def test_a_writer_beside_it_keeps_what_it_named(context):
    """Old orphans are put again and named while tidy runs over and over: what was named is there, the rest is gone."""
    project = create_project(context, ENGINEER, name="tile", built_in=True, size=64)
    data = [part(number) for number in range(60)]
    keys = [context.blobs.put(each) for each in data]
    age(context.settings.home / "objects")
    errors, stop = [], threading.Event()

    def write():
        try:
            for number, each in enumerate(data[:40]):
                key = context.blobs.put(each)
                time.sleep(0.002)
                with context.database.write() as session:
                    arrival = images.start_ingest(session, project_id=project.id, source="x", by="ann")
                    images.add_image(
                        session, project_id=project.id, sha256=f"{number:064x}", pixels=key, thumb=key, name="x.png",
                        width=64, height=64, held_out=False, ingest_id=arrival.id,
                    )  # fmt: skip
        except Exception as error:
            errors.append(error)
        finally:
            stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    rounds = 0
    while not stop.is_set() or rounds < 2:
        tidy(context, ADMIN, remove=True)
        rounds += 1
    writer.join()
    assert errors == []
    with context.database.read() as session:
        named = session.scalars(select(Image.pixels)).all()
    assert len(named) == 40 and all(context.blobs.get(key) for key in named)
    assert not any(context.blobs.exists(key) for key in keys[40:])


def test_the_command_says_and_deletes_on_request(context, monkeypatch, capsys):
    for name, value in environment_of(context.settings).items():
        monkeypatch.setenv(name, value)
    assert main(["tidy"]) == 0 and "there is nothing" in capsys.readouterr().out
    context.blobs.put(b"named by nobody")
    age(context.settings.home / "objects")
    assert main(["tidy"]) == 0 and "nothing was deleted: say --remove" in capsys.readouterr().out
    assert main(["tidy", "--remove"]) == 0 and f"{OBJECTS}: 1" in capsys.readouterr().out
    assert main(["tidy", "--older-than", "0"]) == 1 and "too young" in capsys.readouterr().err
    with pytest.raises(Refused, match="give 0:10:00 or more"):
        tidy(context, ADMIN, older_than=timedelta(minutes=9))
