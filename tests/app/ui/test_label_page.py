"""The Label page: a verdict is on disk before the next image, and nobody writes over a colleague unawares."""

from app.services.authority import Actor
from app.services.label import label_view
from app.services.queue import queue_for
from storage import annotations
from storage.models import Role, Verdict
from tests.app.conftest import ENGINEER
from tests.app.ui.visitor import address, button, run, words


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


def test_another_choice_opens_an_image_that_it_asks_for(served, visit):
    at = visit("label", "inspector")
    given, opened = address(at), set()
    for ask in ("audit", "boundary", "new", "defect"):
        at.selectbox(key="label-ask").select(ask)
        run(at)
        queue = queue_for(served, Actor("inspector", Role.inspector), "tile", ask=ask)
        shown = address(at) if "image" in at.query_params else None
        assert shown in {wanted.item.image_id for wanted in queue.wanted} or (shown is None and not queue.wanted)
        opened.add(shown)
    assert opened - {given}


def test_when_all_is_labelled_the_page_says_so_and_offers_the_retrain(visit):
    at = visit("label", "inspector")
    for _ in range(6):
        button(at, "label-normal").click()
        run(at)
    assert "All done" in words(at) and button(at, "label-retrain") is not None


def otto_says_normal(served, image_id, *, seen=0):
    with served.database.write() as session:
        annotations.save_annotation(
            session, image_id=image_id, verdict=Verdict.normal, defect_type=None, mask=None, by="otto", client_id="x",
            expected_revision=seen, version_id=None, score=None,
        )  # fmt: skip


def standing(served, image_id):
    said = label_view(served, ENGINEER, "tile", image_id).said
    return said.by, said.verdict, said.revision


def test_a_colleagues_faster_save_is_told_and_not_overwritten(served, visit):
    at = visit("label", "inspector")
    shown = address(at)
    otto_says_normal(served, shown)
    button(at, "label-defect").click()
    run(at)
    assert "Otto said normal in between (revision 1, you saw 0)" in words(at) and address(at) == shown
    assert standing(served, shown) == ("otto", Verdict.normal, 1)
    button(at, "label-defect").click()  # now on what otto said
    run(at)
    assert standing(served, shown) == ("inspector", Verdict.defect, 2)


def test_a_label_that_a_colleague_replaced_meanwhile_is_not_brought_back_unawares(served, visit):
    at = visit("label", "inspector")
    shown = address(at)
    button(at, "label-defect").click()
    run(at)
    button(at, "label-undo").click()
    run(at)
    otto_says_normal(served, shown, seen=2)
    button(at, f"restore-{shown}-1").click()
    run(at)
    assert "Otto said normal in between" in words(at) and standing(served, shown) == ("otto", Verdict.normal, 3)


def test_an_image_of_nowhere_is_a_sentence(visit):
    assert "no image 4711" in visit("label", query={"image": "4711"}).error[0].value
