"""The queue: its shares, its reasons, one person per image, and what the audit says of escapes."""

import math
import uuid

import numpy as np
import pytest

from app.services.audit_share import audit_share, set_audit_share
from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.escapes import escapes, interval
from app.services.ingest import create_project, ingest_source
from app.services.label import save_verdict
from app.services.mixing import SHARES, mixed, purpose_of, shares_with
from app.services.queue import claim, hold, offer_again, queue_for, skip
from app.services.trail import Filter, trail
from storage.models import Role, Standing, Verdict
from storage.pool import Candidate
from tests.app.conftest import ADMIN, ENGINEER, part

IDA, OTTO, VIC = Actor("ida", Role.inspector), Actor("otto", Role.inspector), Actor("vic", Role.viewer)


def candidate(image_id, *, standing=Standing.normal, at=None, score=0.4):
    descriptor = None if at is None else np.array([at, 0.0], dtype=np.float16).tobytes()
    return Candidate(image_id, f"{image_id}.png", score, 0.1, standing, 0.0, None, descriptor, False)


def test_over_many_labels_each_purpose_gets_its_share():
    pools = {purpose: [candidate(1000 * i + k) for k in range(200)] for i, purpose in enumerate(SHARES)}
    chosen = [purpose for purpose, _ in mixed(pools, done=[], length=100)]
    assert {purpose: chosen.count(purpose) for purpose in SHARES} == pytest.approx(
        {purpose: 100 * share for purpose, share in SHARES.items()}, abs=1
    )


def test_what_was_labelled_counts_so_that_the_audit_cannot_be_starved():
    pools = {purpose: [candidate(i)] for i, purpose in enumerate(SHARES)}
    (first, _), *_ = mixed(pools, done=["defect"] * 20 + ["boundary"] * 15 + ["new"] * 9 + ["check"] * 6, length=1)
    assert first == "audit"


def test_near_identical_images_do_not_follow_one_another():
    twins = [candidate(1, at=0.0), candidate(2, at=0.01), candidate(3, at=5.0), candidate(4, at=9.0)]
    order = [found.image_id for _, found in mixed({"defect": twins}, done=[], length=4)]
    assert order == [1, 3, 4, 2]


def test_the_audit_keeps_its_lots_even_when_they_are_alike():
    twins = [candidate(1, at=0.0), candidate(2, at=0.01), candidate(3, at=5.0), candidate(4, at=9.0)]
    assert [found.image_id for _, found in mixed({"audit": twins}, done=[], length=4)] == [1, 2, 3, 4]


def test_an_image_is_shown_once_whatever_it_is_good_for():
    both = [candidate(1), candidate(2)]
    assert sorted(c.image_id for _, c in mixed({"defect": both, "boundary": both}, done=[], length=9)) == [1, 2]


def test_an_images_own_facts_say_what_it_is_good_for():
    assert purpose_of(Standing.defect, 9.0) == "defect" and purpose_of(Standing.margin, None) == "boundary"
    assert purpose_of(Standing.normal, 1.4) == "new" and purpose_of(Standing.normal, 0.9) is None


def test_every_item_says_why(trained):
    queue = queue_for(trained, VIC, "tile")
    assert len(queue.wanted) == 6 and queue.version_id and queue.unscored == 0
    assert all(wanted.why and wanted.purpose in SHARES for wanted in queue.wanted)
    assert {w.purpose for w in queue_for(trained, VIC, "tile", ask="audit").wanted} <= {"audit"}
    with pytest.raises(Refused, match="no purpose 'mine'"):
        queue_for(trained, VIC, "tile", ask="mine")


def test_two_inspectors_get_two_images_and_a_reload_shows_the_same(trained):
    ida = claim(trained, IDA, "tile", queue_for(trained, IDA, "tile"))
    stale = queue_for(trained, OTTO, "tile")
    otto = claim(trained, OTTO, "tile", stale)
    assert ida.item.image_id != otto.item.image_id
    assert claim(trained, IDA, "tile", queue_for(trained, IDA, "tile")) == ida
    assert ida.item.image_id not in [w.item.image_id for w in queue_for(trained, OTTO, "tile").wanted]
    assert hold(trained, OTTO, "tile", ida.item.image_id) == ("ida", None)
    assert hold(trained, IDA, "tile", ida.item.image_id) == (None, ida)
    with pytest.raises(NotAllowed):
        claim(trained, VIC, "tile", stale)


def test_an_image_that_a_person_chose_is_theirs_and_has_no_purpose(trained):
    chosen = queue_for(trained, OTTO, "tile").wanted[2].item.image_id
    assert hold(trained, OTTO, "tile", chosen) == (None, None)
    assert chosen not in [w.item.image_id for w in queue_for(trained, IDA, "tile").wanted]
    other = queue_for(trained, VIC, "tile").wanted[0].item.image_id
    hold(trained, VIC, "tile", other)  # a viewer looks and holds nothing
    assert other in [w.item.image_id for w in queue_for(trained, IDA, "tile").wanted]


def test_a_skipped_image_comes_back_when_asked_for(trained):
    first = claim(trained, IDA, "tile", queue_for(trained, IDA, "tile")).item.image_id
    skip(trained, IDA, first)
    queue = queue_for(trained, IDA, "tile")
    assert first not in [w.item.image_id for w in queue.wanted] and queue.skipped == 1
    assert offer_again(trained, IDA, "tile") == 1
    assert first in [w.item.image_id for w in queue_for(trained, IDA, "tile").wanted]


def test_before_day_one_the_queue_asks_for_first_labels(context, tmp_path):
    slug = create_project(context, ENGINEER, name="gear", built_in=True, size=64).slug
    (tmp_path / "pool").mkdir()
    for i in range(3):
        (tmp_path / "pool" / f"{i}.png").write_bytes(part(i))
    ingest_source(context, ENGINEER, slug, tmp_path / "pool", content="unknown")
    queue = queue_for(context, IDA, slug)
    assert [w.purpose for w in queue.wanted] == ["first"] * 3 and queue.version_id is None
    assert claim(context, IDA, slug, queue) == queue.wanted[0]
    assert hold(context, IDA, slug, queue.wanted[0].item.image_id) == (None, queue.wanted[0])  # at a page's next run
    assert hold(context, OTTO, slug, queue.wanted[2].item.image_id) == (None, None)  # he opened it himself
    assert queue_for(context, OTTO, slug).held == 1 and len(queue_for(context, OTTO, slug).wanted) == 2


def save(context, image_id, verdict):
    save_verdict(context, IDA, image_id, verdict=verdict, client_id=str(uuid.uuid4()), expected_revision=0)


def test_escapes_count_the_unbroken_run_of_lots_alone(trained):
    lots = [w.item.image_id for w in queue_for(trained, IDA, "tile", ask="audit").wanted]
    assert escapes(trained, VIC, "tile").share is None and len(lots) >= 2
    save(trained, lots[-1], Verdict.defect)  # chosen out of its turn: it would bias the share
    assert escapes(trained, VIC, "tile").checked == (1 if len(lots) == 1 else 0)
    save(trained, lots[0], Verdict.normal)
    found = escapes(trained, VIC, "tile")
    assert found.checked == (2 if len(lots) == 2 else 1) and found.low <= found.share <= found.high


@pytest.mark.parametrize(
    ("found", "of", "low", "high"), [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (10, 10, 0.6915, 1.0)]
)
def test_the_interval_is_clopper_pearsons(found, of, low, high):
    assert interval(found, of, 0.95) == pytest.approx((low, high), abs=5e-4)


def test_the_interval_covers_as_often_as_it_says():
    share, of = 0.07, 40
    chances = [math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(of + 1)]
    ends = [interval(k, of, 0.95) for k in range(of + 1)]
    covered = sum(chance for chance, (low, high) in zip(chances, ends, strict=True) if low <= share <= high)
    assert 0.95 <= covered < 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_a_projects_own_audit_share_holds_and_the_others_keep_their_proportions(share):
    pools = {purpose: [candidate(1000 * i + k) for k in range(200)] for i, purpose in enumerate(SHARES)}
    shares = shares_with(share)
    chosen = [purpose for purpose, _ in mixed(pools, done=[], length=200, shares=shares)]
    assert sum(shares.values()) == pytest.approx(1) and chosen.count("audit") == pytest.approx(200 * share, abs=1)
    assert shares["defect"] / shares["check"] == pytest.approx(SHARES["defect"] / SHARES["check"])
    assert {purpose: chosen.count(purpose) for purpose in SHARES} == pytest.approx(
        {purpose: 200 * part for purpose, part in shares.items()}, abs=1
    )


def test_the_default_audit_share_changes_nothing():
    assert shares_with(SHARES["audit"]) == pytest.approx(SHARES)


def test_nobody_switches_the_audit_off_without_a_reason_that_is_kept(trained):
    assert audit_share(trained, VIC, "tile").share == SHARES["audit"]
    with pytest.raises(Refused, match="give the reason for a share of 0 %"):
        set_audit_share(trained, ENGINEER, "tile", 0.0, reason="  ")
    with pytest.raises(Refused, match="60% is not from 0 to 50%"):
        set_audit_share(trained, ENGINEER, "tile", 0.6)
    with pytest.raises(NotAllowed):
        set_audit_share(trained, Actor("rita", Role.reviewer), "tile", 0.1)
    set_audit_share(trained, ENGINEER, "tile", 0.0, reason="every part is inspected twice")
    queue = queue_for(trained, VIC, "tile")
    assert "audit" not in {wanted.purpose for wanted in queue.wanted} and queue.wanted
    off = audit_share(trained, VIC, "tile").off
    assert queue.no_audit == off and (off.by, off.reason) == (ENGINEER.name, "every part is inspected twice")
    set_audit_share(trained, ENGINEER, "tile", 0.0, reason="still so")
    assert audit_share(trained, VIC, "tile").off.since == off.since
    told = [(row.action, row.details) for row in trail(trained, ADMIN, which=Filter(action="audit share"))]
    assert told[-1] == ("audit share", {"share": 0.0, "reason": "every part is inspected twice"})
    assert queue_for(trained, VIC, "tile", ask="audit").wanted  # who asks for lots still gets them
    set_audit_share(trained, ENGINEER, "tile", 0.5)
    queue = queue_for(trained, VIC, "tile")
    assert queue.no_audit is None and "audit" in {wanted.purpose for wanted in queue.wanted}
