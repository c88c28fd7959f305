"""The operating point: a stated share of good parts, refused where too few carry it, kept, and obeyed."""

import pytest
from sqlalchemy import select

from app.services.authority import Actor, NotAllowed
from app.services.certificate import certificate
from app.services.errors import Refused
from app.services.impact import impact
from app.services.operating import operating_view, proposal, set_operating_point, standing_consequence
from app.services.proportions import Share, normals_needed
from app.ui.certificate_page import certificate_page
from bgad_core import calibration
from storage import scores, versions
from storage.audit_rows import AuditEntry
from storage.models import Role
from tests.app.calibrated import calibrated
from tests.app.conftest import ENGINEER, INSPECTOR


def test_a_retrain_keeps_thresholds_from_the_good_parts_that_calibrated_it(trained):
    view = operating_view(trained, INSPECTOR, "tile", 1)
    with trained.database.read() as session:
        version = versions.version_by_number(session, 1, 1)
        found = scores.scores_by_content(session, version.id)
    expected = sorted(found[sha][1] for sha in version.snapshot["calibration"])
    assert view.normals == len(expected) == 2 and view.curve.stops == expected
    assert view.standing.point is None and view.boundary.stop == 0.5 < view.boundary.reject
    assert view.smallest["expected"] == pytest.approx(1 / 3)
    assert view.curve.defects == 3 and len(view.curve.missed) == 2


def test_too_few_good_parts_are_refused_with_the_number_that_is_needed(trained):
    with pytest.raises(Refused, match="only 2 good parts calibrate v1, and 45 are needed to say 5 %"):
        proposal(trained, INSPECTOR, "tile", 1, alpha=0.05, promise="confident", confidence=0.9)
    with pytest.raises(Refused, match="19 are needed"):
        proposal(trained, INSPECTOR, "tile", 1, alpha=0.05, promise="expected")
    with pytest.raises(Refused, match="out of range"):
        proposal(trained, INSPECTOR, "tile", 1, alpha=0.0)
    with pytest.raises(Refused, match=r"confidence of 0\.5 is not kept"):
        proposal(trained, INSPECTOR, "tile", 1, alpha=0.1, confidence=0.5)


@pytest.mark.parametrize(("alpha", "confidence"), [(0.05, 0.9), (0.01, None), (0.3, 0.99)])
def test_what_the_service_needs_is_what_the_method_needs(alpha, confidence):
    assert normals_needed(alpha, confidence) == calibration.normals_needed(alpha, confidence)


@pytest.mark.parametrize("promise", ["expected", "confident"])
def test_the_lowest_threshold_that_keeps_the_promise_is_proposed(trained, promise):
    values = [i / 200 for i in range(150)]
    calibrated(trained, 1, values)
    found, _ = proposal(trained, INSPECTOR, "tile", 1, alpha=0.05, promise=promise, confidence=0.9)
    rank = calibration.expected_rank(150, 0.05) if promise == "expected" else calibration.confident_rank(150, 0.05, 0.9)
    assert (found.rank, found.stop) == (rank, values[rank - 1])
    assert found.low < found.expected < found.high and found.reject >= found.stop


def test_an_operating_point_decides_from_then_on_and_the_boundary_again_after(twice):
    values = [i / 100 for i in range(60)]
    calibrated(twice, 2, values)
    before = impact(twice, INSPECTOR, "tile", 2)
    point = set_operating_point(twice, ENGINEER, "tile", 2, promise="confident", alpha=0.05, reason="customer asks")
    assert point.stop > 0.5 and point.evidence["normals"] == 60
    with twice.database.read() as session:
        after = {row.image_id: row.score > point.stop for row in scores.scores_of(session, 2)}
        deciding = {row.image_id: row.score > 0.5 for row in scores.scores_of(session, 1)}
    found = impact(twice, INSPECTOR, "tile", 2)
    assert sorted(found.flips) == sorted(i for i in after if after[i] != deciding[i])
    did = standing_consequence(twice, INSPECTOR, "tile", 2)
    assert sum(did.load.values()) == 3 and did.alarms.total == 3  # held-out good parts; those learnt from are left out
    set_operating_point(twice, ENGINEER, "tile", 2, promise="boundary")
    assert impact(twice, INSPECTOR, "tile", 2).flips == before.flips
    history = operating_view(twice, INSPECTOR, "tile", 2).history
    assert [row.promise for row in history] == ["boundary", "confident"] and history[1].reason == "customer asks"
    with twice.database.read() as session:
        kept = session.scalars(select(AuditEntry.details).where(AuditEntry.action == "operating point")).all()
    assert [row["promise"] for row in kept] == ["confident", "boundary"]


def test_an_inspector_may_look_at_it_and_not_set_it(trained):
    with pytest.raises(NotAllowed, match="needs engineer"):
        set_operating_point(trained, Actor("ian", Role.inspector), "tile", 1, promise="boundary")


def test_a_share_says_how_sure_it_is():
    assert Share(0, 0).words() == "none seen" and Share(0, 0).interval == (0.0, 1.0)
    low, high = Share(22, 23).interval
    assert (round(low, 3), round(high, 3)) == (0.790, 0.992)  # Wilson's, by hand
    assert Share(22, 23).words() == "22 of 23 (79 to 99 %)"


def test_the_certificate_says_what_was_stated_and_on_what(twice):
    calibrated(twice, 2, [i / 100 for i in range(60)])
    set_operating_point(twice, ENGINEER, "tile", 2, promise="confident", alpha=0.05)
    page = certificate_page(certificate(twice, INSPECTOR, "tile", 2))
    for words in ("tile, version v2", "with 90 % confidence: at most 5 %", "from 60 good parts", "image AUROC", "<svg"):
        assert words in page, words
    assert "<script" not in page and "http" not in page
    first = certificate_page(certificate(twice, INSPECTOR, "tile", 1))
    assert "No rate of parts is stated" in first and "the first version" in first
