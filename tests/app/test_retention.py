"""What a project's rule lets go, and all that it never does."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.cli import main
from app.processes import environment_of
from app.services import retention
from app.services.authority import NotAllowed
from app.services.errors import Refused
from app.services.ingest import ingest_source
from app.services.label import save_verdict, undo
from app.services.queue import claim, queue_for
from app.services.retention import keep_days, set_keep_days
from app.services.retrain import request_retraining
from app.services.tidy import OBJECTS, tidy
from app.services.trail import trail, verify_trail
from storage.models import Annotation, Image, Role, Score, Verdict, Version, now
from tests.app.conftest import ADMIN, ENGINEER, INSPECTOR, part
from tests.app.test_removal import files, readable
from tests.app.test_tidy import age

PAST = "images of tile past its 30 days, without a label"


def grow_old(context, days=40):
    """Everything came so many days ago."""
    with context.database.write() as session:
        session.execute(update(Image).values(created_at=now() - timedelta(days=days)))
    age(context.settings.home / "objects")


def pool(context, folder, count=6):
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.png").write_bytes(part(5000 + number))
    ingest_source(context, ENGINEER, "tile", folder, content="unknown")
    with context.database.read() as session:
        labelled = select(Annotation.image_id)
        return session.scalars(select(Image.id).where(Image.id.not_in(labelled)).order_by(Image.id)).all()


def there(context):
    with context.database.read() as session:
        return set(session.scalars(select(Image.id)))


def counts(context, **how):
    return {tally.kind: tally.count for tally in tidy(context, ADMIN, **how)}


def answer(context, image_id, verdict=Verdict.normal, revision=0):
    save_verdict(
        context, INSPECTOR, image_id, verdict=verdict, defect_type=None, mask_png=None, client_id=str(uuid.uuid4()),
        expected_revision=revision,
    )  # fmt: skip


def test_old_images_without_a_label_go_and_everything_else_stays(context, filled, tmp_path):
    filled("tile")
    loose = pool(context, tmp_path / "pool")
    labelled, withdrawn, young = loose[:3]
    answer(context, labelled)
    answer(context, withdrawn)
    undo(context, INSPECTOR, withdrawn, expected_revision=1)
    grow_old(context)
    with context.database.write() as session:
        session.get_one(Image, young).created_at = now() - timedelta(days=29)
    before, kept = files(context), there(context)
    assert counts(context) == {}, "off by default"
    set_keep_days(context, ADMIN, "tile", 30)
    assert counts(context) == {PAST: 3} and there(context) == kept
    assert counts(context, remove=True) == {PAST: 3, OBJECTS: 6}
    assert there(context) == kept - set(loose[3:])
    assert len(files(context)) == len(before) - 6 and readable(context, "tile") == len(kept) - 3
    (told,) = [entry for entry in trail(context, ADMIN) if entry.action == "retention"]
    assert told.details == {"days": 30, "images": 3} and told.project == "tile"
    assert verify_trail(context, ADMIN).broken is None and counts(context, remove=True) == {}


def test_scores_go_along_and_what_the_queue_has_given_away_stays(trained):
    set_keep_days(trained, ADMIN, "tile", 30)
    grow_old(trained)
    given = claim(trained, INSPECTOR, "tile", queue_for(trained, INSPECTOR, "tile"))
    assert given is not None
    assert counts(trained, remove=True)[PAST] == 5
    with trained.database.read() as session:
        unlabelled = session.scalars(select(Image.id).where(Image.id.not_in(select(Annotation.image_id)))).all()
        assert len(unlabelled) == 1
        assert session.scalar(select(func.count()).select_from(Score)) == session.scalar(select(func.count(Image.id)))


def test_what_a_version_was_made_from_stays_without_a_label_too(trained):
    """An imported bundle's snapshot may name images that nobody labelled here."""
    set_keep_days(trained, ADMIN, "tile", 30)
    grow_old(trained)
    with trained.database.write() as session:
        loose = session.scalars(select(Image).where(Image.id.not_in(select(Annotation.image_id)))).all()
        version = session.scalars(select(Version)).one()
        version.snapshot = {**version.snapshot, "normals": [*version.snapshot["normals"], loose[0].sha256]}
    assert counts(trained, remove=True)[PAST] == 5 and there(trained) & {image.id for image in loose} == {loose[0].id}


def test_nothing_goes_while_a_run_of_the_project_goes_on(context, filled, tmp_path):
    filled("tile")
    pool(context, tmp_path / "pool")
    set_keep_days(context, ADMIN, "tile", 30)
    grow_old(context)
    kept = there(context)
    request_retraining(context, ENGINEER, "tile", preset="demo")
    assert PAST not in counts(context, remove=True) and there(context) == kept


def test_a_label_that_comes_between_looking_and_deleting_saves_its_image(context, filled, tmp_path):
    filled("tile")
    loose = pool(context, tmp_path / "pool")
    set_keep_days(context, ADMIN, "tile", 30)
    grow_old(context)
    with context.database.read() as session:
        project = retention.ruled(session)[0]
    found, size = retention.past(context, project)
    assert found == [list(loose)] and size > 0
    answer(context, loose[0])
    assert retention.enforce(context, project.id, found, by="root") == 5 and loose[0] in there(context)


def test_the_rule_is_an_admins_and_in_bounds(context, filled, monkeypatch, capsys):
    filled("tile")
    assert keep_days(context, ENGINEER, "tile") is None
    with pytest.raises(NotAllowed, match=f"needs {Role.admin.name}"):
        set_keep_days(context, ENGINEER, "tile", 30)
    with pytest.raises(Refused, match="0 days are not from 1"):
        set_keep_days(context, ADMIN, "tile", 0)
    for name, value in environment_of(context.settings).items():
        monkeypatch.setenv(name, value)
    assert main(["keep", "tile", "30"]) == 0 and "for 30 days" in capsys.readouterr().out
    assert keep_days(context, ENGINEER, "tile") == 30
    assert main(["keep", "tile", "forever"]) == 0 and main(["keep", "tile"]) == 0
    assert keep_days(context, ENGINEER, "tile") is None and "for good" in capsys.readouterr().out
