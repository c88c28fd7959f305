"""Every page, run as Streamlit runs it, on a real installation: what it says to whom."""

import pytest
from streamlit.testing.v1 import AppTest

from app.ledger import begin
from app.services.accounts import create_account
from app.services.ingest import create_project
from app.services.members import set_role
from app.services.retrain import request_retraining
from app.services.sign_in import sign_out
from app.ui.opened import opened
from storage import runs
from storage.models import RunState
from tests.app.conftest import ADMIN, ENGINEER
from tests.app.ui.visitor import UI, button, run, words
from tests.patience import PATIENCE

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


def test_viewers_are_offered_no_verdict_and_no_retrain(visit):
    assert button(visit("label", "viewer"), "label-defect") is None
    assert button(visit("label", "inspector"), "label-defect") is not None
    assert not visit("retrain", "inspector").text_input and visit("retrain", "engineer").text_input


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


def test_a_project_is_made_on_the_ingest_page(visit):
    at = visit("ingest")
    at.text_input[0].set_value("Gear 12")
    at.button[-1].click()
    run(at)
    assert at.session_state["project"] == "gear-12"


def test_main_shows_the_navigation_and_the_project(served, token_of):
    at = AppTest.from_file(UI / "shell" / "main.py", default_timeout=PATIENCE)
    at.session_state["token"] = token_of("inspector")
    run(at)
    assert at.sidebar.selectbox[0].value == "tile"
    assert "inspector" in at.sidebar.caption[0].value
    assert opened() is not None
