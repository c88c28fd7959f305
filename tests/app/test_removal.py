"""Removing a project: said first, gone for good, undone by nothing half-way, and safe for its neighbours."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.cli import main
from app.processes import environment_of
from app.services.authority import NotAllowed
from app.services.context import open_context
from app.services.errors import Refused
from app.services.ingest import create_project, ingest_source
from app.services.label import image_bytes
from app.services.projects import projects_of
from app.services.removal import remove_project, what_goes
from app.services.retrain import request_retraining
from app.services.tidy import OBJECTS, tidy
from app.services.trail import trail, verify_trail
from app.services.watch import Watch
from app.worker.samples import local
from storage.errors import NotFound
from storage.models import Image
from tests.app.conftest import ADMIN, ENGINEER, part, settings_in, write_tree
from tests.conftest import ROOT
from tests.patience import PATIENCE
from tests.s3_double import BUCKET, S3Double


def age(context):
    """Let all objects be as old as those of a project usually are."""
    for path in (context.settings.home / "objects").rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))


def files(context):
    return {entry.path for entry in context.blobs.entries() if len(entry.path) == 70}


def readable(context, slug):
    with context.database.read() as session:
        found = session.scalars(select(Image.id)).all()
    return sum(len(image_bytes(context, ADMIN, image_id, thumb=False)[0]) > 100 for image_id in found)


def test_a_removed_project_is_gone_with_its_files_and_its_neighbour_keeps_what_they_share(context, filled, tmp_path):
    filled("gone")
    before = files(context)
    other = create_project(context, ENGINEER, name="kept", built_in=True, size=64).slug
    ingest_source(context, ENGINEER, other, write_tree(tmp_path / "few", normals=3, held_normals=0, held_defects=0))
    assert files(context) == before, "the neighbour's images are the same bytes"
    age(context)
    goes = what_goes(context, ADMIN, "gone")
    assert (goes.rows["images"], goes.rows["annotations"], goes.rows["masks"]) == (12, 12, 2)
    assert (goes.objects, goes.shared) == (18, 6) and goes.bytes > 1000
    assert ("files that stay, because another project has them too", "6") in goes.told()
    done = remove_project(context, ADMIN, "gone", confirm="gone")
    assert (done.objects, done.bytes, done.waiting) == (18, goes.bytes, 0)
    assert [project.slug for project in projects_of(context, ADMIN)] == ["kept"]
    assert len(files(context)) == 6 and readable(context, "kept") == 3
    told = trail(context, ADMIN)[0]
    assert told.action == "remove project" and told.project.endswith("(deleted)")
    assert told.details["slug"] == "gone" and told.details["rows"]["images"] == 12 and told.details["objects"] == 18
    assert verify_trail(context, ADMIN).broken is None


def test_a_trained_project_leaves_no_file_behind(trained):
    age(trained)
    done = remove_project(trained, ADMIN, "tile", confirm="tile")
    assert files(trained) == set() and done.waiting == 0 and done.objects > 40


def test_in_a_bucket_the_files_go_as_well_and_so_do_the_copies_of_this_machine(tmp_path, monkeypatch):
    double = S3Double(tmp_path / "s3")
    try:
        for name, value in double.environment.items():
            monkeypatch.setenv(name, value)
        settings = settings_in(tmp_path / "home")
        context = open_context(replace(settings, objects_url=f"s3://{BUCKET}/objects"))
        for name, normals in (("gone", 4), ("kept", 2)):
            create_project(context, ENGINEER, name=name, built_in=True, size=64)
            tree = write_tree(tmp_path / name, normals=normals, held_normals=0, held_defects=0)
            ingest_source(context, ENGINEER, name, tree)
        with context.database.read() as session:
            copies = [local(context, image) for image in session.scalars(select(Image).where(Image.project_id == 1))]
        for path in double.folder.iterdir():
            os.utime(path, (1_700_000_000, 1_700_000_000))
        done = remove_project(context, ADMIN, "gone", confirm="gone")
        assert (done.objects, done.waiting) == (4, 0) and len(files(context)) == 4 and readable(context, "kept") == 2
        assert sum(path.exists() for path in copies) == 2, "those that the other project has as well"
        context.blobs.put(b"named by nobody")
        (orphan,) = [path for path in double.folder.iterdir() if path.stat().st_size == 15]
        os.utime(orphan, (1_700_000_000, 1_700_000_000))
        assert [(tally.kind, tally.count) for tally in tidy(context, ADMIN, remove=True)] == [(OBJECTS, 1)]
        assert not orphan.exists()
        context.database.dispose()
    finally:
        double.kill()


def test_objects_that_somebody_may_be_about_to_name_wait(context, filled):
    filled("gone")
    age(context)
    with context.database.read() as session:
        key = session.scalars(select(Image.pixels)).first()
    context.blobs.put(context.blobs.get(key))  # as an ingest elsewhere does, a moment before its row
    done = remove_project(context, ADMIN, "gone", confirm="gone")
    assert done.waiting == 1 and context.blobs.exists(key) and "1 files that were written minutes ago" in done.told()


def test_nothing_is_removed_without_its_name_nor_below_admin_nor_while_a_run_goes_on(context, filled):
    filled("gone")
    with pytest.raises(Refused, match="'gon' is not 'gone': type the project's short name"):
        remove_project(context, ADMIN, "gone", confirm="gon")
    with pytest.raises(NotAllowed, match="needs admin"):
        what_goes(context, ENGINEER, "gone")
    with pytest.raises(NotAllowed, match="needs admin"):
        remove_project(context, ENGINEER, "gone", confirm="gone")
    run_id = request_retraining(context, ENGINEER, "gone", preset="demo")
    with pytest.raises(Refused, match=f"a retrain of gone is queued .by ann, run {run_id}.: cancel it"):
        remove_project(context, ADMIN, "gone", confirm="gone")
    assert what_goes(context, ADMIN, "gone").rows["images"] == 12


KILLED = """
import os, signal
from app.services import removal
from app.services.authority import OPERATOR
from app.services.context import open_context
from app.settings import Settings
removal._discard = lambda context, found: os.kill(os.getpid(), signal.SIGKILL)
removal.remove_project(open_context(Settings.from_environment()), OPERATOR, "gone", confirm="gone")
"""


def test_killed_between_rows_and_files_the_project_is_gone_and_its_files_are_named_by_nothing(context, filled):
    filled("gone")
    filled("kept", normals=3, held_normals=0, held_defects=0)
    left = files(context)
    environment = {**os.environ, **environment_of(context.settings), "PYTHONPATH": str(ROOT)}
    died = subprocess.run(
        [sys.executable, "-c", KILLED], env=environment, cwd=ROOT, capture_output=True, timeout=PATIENCE
    )
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert [project.slug for project in projects_of(context, ADMIN)] == ["kept"]
    assert files(context) == left and readable(context, "kept") == 3
    assert verify_trail(context, ADMIN).broken is None


def test_the_command_says_what_goes_and_wants_the_name(context, filled, monkeypatch, capsys):
    filled("gone")
    for name, value in environment_of(context.settings).items():
        monkeypatch.setenv(name, value)
    with open(os.devnull) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        assert main(["remove-project", "gone"]) == 1
    said = capsys.readouterr()
    assert "labels, with their history: 12" in said.out and "say --yes-remove gone" in said.err
    assert main(["remove-project", "gone", "--yes-remove", "god"]) == 1
    assert main(["remove-project", "gone", "--yes-remove", "gone"]) == 0
    assert "gone is removed" in capsys.readouterr().out and projects_of(context, ADMIN) == []


def test_who_still_brings_images_into_it_is_told_and_a_new_one_of_its_name_begins_anew(context, tmp_path):
    create_project(context, ENGINEER, name="line", built_in=True, size=64)
    (place := tmp_path / "place").mkdir()
    (place / "1.png").write_bytes(part(1))

    def watch():
        return Watch(context, ENGINEER, "line", str(place), settle=0.0)

    def looked(at):
        at.look()
        return at.look()

    old = watch()
    assert looked(old).added == 1
    remove_project(context, ADMIN, "line", confirm="line")
    (place / "2.png").write_bytes(part(2))
    with pytest.raises(NotFound, match="project 1"):
        looked(old)
    ledgers = list((context.settings.home / "watch").iterdir())
    for ledger in ledgers:
        os.utime(ledger, (1_700_000_000, 1_700_000_000))
    create_project(context, ENGINEER, name="line", built_in=True, size=64)
    assert looked(watch()).added == 2
