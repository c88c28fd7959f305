"""The ranked queue and the request to score."""

import pytest
from sqlalchemy import select

from app import jobs
from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.score import ranked_queue, request_scoring
from storage import images, scores, versions
from storage.models import Image, Role, Run, Standing, Verdict
from storage.scores import Narrow
from tests.app.conftest import ENGINEER

VIEWER = Actor("vic", Role.viewer)


@pytest.fixture
def scored(context, filled) -> str:
    """A project whose first eight images have scores 0.1, 0.2, … under a version that decides."""
    slug = filled(normals=6, held_normals=1, held_defects=2)
    with context.database.write() as session:
        project = images.project_by_slug(session, slug)
        run_id = jobs.submit(session, project_id=project.id, kind="retrain", by="ann")
        version = versions.add_version(
            session, project_id=project.id, run_id=run_id, parent_id=None, checkpoint="0" * 64, config={},
            boundaries=[], histograms={}, metrics={}, snapshot={}, known_anomalies=0, device="cpu", seconds=1.0,
        )  # fmt: skip
        versions.promote(session, project_id=project.id, version_id=version.id, by="ann")
        found = list(session.scalars(select(Image).order_by(Image.id)))
        rows = [
            {"image_id": image.id, "score": i / 10, "distance": abs(i - 5) / 10, "maps": "0" * 64,
             "standing": Standing.defect if i > 5 else Standing.normal}
            for i, image in enumerate(found[:8], start=1)
        ]  # fmt: skip
        scores.save_scores(session, version.id, rows)
    return slug


def test_the_most_abnormal_come_first_or_the_nearest_to_the_boundary(context, scored):
    page = ranked_queue(context, VIEWER, scored)
    assert [item.score for item in page.items] == [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    assert (page.version_number, page.unscored, page.after) == (1, 1, None)
    assert [item.score for item in ranked_queue(context, VIEWER, scored, order="boundary", limit=2).items] == [0.5, 0.4]


def test_pages_follow_each_other_without_a_gap(context, scored):
    seen, after = [], None
    for _ in range(9):
        page = ranked_queue(context, VIEWER, scored, limit=3, after=after)
        seen += [item.score for item in page.items]
        if (after := page.after) is None:
            break
    assert seen == [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]


def test_the_queue_can_be_narrowed(context, scored):
    assert ranked_queue(context, VIEWER, scored, show="unlabelled").items == []
    defects = ranked_queue(context, VIEWER, scored, narrow=Narrow(verdict=Verdict.defect)).items
    assert defects and {item.verdict for item in defects} == {Verdict.defect}
    assert {
        item.standing for item in ranked_queue(context, VIEWER, scored, narrow=Narrow(standing=Standing.defect)).items
    } == {Standing.defect}
    with pytest.raises(Refused, match="show 'mine' is not known"):
        ranked_queue(context, VIEWER, scored, show="mine")


def test_before_day_one_the_images_come_unranked(context, filled):
    slug = filled(normals=5, held_normals=2, held_defects=1)
    first = ranked_queue(context, VIEWER, slug, limit=5)
    rest = ranked_queue(context, VIEWER, slug, limit=5, after=first.after)
    assert len(first.items) == 5 and len(rest.items) == 3 and rest.after is None
    assert {item.score for item in first.items + rest.items} == {None} and first.version_id is None


def test_scoring_is_queued_once_and_only_with_a_version(context, filled, scored):
    first = request_scoring(context, ENGINEER, scored)
    assert request_scoring(context, ENGINEER, scored) == first
    with context.database.read() as session:
        assert session.get_one(Run, first).kind == "score"
    with pytest.raises(Refused, match="no version that could score"):
        request_scoring(context, ENGINEER, filled("other"))
    with pytest.raises(NotAllowed):
        request_scoring(context, VIEWER, scored)
