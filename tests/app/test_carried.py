"""The operating point when another version decides: carried over by its alpha, kept, or dropped; and always said."""

import pytest
from sqlalchemy import select

from app.services.carried import if_promoted
from app.services.certificate import certificate
from app.services.compare import comparison
from app.services.errors import Refused
from app.services.gate import Gate, carried_words, set_gate
from app.services.impact import impact, promote, promotions_of
from app.services.operating import operating_view, proposal, set_operating_point
from app.ui.certificate_page import certificate_page
from storage import decisions, scores, versions
from storage.audit_rows import AuditEntry
from storage.models import Standing
from tests.app.calibrated import calibrated
from tests.app.conftest import ENGINEER, INSPECTOR

OLD = [i / 100 for i in range(60)]
NEW = [i / 90 for i in range(60)]


@pytest.fixture
def stands(twice):
    """v1 decides by alpha = 5 %, v2 has calibration parts of its own, and no gate is in the way."""
    calibrated(twice, 1, OLD)
    calibrated(twice, 2, NEW)
    set_operating_point(twice, ENGINEER, "tile", 1, promise="confident", alpha=0.05)
    set_gate(twice, ENGINEER, "tile", Gate(lost=99, recall_floor=0.0, false_alarm_ceiling=1.0))
    return twice


def stops_of(context, number):
    """The stops of a version's operating points, the latest first."""
    return [row.stop for row in operating_view(context, INSPECTOR, "tile", number).history]


def told(context, action):
    with context.database.read() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
        return [(row.by, row.details) for row in rows]


def said(context):
    """What the last promotion says of the operating point."""
    return carried_words(promotions_of(context, INSPECTOR, "tile")[0][0].gate)


def test_the_gate_judges_a_candidate_by_the_point_that_it_will_decide_by(stands):
    own = proposal(stands, INSPECTOR, "tile", 2, alpha=0.05)[0].stop
    (old,) = stops_of(stands, 1)
    assert own != old
    with stands.database.write() as session:  # by its boundary v2 would stop every part
        for row in scores.scores_of(session, 2):
            row.standing = Standing.defect
    found = impact(stands, INSPECTOR, "tile", 2)
    with stands.database.read() as session:
        after = {row.image_id: row.score > own for row in scores.scores_of(session, 2)}
        before = {row.image_id: row.score > old for row in scores.scores_of(session, 1)}
    assert sorted(found.flips) == sorted(i for i in after if after[i] != before[i])
    assert any(not stopped for stopped in after.values()), "the boundary would have stopped all of them"
    assert found.carried.rule.stop == own
    for words in (
        "operating point α = 5 % (90 % confidence) is carried over",
        f"v1 stops above {old:.3f}",
        f"v2 above {own:.3f}",
        "its own 60 calibration parts",
    ):
        assert words in found.carried.words
    assert stops_of(stands, 2) == []  # looking changes nothing


def test_a_promotion_keeps_the_point_for_the_candidate_and_records_it(stands):
    found = impact(stands, INSPECTOR, "tile", 2).carried
    promote(stands, ENGINEER, "tile", 2)
    view = operating_view(stands, INSPECTOR, "tile", 2)
    (point,) = view.history
    assert view.standing.point is not None and view.standing.stop == found.rule.stop
    assert (point.promise, point.alpha, point.confidence) == ("confident", 0.05, 0.9)
    assert (point.by, point.reason, point.evidence["normals"]) == (ENGINEER.name, "carried over from v1", 60)
    assert said(stands) == found.words
    by, details = told(stands, "promote")[-1]
    assert (by, details["operating point"]) == (ENGINEER.name, found.words)
    by, details = told(stands, "operating point")[-1]
    assert (by, details["version"], details["stop"]) == (ENGINEER.name, 2, found.rule.stop)
    assert details["carried_from"] == 1
    page = certificate_page(certificate(stands, INSPECTOR, "tile", 2))
    assert "is carried over: v1 stops above" in page and "from 60 good parts" in page


def test_a_promotion_that_the_gate_holds_back_carries_nothing_over(stands):
    set_gate(stands, ENGINEER, "tile", Gate())
    calibrated(stands, 1, [i / 1e6 for i in range(60)])  # v1's point stops every defect, v2's would let every one pass
    calibrated(stands, 2, [0.9999 + i / 1e6 for i in range(60)])
    set_operating_point(stands, ENGINEER, "tile", 1, promise="confident", alpha=0.05)
    before = told(stands, "operating point")
    with pytest.raises(Refused, match="the gate holds v2 back"):
        promote(stands, ENGINEER, "tile", 2)
    assert stops_of(stands, 2) == [] and told(stands, "operating point") == before


def test_a_promise_on_average_is_carried_over_as_one(stands):
    set_operating_point(stands, ENGINEER, "tile", 1, promise="expected", alpha=0.1)
    promote(stands, ENGINEER, "tile", 2)
    own = proposal(stands, INSPECTOR, "tile", 2, alpha=0.1, promise="expected")[0]
    assert stops_of(stands, 2) == [own.stop] and "α = 10 % (on average) is carried over" in said(stands)


def test_too_few_calibration_parts_drop_the_point_and_that_is_said_before_and_kept_after(stands):
    calibrated(stands, 2, NEW[:2])
    found = impact(stands, INSPECTOR, "tile", 2).carried
    assert found.dropped and found.rule.point is None
    for words in (
        "v1's operating point α = 5 % (90 % confidence) is not carried over",
        "only 2 good parts calibrate v2, and 45 are needed",
        "After the promotion v2 decides by its boundary b_n",
    ):
        assert words in found.words
    promote(stands, ENGINEER, "tile", 2)
    assert stops_of(stands, 2) == [] and said(stands) == found.words
    assert told(stands, "promote")[-1][1]["operating point"] == found.words


def test_a_point_without_an_alpha_is_not_guessed_at(stands):
    with stands.database.write() as session:
        version = versions.version_by_number(session, 1, 1)
        decisions.add_operating_point(
            session, version_id=version.id, promise="confident", alpha=None, confidence=None, stop=0.4, reject=0.6,
            evidence={}, by="ann",
        )  # fmt: skip
    found = impact(stands, INSPECTOR, "tile", 2).carried
    assert found.dropped and "set by hand at 0.400, without an α" in found.words
    assert "After the promotion v2 decides by its boundary b_n" in found.words


def test_rolling_back_keeps_the_point_that_the_older_version_had(stands):
    (first,) = stops_of(stands, 1)
    promote(stands, ENGINEER, "tile", 2)
    set_operating_point(stands, ENGINEER, "tile", 2, promise="confident", alpha=0.2)
    back = impact(stands, INSPECTOR, "tile", 1)
    assert back.older and back.carried.rule.stop == first
    promote(stands, ENGINEER, "tile", 1)
    assert stops_of(stands, 1) == [first]
    assert "v1 keeps its own operating point α = 5 %" in said(stands)
    assert "v2's operating point α = 20 % (90 % confidence) is not carried over" in said(stands)
    promote(stands, ENGINEER, "tile", 2)  # and so does the newer one, because somebody set it
    assert "v2 keeps its own operating point α = 20 %" in said(stands)


def test_rolling_back_to_a_version_without_a_point_calibrates_one(twice):
    calibrated(twice, 1, OLD)
    calibrated(twice, 2, NEW)
    set_gate(twice, ENGINEER, "tile", Gate(lost=99, recall_floor=0.0, false_alarm_ceiling=1.0))
    promote(twice, ENGINEER, "tile", 2)
    assert said(twice) == ""  # no version has a point: nothing to say
    set_operating_point(twice, ENGINEER, "tile", 2, promise="confident", alpha=0.05)
    promote(twice, ENGINEER, "tile", 1)
    assert stops_of(twice, 1) == [proposal(twice, INSPECTOR, "tile", 1, alpha=0.05)[0].stop]


def test_what_was_only_carried_over_gives_way_to_what_was_set_later(stands):
    promote(stands, ENGINEER, "tile", 2)
    promote(stands, ENGINEER, "tile", 1)
    set_operating_point(stands, ENGINEER, "tile", 1, promise="confident", alpha=0.1)
    promote(stands, ENGINEER, "tile", 2)
    assert stops_of(stands, 2)[0] == proposal(stands, INSPECTOR, "tile", 2, alpha=0.1)[0].stop


def test_a_version_that_was_set_back_to_its_boundary_stays_there_and_that_is_said(stands):
    promote(stands, ENGINEER, "tile", 2)
    set_operating_point(stands, ENGINEER, "tile", 1, promise="boundary")
    found = if_promoted(stands, INSPECTOR, "tile", 1)
    assert found.dropped and found.rule.point is None
    assert "ann set v1 back to its boundary b_n on 20" in found.words
    assert if_promoted(stands, INSPECTOR, "tile", 2) is None  # it decides already


def test_two_versions_are_compared_by_the_rules_that_they_would_decide_by(stands):
    newer, older = comparison(stands, INSPECTOR, "tile", 2, 1).sides
    assert newer.rule.stop == proposal(stands, INSPECTOR, "tile", 2, alpha=0.05)[0].stop
    assert [older.rule.stop] == stops_of(stands, 1)
