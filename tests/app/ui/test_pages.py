"""Every page, run as Streamlit runs it, on a real installation: what it says to whom."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import app.ui
from app.ledger import begin, finish
from app.processes import environment_of
from app.services.accounts import create_account
from app.services.contamination import odd_normals
from app.services.impact import promotions_of
from app.services.ingest import create_project, ingest_source
from app.services.label import label_view
from app.services.members import members_of, set_role
from app.services.retrain import request_retraining
from app.services.score import ranked_queue
from app.services.sign_in import sign_in, sign_out
from app.services.tokens import bearer
from app.ui.opened import opened
from app.worker.loop import handlers
from storage import annotations, runs, scores
from storage.models import Role, RunState, Standing, Verdict
from tests.app.conftest import ADMIN, ENGINEER, part

UI = Path(app.ui.__file__).parent
PAGES = (
    "home",
    "ingest",
    "gallery",
    "label",
    "retrain",
    "histograms",
    "drift",
    "compare",
    "operating",
    "bias",
    "versions",
    "review_labels",
    "members",
)
FOR_ALL = ("people", "audit", "account")  # of no project


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


@pytest.fixture
def visit(served, token_of):
    """Opens a page as the account of a role; a page that breaks fails the test with what it showed."""
    return visitor(token_of)


def visitor(token_of):
    def go(page, role="engineer", *, query=None):
        at = AppTest.from_file(UI / "pages" / f"{page}.py", default_timeout=30)
        at.session_state["token"] = token_of(role)
        for key, value in (query or {}).items():
            at.query_params[key] = value
        return run(at)

    return go


def run(at):
    at.run()
    assert not at.exception, at.exception[0].stack_trace
    return at


def words(at):
    kinds = (at.title, at.header, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.metric)
    return " | ".join(str(getattr(e, "label", "")) + " " + str(e.value) for kind in kinds for e in kind)


def address(at):
    """The image of the page's address."""
    value = at.query_params["image"]
    return int(value[0] if isinstance(value, list) else value)


def button(at, key):
    return next((b for b in at.button if b.key == key), None)


@pytest.mark.parametrize("page", PAGES + FOR_ALL)
@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_every_page_opens_for_every_reader(visit, page, role):
    at = visit(page, role)
    assert not at.error and words(at)


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_to_do_before_there_is_anything(served, visit, page):
    create_project(served, ENGINEER, name="empty", built_in=True)
    at = visit(page, "admin", query={"project": "empty"})
    assert not at.error
    hints = ("bring in", "no version yet", "has no image")
    assert any(hint in words(at).lower() for hint in hints), words(at)


def test_a_running_retrain_draws_its_losses_and_the_level_that_one_chooses(served, visit):
    run_id = request_retraining(served, ENGINEER, "tile", preset="demo")
    job = begin(served.database, run_id)
    level = {"low": -1.0, "high": 0.0, "normal": [1, 5, 9], "known": [3, 0, 0], "b_n": -0.4, "b_a": -0.5}
    live = [{**level, "level": "1"}, {**level, "level": "2", "b_n": -0.3}]
    job.progress("phase 2", 2, 10, loss=0.5, losses={"phase 1": [0.9, 0.7], "phase 2": [0.6, 0.5]}, live=live)
    at = visit("retrain")
    assert "phase 2" in at.get("progress")[0].proto.text and len(at.get("plotly_chart")) == 2
    at.get("button_group")[0].set_value(["1"])
    run(at)
    assert len(at.get("plotly_chart")) == 2
    assert not visit("home").get("plotly_chart")  # other pages keep to the line


@pytest.mark.parametrize("page", PAGES + FOR_ALL)
def test_a_sign_in_that_ended_ends_the_page(served, visit, page):
    at = visit(page)
    sign_out(served, at.session_state["token"])
    assert "sign-in has ended" in words(run(at))
    assert not at.metric and not at.button


@pytest.mark.parametrize("page", PAGES + FOR_ALL)
def test_whoever_has_no_role_anywhere_sees_nothing_of_any_project(served, visit, page):
    create_account(served, ADMIN, name="nora", password="three grey parts", role=None)
    at = visit(page, "nora", query={"project": "tile"})
    assert not at.metric and not at.dataframe and "tile" not in words(at), words(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_role_that_was_taken_away_ends_at_the_next_click(served, visit, page):
    at = visit(page)
    set_role(served, ADMIN, "tile", "engineer", None)
    run(at)
    assert not at.metric and not at.dataframe and "tile" not in words(at), words(at)


def test_an_engineer_gives_and_takes_roles(served, visit):
    create_account(served, ADMIN, name="nora", password="three grey parts", role=None)
    at = visit("members")
    at.text_input(key="member-name").set_value("nora")
    at.button[-1].click()
    run(at)
    assert {member.name: member.role for member in members_of(served, ADMIN, "tile")}["nora"] is Role.inspector
    at.selectbox(key="role-nora").set_value("no role")
    run(at)
    button(at, "change-nora").click()
    run(at)
    assert "nora" not in {member.name for member in members_of(served, ADMIN, "tile")}


def test_an_admin_makes_an_account_whose_password_is_shown_once(served, visit):
    at = visit("people", "admin")
    at.text_input(key="people-name").set_value("nora")
    at.button[-1].click()
    run(at)
    assert "shown this once" in at.success[0].value and sign_in(served, "nora", at.code[0].value)
    assert not run(at).code


def test_an_admin_reads_and_verifies_the_trail(visit):
    at = visit("audit", "admin")
    assert {"sign in", "create account"} <= set(at.dataframe[0].value["what"])
    at.text_input(key="audit-by").set_value("admin")
    button(at, "audit-verify").click()
    run(at)
    assert "follow one another" in at.success[0].value
    assert set(at.dataframe[0].value["who"]) == {"admin"}


def test_a_token_is_made_shown_once_and_revoked(served, visit):
    at = visit("account")
    at.text_input(key="token-name").set_value("line 2")
    at.button[-1].click()
    run(at)
    made = at.code[0].value
    assert bearer(served, made).name == "engineer/line 2"
    button(at, "revoke-1").click()
    run(at)
    assert bearer(served, made) is None and not at.code


def test_viewers_are_offered_no_verdict_and_no_retrain(visit):
    assert button(visit("label", "viewer"), "label-defect") is None
    assert button(visit("label", "inspector"), "label-defect") is not None
    assert not visit("retrain", "inspector").text_input and visit("retrain", "engineer").text_input


def test_a_verdict_is_on_disk_before_the_next_image_opens(served, visit):
    at = visit("label", "inspector")
    first = address(at)
    button(at, "label-defect").click()
    run(at)
    said = label_view(served, ENGINEER, "tile", first).said
    assert (said.verdict, said.by, said.revision) == (Verdict.defect, "inspector", 1)
    assert address(at) != first
    assert "Saved: defect" in at.toast[0].value


def test_undo_takes_the_last_label_back_and_shows_its_image(served, visit):
    at = visit("label", "inspector")
    first = address(at)
    assert button(at, "label-undo").disabled
    button(at, "label-normal").click()
    run(at)
    button(at, "label-undo").click()
    run(at)
    assert label_view(served, ENGINEER, "tile", first).said.verdict is None
    assert address(at) == first


def test_skipping_saves_nothing(served, visit):
    at = visit("label", "inspector")
    before = at.query_params.get("image")
    button(at, "label-skip").click()
    run(at)
    assert at.query_params["image"] != before
    with served.database.read() as session:
        assert annotations.counts(session, 1) == {Verdict.normal: 13, Verdict.defect: 3}


def test_when_all_is_labelled_the_page_says_so_and_offers_the_retrain(visit):
    at = visit("label", "inspector")
    for _ in range(6):
        button(at, "label-normal").click()
        run(at)
    assert "All done" in words(at) and button(at, "label-retrain") is not None


def test_a_colleagues_faster_save_is_told_and_not_overwritten(served, visit):
    at = visit("label", "inspector")
    shown = ranked_queue(served, ENGINEER, "tile", show="unlabelled").items[0].image_id
    with served.database.write() as session:
        annotations.save_annotation(
            session, image_id=shown, verdict=Verdict.normal, defect_type=None, mask=None, by="otto", client_id="x",
            expected_revision=0, version_id=None, score=None,
        )  # fmt: skip
    at.query_params["image"] = str(shown)
    button(at, "label-defect").click()
    run(at)
    with served.database.read() as session:
        row = annotations.current_annotation(session, shown)
    assert (row.by, row.revision) in {("otto", 1), ("inspector", 2)}


def test_an_image_of_nowhere_is_a_sentence(visit):
    assert "no image 4711" in visit("label", query={"image": "4711"}).error[0].value


def test_the_retrain_button_queues_one_run(served, visit):
    at = visit("retrain")
    button(at, at.button[0].key).click()
    run(at)
    with served.database.read() as session:
        active = [r for r in runs.runs(session, 1) if r.state is RunState.queued]
    assert len(active) == 1 and active[0].by == "engineer" and active[0].kind == "retrain"
    assert not at.text_input  # while it is queued, no second one is offered
    cancel = button(at, f"cancel-{active[0].id}")
    cancel.click()
    run(at)
    with served.database.read() as session:
        assert runs.run(session, active[0].id).state is RunState.cancelled


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


def test_a_project_is_made_on_the_ingest_page(visit):
    at = visit("ingest")
    at.text_input[0].set_value("Gear 12")
    at.button[-1].click()
    run(at)
    assert at.session_state["project"] == "gear-12"


def test_main_shows_the_navigation_and_the_project(served, token_of):
    at = AppTest.from_file(UI / "shell" / "main.py", default_timeout=30)
    at.session_state["token"] = token_of("inspector")
    run(at)
    assert at.sidebar.selectbox[0].value == "tile"
    assert "inspector" in at.sidebar.caption[0].value
    assert opened() is not None


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
