"""The desk of somebody who labels: no verdict without the mask on the stage, no stroke lost to haste."""

import numpy as np
import pytest

from app.services.label import label_view
from app.services.score import ranked_queue
from app.ui.components.mask_editor import Commit, parse
from app.ui.labelling import Desk
from app.ui.visit import Visit
from storage.masks import decode_mask, encode_mask
from storage.models import Role, Verdict
from tests.app.conftest import ENGINEER


@pytest.fixture
def here(trained):
    return Visit(trained, ENGINEER, "tile", Role.engineer)


@pytest.fixture
def view(here):
    first = ranked_queue(here.context, ENGINEER, "tile", show="unlabelled").items[0].image_id
    return label_view(here.context, ENGINEER, "tile", first)


def drawn(view, rev, *, rows, base=0):
    mask = np.zeros((view.height, view.width), dtype=bool)
    mask[:rows] = True
    return Commit(view.image_id, base, rev, encode_mask(mask))


def stored_rows(here, view):
    said = label_view(here.context, ENGINEER, "tile", view.image_id).said
    return said.revision, int(decode_mask(said.mask)[:, 0].sum())


def test_the_latest_mask_goes_with_the_verdict_whatever_order_they_come_in(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    for rev, rows in ((1, 5), (3, 9), (2, 7)):
        at.take(here, drawn(view, rev, rows=rows))
    assert at.settled(view, 3, (Verdict.defect, "dent")) == (Verdict.defect, "dent")
    at.save(here, view, Verdict.defect, "dent")
    assert stored_rows(here, view) == (1, 9)


def test_a_verdict_waits_for_a_mask_that_only_the_browser_has(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    assert at.settled(view, 4, (Verdict.defect, "dent")) is None
    assert at.settled(view, 4, None) is None  # and goes on waiting
    at.take(here, drawn(view, 4, rows=6))
    assert at.settled(view, 4, None) == (Verdict.defect, "dent")
    assert at.held is None


def test_a_normal_part_has_no_mask_to_wait_for(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    assert at.settled(view, 4, (Verdict.normal, None)) == (Verdict.normal, None)


def test_a_waiting_verdict_is_for_its_own_image_alone(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    at.settled(view, 4, (Verdict.defect, "dent"))
    other = ranked_queue(here.context, ENGINEER, "tile", show="unlabelled").items[1].image_id
    assert at.settled(label_view(here.context, ENGINEER, "tile", other), 0, None) is None


def test_a_stroke_that_arrives_after_its_verdict_becomes_a_revision_of_it(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    at.take(here, drawn(view, 1, rows=5))
    at.save(here, view, Verdict.defect, "dent")
    at.take(here, drawn(view, 2, rows=8))
    at.take(here, drawn(view, 2, rows=8))  # sent again, saved once
    assert stored_rows(here, view) == (2, 8)


def test_undo_takes_a_late_stroke_back_with_its_verdict(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    at.save(here, view, Verdict.defect, "dent")
    at.take(here, drawn(view, 1, rows=5))
    at.undo(here)
    said = label_view(here.context, ENGINEER, "tile", view.image_id).said
    assert (said.verdict, said.mask, said.revision) == (None, None, 3)


def test_undo_gives_back_what_stood_before(here, view):
    at = Desk()
    at.draft_of(view.image_id, 0)
    at.save(here, view, Verdict.unsure, None)
    assert at.undo(here) == view.image_id and at.undo(here) is None
    assert label_view(here.context, ENGINEER, "tile", view.image_id).said.verdict is None


@pytest.mark.parametrize(
    "value", [None, [], {"imageId": 1}, {"imageId": 1, "base": 0, "rev": 1, "png": "§"}, {"imageId": "1", "rev": 1}]
)
def test_what_no_editor_sends_is_no_commit(value):
    assert parse(value) is None
