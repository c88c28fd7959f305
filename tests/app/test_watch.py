"""A watched folder: every image once, nothing half-written, across restarts; and whether it still looks alike."""

import errno
import os
from datetime import timedelta

import pytest
from fsspec.implementations.local import LocalFileSystem
from sqlalchemy import select, update

from app.services.errors import Refused
from app.services.incoming import chance_of, incoming_drift
from app.services.ingest import ingest_reports, ingest_source
from app.services.retrain import runs_of
from app.services.watch import Watch, shown
from storage.models import Image, Score, Standing, now
from storage.scores import save_scores
from tests.app.conftest import ENGINEER, part


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def place(tmp_path):
    (tmp_path / "line").mkdir()
    return tmp_path / "line"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def watching(context, filled, place, clock):
    """A function that makes a new watcher of `place`, as a restarted process would."""
    slug = filled(normals=2, held_normals=0, held_defects=0)
    return lambda where=None: Watch(context, ENGINEER, slug, str(where or place), settle=2.0, clock=clock)


def looked(watch, clock, *, seconds=3.0):
    clock.now += seconds
    return watch.look()


def names(context):
    with context.database.read() as session:
        return sorted(name for name in session.scalars(select(Image.name)) if "/" not in name)


def test_an_image_is_taken_when_it_has_rested_and_never_again(watching, context, place, clock):
    watch = watching()
    (place / "a.png").write_bytes(part(100))
    assert (looked(watch, clock).added, looked(watch, clock, seconds=1.0).added) == (0, 0), "seen, not yet rested"
    assert looked(watch, clock).added == 1 and looked(watch, clock).added == 0
    assert names(context) == ["a.png"]
    again = watching()
    assert [looked(again, clock).added for _ in range(3)] == [0, 0, 0], "a restart reads nothing again"


def test_a_file_that_grows_is_left_alone_until_it_is_whole(watching, context, place, clock):
    watch, data = watching(), part(101)
    (place / "b.png").write_bytes(b"")
    for end in (0, 300, 600, 900):
        with (place / "b.png").open("wb") as file:
            file.write(data[:end])
        found = looked(watch, clock)
        assert (found.added, found.refused, found.waiting) == (0, [], 1)
    (place / "b.png").write_bytes(data)
    looked(watch, clock)
    assert looked(watch, clock).added == 1


def test_a_file_that_changes_while_it_is_read_waits(watching, place, clock, monkeypatch):
    watch, data = watching(), part(102)
    (place / "c.png").write_bytes(data[:500])
    looked(watch, clock)
    read = watch._files.cat_file

    def meanwhile(path):
        found = read(path)
        (place / "c.png").write_bytes(data)
        return found

    monkeypatch.setattr(watch._files, "cat_file", meanwhile)
    found = looked(watch, clock)
    assert (found.added, found.refused) == (0, [])
    monkeypatch.setattr(watch._files, "cat_file", read)
    looked(watch, clock)
    assert looked(watch, clock).added == 1


def test_a_writer_that_stalled_costs_a_refusal_and_the_whole_file_is_taken_later(watching, context, place, clock):
    watch, data = watching(), part(103)
    (place / "d.png").write_bytes(data[: len(data) // 2])
    looked(watch, clock)
    assert "damaged or cut short" in looked(watch, clock).refused[0].reason
    assert looked(watch, clock).refused == [], "said once"
    (place / "d.png").write_bytes(data)
    looked(watch, clock)
    assert looked(watch, clock).added == 1 and names(context) == ["d.png"]


def test_a_copy_and_a_lost_ledger_bring_nothing_twice(watching, context, place, clock):
    watch = watching()
    (place / "e.png").write_bytes(part(104))
    looked(watch, clock)
    looked(watch, clock)
    (place / "copy of e.png").write_bytes(part(104))
    looked(watch, clock)
    assert (found := looked(watch, clock)).added == 0 and found.duplicates == 1
    watch._ledger.write_text('["e.png", 12')  # a kill in the middle of a line
    again = watching()
    looked(again, clock)
    looked(again, clock)
    assert names(context) == ["e.png"]


def test_other_files_and_hidden_ones_are_not_touched_and_links_are_named_once(watching, place, clock, tmp_path):
    watch = watching()
    (tmp_path / "secret.png").write_bytes(part(105))
    (place / "link.png").symlink_to(tmp_path / "secret.png")
    (place / "nothing.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(place / "pipe.png")
    for name in ("notes.txt", ".hidden.png", "image.png.part"):
        (place / name).write_bytes(part(106))
    looked(watch, clock)
    found = looked(watch, clock)
    reasons = {refusal.name: refusal.reason for refusal in found.refused}
    assert reasons.keys() == {"link.png", "nothing.png", "pipe.png"} and "is a link" in reasons["nothing.png"]
    assert (found.added, found.waiting, looked(watch, clock).refused) == (0, 0, [])


def test_a_name_that_is_no_text_is_shown_escaped_and_holds_nothing_back(watching, context, place, clock):
    watch = watching()
    for name, shade in ((b"bad\xe9name.png", 107), (b"c\x01.png", 108), (b"good.png", 109)):
        (place / os.fsdecode(name)).write_bytes(part(shade))
    looked(watch, clock)
    assert looked(watch, clock).added == 3
    assert names(context) == ["bad\\xe9name.png", "c\\x01.png", "good.png"]
    again = watching()
    looked(again, clock)
    assert looked(again, clock).duplicates == 0, "the ledger knows them"


def test_a_file_that_cannot_be_read_is_named_once_and_taken_when_it_can(watching, context, place, clock, monkeypatch):
    watch, read = watching(), LocalFileSystem.cat_file
    for name, shade in (("a.png", 110), ("x.png", 111)):
        (place / name).write_bytes(part(shade))

    def refuse(self, path, *rest, **more):  # what the system says to whoever is not root
        if path.endswith("x.png"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return read(self, path, *rest, **more)

    monkeypatch.setattr(LocalFileSystem, "cat_file", refuse)
    looked(watch, clock)
    found = looked(watch, clock)
    assert (found.added, [refusal.name for refusal in found.refused]) == (1, ["x.png"])
    assert "Permission denied" in found.refused[0].reason and "mend its rights" in found.refused[0].reason
    assert [looked(watch, clock).refused for _ in range(4)] == [[]] * 4
    monkeypatch.undo()
    assert sum(looked(watch, clock).added for _ in range(2)) == 1 and names(context) == ["a.png", "x.png"]


def test_a_day_is_one_arrival(watching, context, place, clock):
    watch = watching()
    for number in range(3):
        (place / f"{number}.png").write_bytes(part(110 + number))
        looked(watch, clock)
        looked(watch, clock)
    mine = [row for row in ingest_reports(context, ENGINEER, "tile") if row.source.startswith("watch ")]
    assert [(row.added, row.duplicates) for row in mine] == [(3, 0)]


def test_what_came_in_is_queued_to_be_scored(trained, place, clock):
    watch = Watch(trained, ENGINEER, "tile", place.as_uri(), settle=0.0, clock=clock)
    (place / "f.png").write_bytes(part(120))
    watch.look()
    assert watch.look().queued
    assert runs_of(trained, ENGINEER, "tile")[0].kind == "score"


def test_a_bucket_is_watched_as_a_folder_is(watching, context, clock):
    import fsspec

    store = fsspec.filesystem("memory")
    store.pipe_file("/line-4/g.png", part(121))
    watch = watching("memory://line-4")
    looked(watch, clock)
    assert looked(watch, clock).added == 1
    store.rm("/line-4", recursive=True)


@pytest.mark.parametrize(("where", "reason"), [("/nowhere/at/all", "is no folder"), ("odd://x", "cannot be watched")])
def test_a_place_that_cannot_be_watched_is_one_sentence(watching, where, reason):
    with pytest.raises(Refused, match=reason):
        watching(where)


def test_a_secret_in_a_url_is_not_shown():
    assert shown("s3://key:secret@host/bucket?token=x") == "s3://host/bucket" and shown("/a/b@c") == "/a/b@c"


def test_half_above_the_median_is_no_surprise_and_all_above_is():
    assert chance_of(50, 100, 25, 50) > 0.5
    assert chance_of(100, 100, 25, 50) < 1e-6 and chance_of(0, 100, 25, 50) < 1e-6
    assert chance_of(14, 20, 10, 20) > 0.05, "few parts on either side prove little"
    assert chance_of(5, 5, 6, 12) > 0.01, "nor do five of five against twelve"


def test_the_chance_is_that_of_drawing_both_lots_from_one_heap():
    import numpy as np

    rng = np.random.default_rng(0)
    middles = np.sort(rng.random((4000, 25)), axis=1)[:, 12]
    above = (rng.random((4000, 40)) > middles[:, None]).sum(axis=1)
    for level in (0.05, 0.2):
        alarms = np.mean([chance_of(int(k), 40, 13, 25) < level for k in above])
        assert alarms < level + 0.015


def test_a_day_under_another_lamp_alarms_and_a_usual_one_does_not(trained, tmp_path):
    with trained.database.read() as session:
        from storage import versions

        version = versions.deciding_version(session, 1)
    folder = tmp_path / "days"
    folder.mkdir()
    for number in range(50):
        (folder / f"{number}.png").write_bytes(part(5000 + number))
    ingest_source(trained, ENGINEER, "tile", folder, content="unknown")
    with trained.database.write() as session:
        rows = list(session.scalars(select(Image).where(Image.name.not_like("%/%"), Image.id > 22).order_by(Image.id)))
        usual = float(version.metrics["calibration"]["thresholds"][0]["stop"])
        table = {"normals": 40, "thresholds": [{"rank": 20, "stop": usual}]}
        session.merge(version).metrics = {**version.metrics, "calibration": table}
        early = [row.id for row in rows[:25]]
        session.execute(update(Image).where(Image.id.in_(early)).values(created_at=now() - timedelta(days=3)))
        values = [
            {
                "image_id": row.id, "score": usual + (0.2 if row.id not in early else 0.01 * (-1) ** row.id),
                "distance": 0.1, "standing": Standing.normal, "maps": "0" * 64,
            }
            for row in rows
        ]  # fmt: skip
        save_scores(session, version.id, values)
        session.execute(select(Score).limit(1))
    found = incoming_drift(trained, ENGINEER, "tile")
    assert [day.parts for day in found.days][-2:] == [25, 25 + 6]
    assert found.days[-2].alarm is None and found.days[-2].p > 0.05
    assert "look more abnormal than the 40 good parts" in found.days[-1].alarm


def test_before_any_version_there_is_nothing_to_say(context, filled):
    assert incoming_drift(context, ENGINEER, filled()) is None
