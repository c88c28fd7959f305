"""Operating point, Versions and Review labels: what decides, and what is doubted."""

import pytest

from app.ledger import begin, finish
from app.processes import environment_of
from app.services.accounts import create_account
from app.services.contamination import odd_normals
from app.services.gate import Gate, set_gate
from app.services.impact import promotions_of
from app.services.ingest import create_project, ingest_source
from app.services.operating import set_operating_point
from app.services.sign_in import sign_in
from app.ui.opened import opened
from app.worker.loop import handlers
from storage import runs, scores
from storage.models import Role, Standing
from tests.app.calibrated import calibrated
from tests.app.conftest import ADMIN, ENGINEER, part
from tests.app.ui.visitor import button, run, visitor, words


@pytest.fixture
def visit_twice(twice, monkeypatch):
    """The installation with two versions, and its pages."""
    for name, value in environment_of(twice.settings).items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    opened.cache_clear()
    create_account(twice, ADMIN, name="engineer", password="three grey parts", role=Role.engineer)
    yield twice, visitor(lambda role: sign_in(twice, role, "three grey parts"))
    opened().database.dispose()
    opened.cache_clear()


def test_an_alpha_that_too_few_parts_carry_is_refused_with_the_number(visit):
    at = visit("operating")
    at.number_input[0].set_value(5.0)
    run(at)
    assert "45 are needed" in words(at) and button(at, "operating-set") is None
    at.selectbox(key="promise").set_value("expected")
    run(at)
    button(at, "operating-set").click()  # 33.5 %, which two parts carry on average
    run(at)
    assert "at most 33.5 % of good parts are stopped on average" in words(at)
    assert button(visit("operating", "inspector"), "operating-set") is None


def test_a_version_that_is_held_back_is_promoted_with_a_reason_and_rolled_back(visit_twice):
    context, visit = visit_twice
    with context.database.write() as session:
        for row in scores.scores_of(session, 2):
            row.standing = Standing.normal
    at = visit("versions")
    assert "confirmed defects" in words(at)
    button(at, "promote-2").click()
    run(at)
    assert "needs a reason" in at.error[0].value
    at.text_input(key="why-2").set_value("line stands still")
    button(at, "promote-2").click()
    run(at)
    assert promotions_of(context, ENGINEER, "tile")[0][1] == 2
    button(at, "promote-1").click()
    run(at)
    assert promotions_of(context, ENGINEER, "tile")[0][1] == 1


def test_what_becomes_of_the_operating_point_is_said_before_a_promotion_and_after_it(visit_twice):
    context, visit = visit_twice
    for number in (1, 2):
        calibrated(context, number, [i / (90 + number) for i in range(60)])
    set_gate(context, ENGINEER, "tile", Gate(lost=99, recall_floor=0.0, false_alarm_ceiling=1.0))
    set_operating_point(context, ENGINEER, "tile", 1, promise="confident", alpha=0.05)
    at = visit("versions")
    carried = "The operating point α = 5 % (90 % confidence) is carried over: v1 stops above"
    assert carried in words(at) and not at.warning
    other = visit("operating")
    other.selectbox(key="operating-this").set_value(2)
    assert f"If v2 is promoted: {carried}" in words(run(other))
    button(at, "promote-2").click()
    run(at)
    assert at.dataframe[-1].value["operating point"][0].startswith(carried)
    said = words(visit("operating"))
    assert "v2 decides now, at most 5 % of good parts are stopped" in said and "If v2 is promoted" not in said
    assert "v1 keeps its own operating point α = 5 %" in words(visit("versions"))


def test_an_operating_point_that_cannot_be_carried_over_is_warned_of_before_the_promotion(visit_twice):
    context, visit = visit_twice
    calibrated(context, 1, [i / 90 for i in range(60)])
    set_operating_point(context, ENGINEER, "tile", 1, promise="confident", alpha=0.05)
    at = visit("versions")
    (warning,) = [each.value for each in at.warning if "operating point" in each.value]
    assert "is not carried over: only 2 good parts calibrate v2" in warning
    assert warning.endswith("After the promotion v2 decides by its boundary b\\_n.")


def test_an_audit_is_switched_off_with_a_reason_and_the_pages_say_so_from_then_on(visit):
    at = visit("review_labels")
    at.slider(key="audit-share").set_value(0)
    run(at)
    button(at, "audit-keep").click()
    run(at)
    assert "give the reason" in words(at)
    at.text_input(key="audit-reason").set_value("all parts are looked at twice")
    run(at)
    button(at, "audit-keep").click()
    run(at)
    for page in ("label", "operating"):
        said = words(visit(page))
        assert "No audit by lot since 20" in said and "engineer: all parts are looked at twice" in said, page
        assert "how many defects pass is no longer estimated" in said


def test_a_reviewer_reads_the_audit_share_and_cannot_move_it(visit):
    at = visit("review_labels", "reviewer")
    assert "**15 %**" in words(at) and [slider.key for slider in at.slider] == ["blind-share"]


def test_odd_normals_are_looked_for_and_settled_before_there_is_a_version(served, visit, tmp_path):
    create_project(served, ENGINEER, name="new", built_in=True, size=64)
    for i in range(6):
        (tmp_path / f"{i}.png").write_bytes(part(i, scratch=i == 2))
    for path in sorted(tmp_path.glob("*.png")):
        ingest_source(served, ENGINEER, "new", path, content="normal")
    at = visit("review_labels", "admin", query={"project": "new"})
    assert "no boundary" in words(at) and "No odd normal waits" in words(at)
    button(at, "odd-start").click()
    run(at)
    with served.database.read() as session:
        job_id = runs.active_run(session, 2, "contamination").id
    job = begin(served.database, job_id)
    handlers(served)["contamination"](job)
    finish(job)
    at = visit("review_labels", "admin", query={"project": "new"})
    first = odd_normals(served, ENGINEER, "new").found[0]
    assert first.name == "2.png" and "2.png  \n:orange[1 of 6: its oddest place lies" in words(at)
    accept = button(at, f"accept-{first.annotation_id}")
    assert "6 of 6 good parts, 20" in words(at)
    assert accept.label == "It is normal"
    accept.click()
    run(at)
    assert button(at, f"accept-{first.annotation_id}") is None and "1 of 6" not in words(at)
