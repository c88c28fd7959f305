"""A removal, and a rule that lets images go, beside people who label: a label is kept, or refused with a sentence."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.services import retention
from app.services.label import save_verdict
from app.services.projects import projects_of
from app.services.removal import remove_project
from storage.errors import NotFound
from storage.models import Annotation, Image, Verdict, now
from tests.app.conftest import ADMIN, INSPECTOR
from tests.app.test_retention import pool

PEOPLE = 4


@pytest.fixture
def people(context):
    """Starts people who label images, each their share; calling the answer gives (images with their label, errors)."""

    def start(image_ids):
        kept, errors, going = [], [], threading.Barrier(PEOPLE + 1)

        def label(mine):
            going.wait()
            for image_id in mine:
                try:
                    row = save_verdict(
                        context, INSPECTOR, image_id, verdict=Verdict.normal, defect_type=None, mask_png=None,
                        client_id=str(uuid.uuid4()), expected_revision=0,
                    )  # fmt: skip
                    kept.append(row.image_id)
                except NotFound:
                    pass
                except Exception as error:
                    errors.append(error)

        threads = [threading.Thread(target=label, args=(image_ids[n::PEOPLE],)) for n in range(PEOPLE)]
        for thread in threads:
            thread.start()
        going.wait()

        def end():
            for thread in threads:
                thread.join()
            return kept, errors

        return end

    return start


def test_a_project_that_is_removed_while_people_label_it_goes_whole(context, filled, people, tmp_path):
    filled("kept", normals=3, held_normals=0, held_defects=0)
    filled("tile", normals=1, held_normals=0, held_defects=0)
    loose = pool(context, tmp_path / "pool", count=60)
    end = people(loose)
    remove_project(context, ADMIN, "tile", confirm="tile")
    _, errors = end()
    assert errors == []
    assert [project.slug for project in projects_of(context, ADMIN)] == ["kept"]
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == 3


def test_what_people_label_while_a_rule_lets_images_go_stays(context, filled, people, tmp_path):
    filled("tile", normals=1, held_normals=0, held_defects=0)
    loose = pool(context, tmp_path / "pool", count=60)
    retention.set_keep_days(context, ADMIN, "tile", 30)
    with context.database.write() as session:
        session.execute(update(Image).values(created_at=now() - timedelta(days=40)))
    with context.database.read() as session:
        (project,) = retention.ruled(session)
    found, _ = retention.past(context, project)
    batches = [found[0][start : start + 5] for start in range(0, 60, 5)]
    end = people(loose)
    gone = retention.enforce(context, project.id, batches, by="root")
    kept, errors = end()
    assert errors == [] and gone + len(kept) == 60
    with context.database.read() as session:
        assert set(session.scalars(select(Image.id))) >= set(kept)
