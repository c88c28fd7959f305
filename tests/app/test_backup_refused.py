"""A backup that was damaged or is none of ours, and a place that is not empty: refused, with nothing changed."""

import json
import zipfile
from dataclasses import replace

import pytest

from app.services.authority import Actor, NotAllowed
from app.services.backup import make_backup, verify_backup
from app.services.context import UNFINISHED, open_context
from app.services.errors import Refused
from app.services.restore import restore_backup
from storage import images
from storage.archive import DamagedArchive
from storage.errors import StorageError
from storage.models import Role
from tests.app.conftest import ADMIN, settings_in


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


def test_a_cut_archive_is_no_archive(tmp_path):
    with pytest.raises(DamagedArchive, match="no whole backup"):
        (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 and then nothing")
        verify_backup(tmp_path / "b.zip")
