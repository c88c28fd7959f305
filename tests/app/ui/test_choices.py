"""What a person chooses to see: the purpose on the Label page, and whose labels on the Review labels page."""

import uuid

import pytest

from app.services.label import save_verdict
from app.services.queue import queue_for
from app.services.score import ranked_queue
from app.services.suspects import unseen
from storage.annotations import IMPORT
from storage.models import Verdict
from tests.app.conftest import ADMIN, ENGINEER, INSPECTOR
from tests.app.ui.visitor import address, run, visitor, words


@pytest.fixture
def label(served, token_of):
    """The Label page, with the choice that its address carries."""
    return lambda ask: visitor(token_of)("label", "inspector", query={"label-ask": ask})


@pytest.fixture
def review(served, token_of):
    """The Review labels page at one of its lists, as a reviewer sees it."""

    def go(kind):
        at = visitor(token_of)("review_labels", "reviewer")
        at.get("button_group")[0].set_value(kind)
        return run(at)

    return go


@pytest.fixture
def doubted(served):
    """The worst part that nobody labelled, called normal by an inspector: the boundary doubts it."""
    worst = ranked_queue(served, ENGINEER, "tile", show="unlabelled").items[0]
    given = {"verdict": Verdict.normal, "mask_png": None, "client_id": str(uuid.uuid4()), "expected_revision": 0}
    return save_verdict(served, INSPECTOR, worst.image_id, **given).id


def cards(at):
    """The labels that the page shows, by their id."""
    return [int(b.key.removeprefix("accept-")) for b in at.button if (b.key or "").startswith("accept-")]


def test_the_queue_gives_what_it_is_asked_for(served, label):
    audited = [each.item.image_id for each in queue_for(served, INSPECTOR, "tile", ask="audit").wanted]
    mixed = [each.item.image_id for each in queue_for(served, INSPECTOR, "tile").wanted]
    assert mixed[0] not in audited
    assert address(label("What teaches most")) == mixed[0]
    at = label("Audit of good parts")
    assert at.selectbox(key="label-ask").value == "audit" and address(at) == audited[0]


def test_an_empty_queue_leaves_the_choice_that_emptied_it(label):
    at = label("Label checks")
    assert "No image waits for “Label checks”" in words(at)
    at.selectbox(key="label-ask").set_value("mixed")
    run(at)
    assert "Nothing to label" not in words(at) and address(at) > 0


@pytest.mark.parametrize("who", ["all", "people", "import"])
def test_labels_that_nobody_looked_at_again_are_shown_by_who_said_them(served, review, doubted, who):
    at = review("unseen")
    assert at.selectbox(key="review-who-unseen").value == "people" and cards(at) == [doubted]
    at.selectbox(key="review-who-unseen").set_value(who)
    run(at)
    imported = [each.annotation_id for each in unseen(served, ADMIN, "tile", who="all") if each.by == IMPORT]
    mine, theirs = [doubted] * (who != "import"), imported * (who != "people")
    assert imported and cards(at) == (mine + theirs)[:12]


def test_what_the_boundary_doubts_is_narrowed_to_who_said_it(review, doubted):
    at = review("doubted")
    assert at.selectbox(key="review-who-doubted").value == "all" and doubted in cards(at)
    for who, shown in (("import", False), ("people", True)):
        at.selectbox(key="review-who-doubted").set_value(who)
        run(at)
        assert (doubted in cards(at)) == shown


def test_each_list_keeps_its_own_choice_of_who_said_it(review):
    at = review("unseen")
    assert "Every label of a colleague has been looked at again" in words(at)
    at.selectbox(key="review-who-unseen").set_value("import")
    run(at)
    assert cards(at)
    at.get("button_group")[0].set_value("doubted")
    run(at)
    assert at.selectbox(key="review-who-doubted").value == "all"
