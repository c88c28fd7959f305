"""Backup and restore: what was confirmed is in it, what is damaged is found, and a restored project is the same."""

import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app.outbox import worker_lives
from app.services.backup import make_backup, verify_backup
from app.services.context import open_context
from app.services.ingest import ingest_source, request_ingest, stage_upload
from app.services.label import save_verdict
from app.services.restore import restore_backup
from app.services.retrain import request_retraining
from app.worker.loop import handlers
from storage import dump, images
from storage.database import Database
from storage.migrate import downgrade
from storage.models import Annotation, Base, Image, Project, Run, Verdict
from tests.app.conftest import ADMIN, ENGINEER, INSPECTOR, part, scratch_mask, settings_in, write_tree
from tests.conftest import ROOT, empty_postgresql
from tests.patience import wait_for

ROUNDS = 20 if os.environ.get("SOAK") else 1


def rows_of(database: Database) -> dict[str, list[bytes]]:
    with dump.snapshot(database) as connection:
        return {table.name: list(dump.lines(connection, table)) for table in dump.tables(connection)}


def objects_of(context) -> dict[str, bytes]:
    return {key: context.blobs.get(key) for key in context.blobs.all_keys()}


def elsewhere(context, tmp_path, url=None):
    """Settings of an installation that is not there yet."""
    home = tmp_path / f"elsewhere-{uuid.uuid4().hex[:6]}"
    database = url or f"sqlite:///{home / 'bgad.db'}"
    return replace(context.settings, home=home, database_url=database, objects_url=(home / "objects").as_uri())


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_restored_installation_has_the_same_rows_and_objects(context, filled, tmp_path, postgresql_server, target):
    slug = filled()
    with context.database.write() as session:
        image = images.images_for(session, 1)[0].id
    save_verdict(context, INSPECTOR, image, verdict=Verdict.defect, defect_type="scratch", mask_png=scratch_mask(),
                 client_id="c", expected_revision=1, score=0.1 + 0.2)  # fmt: skip
    request_retraining(context, ENGINEER, slug, preset="demo", reason="“ä”\n☃")
    before = rows_of(context.database)
    report = make_backup(context, ADMIN, tmp_path / "b.zip")
    assert report.missing == [] and report.rows == sum(map(len, before.values()))
    url = empty_postgresql(postgresql_server) if target == "postgresql" else None
    settings = elsewhere(context, tmp_path, url)
    restore_backup(settings, ADMIN, tmp_path / "b.zip")
    restored = open_context(settings)
    assert rows_of(restored.database) == before
    assert objects_of(restored) == objects_of(context)
    added = ingest_source(
        restored, ENGINEER, slug, write_tree(tmp_path / "more", normals=0, held_normals=0, held_defects=1)
    )
    assert added.duplicates == 1  # and its numbers go on where they stood
    with restored.database.write() as session:
        assert images.create_project(session, name="next", settings={}).id == 2
        assert session.scalar(select(Run.id).where(Run.result.is_(None)))  # nothing is nothing, not the word null
    restored.database.dispose()


def test_a_restored_project_scores_the_same(trained, tmp_path):
    from app.worker.folder import score_folder
    from storage import versions

    make_backup(trained, ADMIN, tmp_path / "b.zip")
    settings = settings_in(tmp_path / "again")
    restore_backup(settings, ADMIN, tmp_path / "b.zip")
    restored = open_context(settings)
    (tmp_path / "new").mkdir()
    for number in range(3):
        (tmp_path / "new" / f"{number}.png").write_bytes(part(9000 + number, scratch=number == 1))
    told = []
    for number, context in enumerate((trained, restored)):
        with context.database.read() as session:
            version = versions.deciding_version(session, 1)
        score_folder(context, version, tmp_path / "new", tmp_path / f"{number}.json")
        told.append((tmp_path / f"{number}.json").read_bytes())
    assert told[0] == told[1] and len(json.loads(told[0])["images"]) == 3
    restored.database.dispose()


@pytest.mark.slow
def test_backups_under_load_hold_everything_that_was_confirmed_before(context, filled, tmp_path):
    filled(normals=40)
    with context.database.read() as session:
        ids = list(session.scalars(select(Image.id)))
    confirmed: list[str] = []
    stop = threading.Event()

    def label(mine: list[int]) -> None:
        revision = 1
        while not stop.is_set():
            for image in mine:
                name = uuid.uuid4().hex
                save_verdict(
                    context, INSPECTOR, image, verdict=Verdict.normal, client_id=name, expected_revision=revision
                )
                confirmed.append(name)
            revision += 1

    threads = [threading.Thread(target=label, args=(ids[n::3],)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(ROUNDS):
            known = len(confirmed)
            wait_for(lambda known=known: len(confirmed) >= known + 10, what="ten more labels", every=0.05)
            there = list(confirmed)
            make_backup(context, ADMIN, tmp_path / f"{number}.zip")
            settings = elsewhere(context, tmp_path)
            restore_backup(settings, ADMIN, tmp_path / f"{number}.zip")
            restored = open_context(settings)
            with restored.database.read() as session:
                kept = set(session.scalars(select(Annotation.client_id)))
            restored.database.dispose()
            assert set(there) <= kept
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_an_upload_that_waits_is_brought_in_after_the_restore(context, filled, tmp_path):
    slug = filled()
    staged = stage_upload(context, ENGINEER, [("new.png", part(77))])
    run_id = request_ingest(context, ENGINEER, slug, staged, "unknown")
    make_backup(context, ADMIN, tmp_path / "b.zip")
    settings = elsewhere(context, tmp_path)
    restore_backup(settings, ADMIN, tmp_path / "b.zip")
    restored = open_context(settings)
    from app.ledger import begin

    handlers(restored)["ingest"](begin(restored.database, run_id))
    with restored.database.read() as session:
        assert session.scalar(select(Image.name).where(Image.name == "new.png"))
    restored.database.dispose()


def test_the_weights_of_a_project_come_along(context, filled, tmp_path):
    filled()
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"weights")
    with context.database.write() as session:
        project = session.get_one(Project, 1)
        project.settings = {**project.settings, "weights": str(weights), "built_in": False}
    make_backup(context, ADMIN, tmp_path / "b.zip")
    weights.unlink()
    settings = elsewhere(context, tmp_path)
    restore_backup(settings, ADMIN, tmp_path / "b.zip")
    restored = open_context(settings)
    with restored.database.read() as session:
        moved = session.get_one(Project, 1).settings["weights"]
    assert moved.startswith(str(settings.home)) and Path(moved).read_bytes() == b"weights"
    restored.database.dispose()


def test_objects_that_are_gone_or_damaged_are_named_and_the_rest_is_kept(context, filled, tmp_path):
    filled()
    with context.database.read() as session:
        first, second = images.images_for(session, 1)[:2]
    context.blobs.local_path(first.pixels, tmp_path).unlink()
    context.blobs.local_path(second.pixels, tmp_path).write_bytes(b"x")
    report = make_backup(context, ADMIN, tmp_path / "b.zip")
    assert set(report.missing) == {first.pixels, second.pixels} and report.objects == 2 * 12 - 2


def test_an_upgrade_keeps_the_rows_first(context, filled, tmp_path):
    filled()
    downgrade(context.database.engine, "0002")
    before = rows_of(context.database)
    again = open_context(context.settings)
    (made,) = (context.settings.home / "backups").iterdir()
    assert "from-0002" in made.name and verify_backup(made).revision == "0002"
    again.database.dispose()
    open_context(context.settings).database.dispose()
    assert len(list((context.settings.home / "backups").iterdir())) == 1  # no upgrade, no backup
    settings = elsewhere(context, tmp_path)
    shutil.copytree(context.settings.home / "objects", settings.home / "objects")
    restore_backup(settings, ADMIN, made)
    restored = open_context(settings)
    downgrade(restored.database.engine, "0002")
    assert rows_of(restored.database) == before
    restored.database.dispose()


@pytest.mark.slow
def test_the_job_engines_tables_stay_out(database, database_url, tmp_path):
    command = [sys.executable, "-m", "tests.app.job_worker", database_url, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: worker_lives(database), what="the worker to beat")
        process.terminate()
    with dump.snapshot(database) as connection:
        found = {table.name for table in dump.tables(connection)}
    assert found == set(Base.metadata.tables) - dump.PASSING
