"""Labels looked at again: what the boundary doubts, who may say so, and many parts marked at once."""

import uuid

import numpy as np
import pytest

from app.services.authority import Actor, NotAllowed
from app.services.bulk import mark_normal
from app.services.errors import Refused
from app.services.heat import Scale
from app.services.label import label_view, save_verdict
from app.services.label_aids import is_blind, log_p_bytes, most_alike, set_blind_share, typical_reach
from app.services.label_history import label_history, restore
from app.services.queue import queue_for
from app.services.score import ranked_queue
from app.services.suspects import agreement, mask_doubt, review_label, suspects, unseen
from storage.annotations import IMPORT
from storage.masks import encode_mask
from storage.models import Role, Verdict

IDA, RITA = Actor("ida", Role.inspector), Actor("rita", Role.reviewer)
SCALE = Scale(median=0.0, b_n=-1.0, b_a=-2.0)


def save(context, image_id, verdict, *, revision=0, mask=None, by=IDA):
    png = None if mask is None else encode_mask(mask)
    return save_verdict(
        context, by, image_id, verdict=verdict, mask_png=png, client_id=str(uuid.uuid4()), expected_revision=revision
    )


def test_a_mask_is_doubted_where_nothing_in_it_is_abnormal_or_it_lies_elsewhere():
    log_p = np.zeros((8, 8), np.float32)
    log_p[:2, :2] = -3
    on, off, wide = (np.zeros((32, 32), bool) for _ in range(3))
    on[:8, :8] = True
    off[20:28, 20:28] = True
    wide[:8, :] = wide[:, 4:] = True
    assert mask_doubt(encode_mask(on), log_p, SCALE) == ""
    assert "no marked place lies below b_n" in mask_doubt(encode_mask(off), log_p, SCALE)
    assert "share" in mask_doubt(encode_mask(wide), log_p, SCALE)


def test_a_normal_label_beyond_the_boundary_is_doubted_until_somebody_reviews_it(trained):
    worst = ranked_queue(trained, IDA, "tile", show="unlabelled").items[0]
    assert worst.standing.value == "defect"
    row = save(trained, worst.image_id, Verdict.normal)
    assert worst.image_id in [s.image_id for s in suspects(trained, RITA, "tile")]
    with pytest.raises(Refused, match="needs a reason"):
        review_label(trained, RITA, row.id, accepted=False, reason=" ")
    review_label(trained, RITA, row.id, accepted=False, reason="a scratch at the top")
    assert worst.image_id not in [s.image_id for s in suspects(trained, RITA, "tile")]
    assert agreement(trained, RITA, "tile") == {"normal": (0, 1)}
    assert label_history(trained, IDA, worst.image_id)[0].review == "rejected by rita"


def test_nobody_reviews_their_own_label_and_inspectors_review_none(trained):
    image_id = ranked_queue(trained, IDA, "tile", show="unlabelled").items[0].image_id
    row = save(trained, image_id, Verdict.defect, by=RITA)
    with pytest.raises(Refused, match="your own"):
        review_label(trained, RITA, row.id, accepted=True)
    with pytest.raises(NotAllowed):
        suspects(trained, IDA, "tile")
    assert image_id not in [s.image_id for s in unseen(trained, RITA, "tile")]


def test_what_is_reviewed_or_came_by_import_crowds_out_nothing(trained):
    worst, next_one, other = [item.image_id for item in ranked_queue(trained, IDA, "tile", show="unlabelled").items][:3]
    reviewed = save(trained, worst, Verdict.normal)
    save(trained, next_one, Verdict.normal)
    save(trained, other, Verdict.defect, by=Actor(IMPORT, Role.reviewer))
    review_label(trained, RITA, reviewed.id, accepted=True)
    assert [found.image_id for found in suspects(trained, RITA, "tile", limit=1)] == [next_one]
    assert [found.image_id for found in unseen(trained, RITA, "tile", limit=1)] == [next_one]


def test_many_are_marked_at_once_and_a_label_in_between_stays(trained):
    ids = [item.image_id for item in ranked_queue(trained, IDA, "tile", show="unlabelled").items]
    save(trained, ids[0], Verdict.defect)
    done = mark_normal(trained, IDA, "tile", ids)
    assert (done.marked, done.left) == (len(ids) - 1, 1)
    assert label_view(trained, IDA, "tile", ids[0]).said.verdict is Verdict.defect
    assert queue_for(trained, IDA, "tile").wanted == []
    with pytest.raises(Refused, match="more than 500"):
        mark_normal(trained, IDA, "tile", list(range(501)))


def test_an_earlier_label_stands_again_with_its_mask(trained):
    image_id = ranked_queue(trained, IDA, "tile", show="unlabelled").items[0].image_id
    mask = np.eye(64, dtype=bool)
    save(trained, image_id, Verdict.defect, mask=mask)
    save(trained, image_id, Verdict.normal, revision=1)
    restore(trained, RITA, image_id, revision=1, expected_revision=2, client_id="again")
    said = label_view(trained, IDA, "tile", image_id).said
    assert (said.verdict, said.mask, said.by, said.revision) == (Verdict.defect, encode_mask(mask), "rita", 3)
    with pytest.raises(Refused, match="no revision 9"):
        restore(trained, RITA, image_id, revision=9, expected_revision=3, client_id="never")


def test_the_parts_most_like_one_are_labelled_and_not_itself(trained):
    queue = queue_for(trained, IDA, "tile")
    first = queue.wanted[0].item.image_id
    normal, defect = most_alike(trained, IDA, queue.version_id, first)
    assert label_view(trained, IDA, "tile", normal.image_id).said.verdict is Verdict.normal
    assert (defect.defect_type, defect.image_id != first) == ("scratch", True)


def test_the_browser_gets_the_log_likelihoods_that_the_isolines_come_from(trained):
    queue = queue_for(trained, IDA, "tile")
    first = queue.wanted[0].item.image_id
    data = log_p_bytes(trained, IDA, first, queue.version_id)
    height, width = np.frombuffer(data[:4], "<u2")
    plane = np.frombuffer(data[4:], "<f4").reshape(height, width)
    assert plane.min() == pytest.approx(label_view(trained, IDA, "tile", first).reading.lowest)


def test_the_blind_share_is_kept_by_lot_and_within_bounds(trained):
    assert not any(is_blind(trained, IDA, "tile", i) for i in range(50))
    set_blind_share(trained, RITA, "tile", 0.3)
    share = np.mean([is_blind(trained, IDA, "tile", i) for i in range(400)])
    assert 0.2 < share < 0.4
    with pytest.raises(Refused, match="90%"):
        set_blind_share(trained, RITA, "tile", 0.9)


def test_how_far_defects_reach_is_learnt_from_what_people_marked_and_not_from_held_out_parts(trained):
    assert typical_reach(trained, IDA, "tile") is None  # the tree's marked defects are held out
    for size in (6, 10, 20):
        mask = np.zeros((64, 64), dtype=bool)
        mask[10 : 10 + size, 20 : 20 + size] = True
        mask[60, 60] = True  # a speck beside the region
        item = ranked_queue(trained, IDA, "tile", show="unlabelled").items[0]
        save_verdict(
            trained, IDA, item.image_id, verdict=Verdict.defect, defect_type="dent", mask_png=encode_mask(mask),
            client_id=f"reach-{size}", expected_revision=0,
        )  # fmt: skip
    assert typical_reach(trained, IDA, "tile") == pytest.approx(10 / np.sqrt(np.pi) / 64)


def test_log_likelihoods_come_by_level_and_an_unknown_one_is_refused(trained):
    queue = ranked_queue(trained, IDA, "tile", show="unlabelled")
    planes = {level: log_p_bytes(trained, IDA, queue.items[0].image_id, queue.version_id, level) for level in "123"}
    assert len(set(planes.values())) == 3 and len({len(data) for data in planes.values()}) == 1
    with pytest.raises(Refused, match="no level '9': choose fused, 1, 2, 3"):
        log_p_bytes(trained, IDA, queue.items[0].image_id, queue.version_id, "9")


def test_what_people_said_and_what_was_imported_are_told_apart(trained):
    first, second = [item.image_id for item in ranked_queue(trained, IDA, "tile", show="unlabelled").items][:2]
    save(trained, first, Verdict.normal)
    save(trained, second, Verdict.normal, by=Actor(IMPORT, Role.reviewer))
    for look in (suspects, unseen):
        people, imported, both = (
            {found.image_id for found in look(trained, RITA, "tile", who=who)} for who in ("people", "import", "all")
        )
        assert first in people and second in imported and not people & imported and both == people | imported
