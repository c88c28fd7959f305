"""What waits for whom: leases, skips, and the first images of each purpose, on SQLite and on PostgreSQL."""

import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from storage import label_reviews, leases, pool, scores
from storage.database import Database
from storage.models import Standing, Verdict, now
from tests.conftest import ROOT
from tests.storage.seeds import KEY, a_project, a_version, an_image, say


def scored(session, project, facts):
    """A version and one image per (score, standing, novelty)."""
    version = a_version(session, project)
    images = [an_image(session, project, number) for number in range(1, len(facts) + 1)]
    rows = [
        {"image_id": image.id, "score": score, "distance": abs(score - 0.5), "standing": standing, "maps": KEY,
         "novelty": novelty, "descriptor": b"\0" * 128}
        for image, (score, standing, novelty) in zip(images, facts, strict=True)
    ]  # fmt: skip
    scores.save_scores(session, version.id, rows)
    return version, images


FACTS = [
    (0.9, Standing.defect, 0.2),
    (0.6, Standing.margin, 1.5),
    (0.48, Standing.normal, 3.0),
    (0.1, Standing.normal, 0.1),
]


def ids(rows):
    return [row.image_id for row in rows]


def test_each_purpose_asks_for_its_own_images(database):
    with database.write() as session:
        version, (bad, near, odd, calm) = scored(session, a_project(session), FACTS)
        assert ids(pool.likely_defects(session, version.id, "ida", limit=9)) == [bad.id, near.id]
        assert ids(pool.near_the_boundary(session, version.id, "ida", limit=2)) == [odd.id, near.id]
        assert ids(pool.new_kinds(session, version.id, "ida", limit=9)) == [odd.id, near.id]
        assert set(ids(pool.audit(session, version.id, "ida", limit=9))) == {odd.id, calm.id}
        assert pool.one(session, version.id, bad.id).score == 0.9


def test_where_an_operating_point_decides_each_purpose_goes_by_its_scores(database):
    cut = scores.Cut(stop=0.3, reject=0.55)
    with database.write() as session:
        version, (bad, near, odd, calm) = scored(session, a_project(session), FACTS)
        given = {"limit": 9, "cut": cut}
        assert ids(pool.likely_defects(session, version.id, "ida", **given)) == [bad.id, near.id, odd.id]
        assert ids(pool.near_the_boundary(session, version.id, "ida", **given)) == [odd.id, calm.id, near.id, bad.id]
        assert ids(pool.near_the_boundary(session, version.id, "ida", limit=1, cut=cut)) == [odd.id]
        assert ids(pool.audit(session, version.id, "ida", **given)) == [calm.id]
        assert [image_id for image_id, _ in pool.audited(session, version.id, **given)] == [calm.id]
        counts = {Standing.normal: 1, Standing.margin: 1, Standing.defect: 2}
        assert scores.counts_by_standing(session, version.id, cut=cut) == counts
        assert {each: scores.count_waiting(session, version.id, each, cut) for each in Standing} == counts


def test_a_score_that_is_the_stop_is_good_and_one_that_is_the_reject_is_looked_at(database):
    cut = scores.Cut(stop=0.48, reject=0.6)
    with database.write() as session:
        version, _ = scored(session, a_project(session), FACTS)
        counts = {Standing.normal: 2, Standing.margin: 1, Standing.defect: 1}
        assert scores.counts_by_standing(session, version.id, cut=cut) == counts


def test_a_labelled_image_waits_no_more_and_a_withdrawn_label_brings_it_back(database):
    with database.write() as session:
        version, (bad, near, *_) = scored(session, a_project(session), FACTS)
        say(session, bad, Verdict.defect)
        assert ids(pool.likely_defects(session, version.id, "ida", limit=9)) == [near.id]
        say(session, bad, None, revision=1)
        assert ids(pool.likely_defects(session, version.id, "ida", limit=9)) == [bad.id, near.id]


def test_what_was_labelled_before_it_was_scored_waits_not_and_is_in_no_audit(database):
    with database.write() as session:
        project = a_project(session)
        image = an_image(session, project, 1)
        say(session, image, Verdict.normal)
        version = a_version(session, project)
        row = {"image_id": image.id, "score": 0.1, "distance": 0.4, "standing": Standing.normal, "maps": KEY}
        scores.save_scores(session, version.id, [row])
        assert pool.near_the_boundary(session, version.id, "ida", limit=9) == []
        assert pool.audited(session, version.id, limit=9) == []


def test_the_audits_lots_are_spread_and_stay(database):
    with database.write() as session:
        version, images = scored(session, a_project(session), [(0.1, Standing.normal, None)] * 40)
        order = [image_id for image_id, _ in pool.audited(session, version.id, limit=99)]
        assert sorted(order) == [image.id for image in images] and order != sorted(order)
        say(session, images[0], Verdict.defect)
        again = pool.audited(session, version.id, limit=99)
        assert [image_id for image_id, _ in again] == order and (images[0].id, Verdict.defect) in again


def test_a_normal_label_that_a_later_version_doubts_goes_to_another_person(database):
    with database.write() as session:
        project = a_project(session)
        image = an_image(session, project, 1)
        say(session, image, Verdict.normal, by="ida")
        version = a_version(session, project)
        row = {"image_id": image.id, "score": 0.9, "distance": 0.4, "standing": Standing.defect, "maps": KEY}
        scores.save_scores(session, version.id, [row])
        assert ids(pool.label_checks(session, version.id, "otto", limit=9)) == [image.id]
        assert pool.label_checks(session, version.id, "ida", limit=9) == []
        say(session, image, Verdict.normal, revision=1, by="otto", version_id=version.id)
        assert pool.label_checks(session, version.id, "eve", limit=9) == []  # somebody saw this score and stood by it


def test_a_lease_is_one_persons_until_it_ends(database):
    with database.write() as session:
        project = a_project(session)
        version, (bad, near, *_) = scored(session, project, FACTS)
        given = {"project_id": project.id, "image_id": bad.id, "purpose": "defect"}
        assert leases.take(session, by="ida", **given) and leases.take(session, by="ida", **given)
        assert not leases.take(session, by="otto", **given)
        assert ids(pool.likely_defects(session, version.id, "otto", limit=9)) == [near.id]
        assert ids(pool.likely_defects(session, version.id, "ida", limit=9)) == [bad.id, near.id]
        assert leases.others(session, project.id, "otto") == [bad.id]
        assert not leases.is_worn(session, bad.id) and leases.is_worn(session, near.id)
        row = session.get(leases.Lease, bad.id)
        row.expires_at -= leases.LEASED_FOR / 2
        session.flush()
        assert leases.is_worn(session, bad.id) and not leases.take(session, by="otto", **given)
        row.expires_at -= leases.LEASED_FOR / 2
        session.flush()
        assert leases.take(session, by="otto", **given)
        session.refresh(row)
        assert leases.leased_to(session, project.id, "otto").image_id == bad.id
        assert timedelta(minutes=9) < row.expires_at - now() <= leases.LEASED_FOR


@pytest.mark.slow
@pytest.mark.parametrize("days", [-1, 1])
def test_a_web_server_whose_clock_is_a_day_off_takes_and_loses_no_lease(database, database_url, days):
    with database.write() as session:
        project = a_project(session)
        held, free = an_image(session, project, 1), an_image(session, project, 2)
        assert leases.take(session, by="ida", project_id=project.id, image_id=held.id, purpose="defect")
    off = ["tests.app.shifted_clock", str(86_400 * days), "tests.storage.taker", database_url]
    command = [sys.executable, "-m", *off, "otto", *map(str, (project.id, held.id, free.id))]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    assert answer[:2] == [f"not {held.id}", str(free.id)]
    with database.write() as session:
        assert not leases.take(session, by="ida", project_id=project.id, image_id=free.id, purpose="defect")
        assert leases.leased_to(session, project.id, "otto").image_id == free.id


def test_of_many_that_ask_at_once_one_gets_the_image(database, database_url):
    with database.write() as session:
        project = a_project(session)
        image = an_image(session, project, 1)
    got, start = [], threading.Barrier(6)

    def ask(name):
        mine = Database(database_url)
        start.wait()
        with mine.write() as session:
            if leases.take(session, project_id=project.id, image_id=image.id, by=name, purpose="defect"):
                got.append(name)
        mine.dispose()

    threads = [threading.Thread(target=ask, args=(f"p{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_what_somebody_put_off_is_offered_to_others(database):
    with database.write() as session:
        project = a_project(session)
        version, (bad, near, *_) = scored(session, project, FACTS)
        leases.skip(session, project_id=project.id, image_id=bad.id, by="ida")
        leases.skip(session, project_id=project.id, image_id=bad.id, by="ida")
        session.flush()
        assert ids(pool.likely_defects(session, version.id, "ida", limit=9)) == [near.id]
        assert bad.id in ids(pool.likely_defects(session, version.id, "otto", limit=9))
        assert leases.forget_skips(session, project.id, "ida") == 1
        assert bad.id in ids(pool.likely_defects(session, version.id, "ida", limit=9))


def test_a_second_opinion_stands_beside_its_label_and_counts_by_type(database):
    with database.write() as session:
        project = a_project(session)
        first, second = an_image(session, project, 1), an_image(session, project, 2)
        dent = say(session, first, Verdict.defect, defect_type="dent")
        fine = say(session, second, Verdict.normal)
        assert [row.id for row in label_reviews.unreviewed(session, project.id, but_of="otto", who="all", limit=9)] == [
            fine.id,
            dent.id,
        ]
        label_reviews.add_review(session, annotation_id=dent.id, accepted=False, reason="too wide", by="otto")
        label_reviews.add_review(session, annotation_id=dent.id, accepted=True, reason="", by="eve")
        label_reviews.add_review(session, annotation_id=fine.id, accepted=False, reason="a scratch", by="otto")
        assert label_reviews.agreement(session, project.id) == {"dent": (1, 1), "normal": (0, 1)}
        assert label_reviews.reviews_of(session, [dent.id])[dent.id].by == "eve"
        assert label_reviews.unreviewed(session, project.id, but_of="otto", who="all", limit=9) == []


def test_counts_for_a_page_stop_at_their_limit(database, monkeypatch):
    monkeypatch.setattr(scores, "MOST_COUNTED", 2)
    with database.write() as session:
        project = a_project(session)
        version, _ = scored(session, project, [(0.1, Standing.normal, None)] * 4)
        late = [an_image(session, project, number) for number in (50, 51, 52)]
        assert scores.count_waiting(session, version.id, Standing.normal) == 2
        assert scores.count_new(session, version.id, project.id) == 2 and len(late) == 3
