"""Odd normals before any version: ranked by the worker, answered by a reviewer, gone once answered."""

import pytest

from app.ledger import begin, finish
from app.services.authority import Actor, NotAllowed
from app.services.contamination import odd_normals, request_contamination
from app.services.errors import Refused
from app.services.ingest import create_project, ingest_source
from app.services.label import save_verdict
from app.services.label_history import label_history
from app.services.retrain import run_view
from app.services.suspects import review_label
from app.worker.contamination import bounded
from app.worker.loop import handlers
from app.worker.samples import Plan
from storage.models import Role, RunState, Verdict
from tests.app.conftest import ENGINEER, INSPECTOR, part

RITA = Actor("rita", Role.reviewer)


@pytest.fixture
def suspicious(context, tmp_path):
    """Ten good parts that came as such, two scratched ones among them, and no version."""
    slug = create_project(context, ENGINEER, name="tile", built_in=True, size=64).slug
    folder = tmp_path / "good"
    folder.mkdir()
    for i in range(10):
        (folder / f"{i}.png").write_bytes(part(i, scratch=i in (3, 7)))
    ingest_source(context, ENGINEER, slug, folder, content="normal")
    return context


def looked(context):
    run_id = request_contamination(context, RITA, "tile")
    assert request_contamination(context, RITA, "tile") == run_id
    job = begin(context.database, run_id)
    handlers(context)["contamination"](job)
    finish(job)
    assert run_view(context, RITA, run_id).state is RunState.done
    assert not (context.settings.home / "runs" / run_id).exists()
    return odd_normals(context, RITA, "tile")


def test_defects_among_the_normals_are_the_first_to_be_asked_about(suspicious):
    assert odd_normals(suspicious, RITA, "tile") is None
    found = looked(suspicious)
    assert (found.looked, found.normals, len(found.found)) == (10, 10, 10)
    assert {suspect.name for suspect in found.found[:2]} == {"3.png", "7.png"}
    assert found.found[0].reason.startswith("1 of 10: its oddest place lies") and found.found[0].score is None


def test_what_is_answered_leaves_the_ranking_and_the_others_keep_their_places(suspicious):
    first, second, third, *_ = looked(suspicious).found
    review_label(suspicious, RITA, first.annotation_id, accepted=True)
    revision = label_history(suspicious, RITA, second.image_id)[0].revision
    save_verdict(
        suspicious, INSPECTOR, second.image_id, verdict=Verdict.defect, client_id="late", expected_revision=revision
    )
    left = odd_normals(suspicious, RITA, "tile").found
    assert left[0] == third and len(left) == 8 and third.reason.startswith("3 of 10")


def test_who_may_ask_and_what_is_refused(suspicious, context):
    with pytest.raises(NotAllowed):
        request_contamination(context, INSPECTOR, "tile")
    create_project(context, ENGINEER, name="empty", built_in=True, size=64)
    with pytest.raises(Refused, match="no image that is labelled normal"):
        request_contamination(context, RITA, "empty")


def test_of_many_normals_two_thousand_are_looked_at_and_few_are_all():
    many = bounded(Plan(list(range(9000)), list(range(9000, 11000)), [(1, 2)]))
    assert (len(many.normals), len(many.calibration), many.anomalies) == (1600, 400, [])
    few = Plan([1, 2, 3], [4, 5], [])
    assert bounded(few) == few
