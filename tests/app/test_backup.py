"""Backup and restore: what was confirmed is in it, what is damaged is found, and a restored project is the same."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from app.services.authority import Actor, NotAllowed
from app.services.backup import make_backup, verify_backup
from app.services.context import UNFINISHED, open_context
from app.services.errors import Refused
from app.services.ingest import ingest_source, request_ingest, stage_upload
from app.services.label import save_verdict
from app.services.restore import restore_backup
from app.services.retrain import request_retraining
from app.worker.loop import handlers
from storage import dump, images
from storage.archive import DamagedArchive
from storage.database import Database
from storage.errors import StorageError
from storage.migrate import downgrade
from storage.models import Annotation, Base, Image, Project, Role, Run, Verdict
from tests.app.conftest import ADMIN, ENGINEER, INSPECTOR, part, scratch_mask, settings_in, write_tree
from tests.conftest import ROOT, empty_postgresql

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
            while len(confirmed) < known + 10:
                time.sleep(0.05)
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


@pytest.fixture
def small(tmp_path):
    """A small installation on SQLite."""
    context = open_context(settings_in(tmp_path / "small"))
    with context.database.write() as session:
        images.create_project(session, name="tile", settings={"weights": None})
    yield context
    context.database.dispose()


def test_any_damage_is_found(small, tmp_path):
    path = tmp_path / "b.zip"
    make_backup(small, ADMIN, path)
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            verify_backup(path)
        except StorageError:
            continue
        assert read_all(path) == read_all_of(whole, tmp_path), f"byte {place} was changed and nobody saw"
    for length in range(0, len(whole), max(1, len(whole) // 30)):
        path.write_bytes(whole[:length])
        with pytest.raises(StorageError):
            verify_backup(path)


def read_all(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read_all_of(data: bytes, tmp_path) -> dict[str, bytes]:
    (tmp_path / "whole.zip").write_bytes(data)
    return read_all(tmp_path / "whole.zip")


def changed(path, change) -> None:
    """Write an archive again with its manifest changed."""
    content = read_all(path)
    manifest = json.loads(content.pop("manifest.json"))
    change(manifest, content)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**content, "manifest.json": json.dumps(manifest).encode()}.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda manifest, _: manifest["entries"].update({"../../evil": {}}), "which no backup holds"),
        (lambda manifest, _: manifest.update(format="other 9"), "has format 'other 9'"),
        (lambda manifest, _: manifest.pop("entries"), "no manifest that can be read"),
        (lambda _, content: content.update({"evil": b""}), "its manifest does not know"),
        (lambda manifest, _: manifest.update(revision="9999"), "newer release"),
    ],
)
def test_a_file_that_is_no_backup_of_ours_is_refused_with_a_sentence(small, tmp_path, change, sentence):
    path = tmp_path / "b.zip"
    make_backup(small, ADMIN, path)
    changed(path, change)
    with pytest.raises((StorageError, Refused), match=sentence):
        restore_backup(settings_in(tmp_path / "new"), ADMIN, path)
    assert not (tmp_path / "new").exists()


def test_a_restore_goes_into_an_empty_place_only_and_an_unfinished_one_is_not_opened(small, tmp_path):
    path = tmp_path / "b.zip"
    make_backup(small, ADMIN, path)
    with pytest.raises(Refused, match="is not empty"):
        restore_backup(small.settings, ADMIN, path)
    elsewhere = replace(settings_in(tmp_path / "new"), database_url=small.settings.database_url)
    with pytest.raises(Refused, match="database is not empty"):
        restore_backup(elsewhere, ADMIN, path)
    settings = settings_in(tmp_path / "newer")
    settings.home.mkdir()
    (settings.home / UNFINISHED).write_text("")
    with pytest.raises(Refused, match="has not come to its end"):
        open_context(settings)
    with pytest.raises(StorageError, match="exists already"):
        make_backup(small, ADMIN, path)
    with pytest.raises(NotAllowed):
        make_backup(small, Actor("eva", Role.engineer), tmp_path / "c.zip")


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
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.app.job_worker", database_url, str(tmp_path)], cwd=ROOT, stderr=subprocess.PIPE
    )
    time.sleep(5)
    process.terminate()
    process.wait(20)
    with dump.snapshot(database) as connection:
        found = {table.name for table in dump.tables(connection)}
    assert found == set(Base.metadata.tables) - dump.PASSING


def test_a_cut_archive_is_no_archive(tmp_path):
    with pytest.raises(DamagedArchive, match="no whole backup"):
        (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 and then nothing")
        verify_backup(tmp_path / "b.zip")
