"""Images, labels, versions, scores, accounts: on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from storage import accounts, annotations, audit, images, runs, scores, versions
from storage.errors import Conflict, NotFound, StorageError
from storage.masks import encode_mask
from storage.models import Run, RunState, Standing, Verdict, now
from tests.storage.seeds import KEY, a_project, a_version, an_image, say, version_fields


def test_a_project_has_one_address(database):
    with database.write() as session:
        assert a_project(session, "Größe M8 / Kopf").slug == "groe-m8-kopf"
    with pytest.raises(Conflict, match="already a project 'groe-m8-kopf'"), database.write() as session:
        a_project(session, "groe m8 kopf")
    with pytest.raises(StorageError, match="no letter or digit"), database.write() as session:
        a_project(session, "///")


def test_the_same_content_enters_a_project_once(database):
    with database.write() as session:
        project = a_project(session)
        first = an_image(session, project)
        again, created = images.add_image(
            session,
            project_id=project.id,
            sha256=first.sha256,
            pixels=KEY,
            thumb=KEY,
            name="another name.png",
            width=64,
            height=48,
            held_out=False,
            ingest_id=first.ingest_id,
        )
    assert (again.id, created, again.name) == (first.id, False, first.name)


def test_what_fails_in_a_write_is_undone_whole(database):
    with pytest.raises(RuntimeError), database.write() as session:
        a_project(session)
        raise RuntimeError
    with database.read() as session:
        assert images.projects(session) == []


def test_a_label_is_appended_and_the_last_one_stands(database):
    with database.write() as session:
        project = a_project(session)
        image = an_image(session, project)
        say(session, image, Verdict.normal)
        say(session, image, Verdict.defect, revision=1, defect_type="scratch", by="ben")
    with database.read() as session:
        assert [row.revision for row in annotations.history(session, image.id)] == [2, 1]
        (standing,) = annotations.current_annotations(session, project.id)
        assert (standing.verdict, standing.by) == (Verdict.defect, "ben")
        assert [kind.name for kind in annotations.defect_types(session, project.id)] == ["scratch"]
        assert annotations.counts(session, project.id) == {Verdict.defect: 1}


def test_a_withdrawn_label_does_not_stand(database):
    with database.write() as session:
        project = a_project(session)
        image = an_image(session, project)
        say(session, image, Verdict.normal)
        say(session, image, None, revision=1)
        assert annotations.current_annotations(session, project.id) == []
        assert annotations.current_annotation(session, image.id).revision == 2


def test_a_stale_page_is_told_who_said_what(database):
    with database.write() as session:
        image = an_image(session, a_project(session))
        say(session, image, Verdict.normal)
    told = pytest.raises(Conflict, match=r"anna said normal in between \(revision 1, you saw 0\)")
    with told, database.write() as session:
        say(session, image, Verdict.defect, by="ben")


def test_a_retried_save_finds_its_first_attempt(database):
    with database.write() as session:
        image = an_image(session, a_project(session))
        first = say(session, image, Verdict.normal, client_id="c1")
    with database.write() as session:
        again = say(session, image, Verdict.normal, client_id="c1")
        assert again.id == first.id
        assert len(annotations.history(session, image.id)) == 1


def test_a_persons_label_takes_an_image_out_of_the_held_out_set(database):
    with database.write() as session:
        image = an_image(session, a_project(session), held_out=True)
        say(session, image, Verdict.defect, by=annotations.IMPORT)
        assert image.held_out
        say(session, image, Verdict.defect, revision=1, by="ben")
        assert not image.held_out


def test_a_mask_comes_back_with_its_label(database):
    import numpy as np

    mask = encode_mask(np.eye(48, 64, dtype=bool))
    with database.write() as session:
        image = an_image(session, a_project(session))
        say(session, image, Verdict.defect, mask=mask)
    with database.read() as session:
        assert annotations.current_annotation(session, image.id).mask == mask


def scored(session, project, values):
    version = a_version(session, project)
    pool = [an_image(session, project, number) for number in range(1, len(values) + 1)]
    rows = [
        {"image_id": image.id, "score": value, "distance": abs(value - 0.5), "standing": Standing.margin, "maps": KEY}
        for image, value in zip(pool, values, strict=True)
    ]
    scores.save_scores(session, version.id, rows)
    return version, pool


def test_the_pool_is_ranked_and_paged_by_key(database):
    values = [0.1, 0.9, 0.5, 0.5, 0.7]
    with database.write() as session:
        version, _ = scored(session, a_project(session), values)
        everything = scores.ranked(session, version_id=version.id)
        assert [row.score for row in everything] == [0.9, 0.7, 0.5, 0.5, 0.1]
        near = scores.ranked(session, version_id=version.id, order="boundary")
        assert [row.score for row in near][:2] == [0.5, 0.5]
        cut = scores.Narrow(cut=scores.Cut(stop=0.8, reject=0.85))
        near = scores.ranked(session, version_id=version.id, order="boundary", narrow=cut)
        assert [row.score for row in near] == [0.9, 0.7, 0.5, 0.5, 0.1]
        for order, narrow in (("abnormal", scores.ALL), ("boundary", scores.ALL), ("boundary", cut)):
            given = {"version_id": version.id, "order": order, "narrow": narrow}
            paged, after = [], None
            while page := scores.ranked(session, **given, limit=2, after=after):
                paged += page
                after = page[-1].cursor
            assert paged == scores.ranked(session, **given)


def test_the_pool_is_filtered_by_label_and_standing(database):
    with database.write() as session:
        project = a_project(session)
        version, pool = scored(session, project, [0.1, 0.9, 0.4])
        say(session, pool[0], Verdict.defect, defect_type="dent")
        say(session, pool[1], Verdict.normal)
        say(session, pool[1], None, revision=1)
        left = scores.ranked(session, version_id=version.id, narrow=scores.Narrow(labelled=False))
        assert [row.image_id for row in left] == [pool[1].id, pool[2].id]
        (done,) = scores.ranked(session, version_id=version.id, narrow=scores.Narrow(labelled=True))
        assert (done.image_id, done.verdict, done.defect_type, done.revision) == (pool[0].id, Verdict.defect, "dent", 1)
        assert scores.ranked(session, version_id=version.id, narrow=scores.Narrow(standing=Standing.normal)) == []
        assert scores.counts_by_standing(session, version.id, labelled=False) == {Standing.margin: 2}


def test_scores_that_are_there_already_stay(database):
    with database.write() as session:
        project = a_project(session)
        version, pool = scored(session, project, [0.3])
        row = {"image_id": pool[0].id, "score": 0.8, "distance": 0.3, "standing": Standing.defect, "maps": KEY}
        scores.save_scores(session, version.id, [row])
        assert scores.score_of(session, version.id, pool[0].id).score == 0.3
        fresh = an_image(session, project, 99)
        assert [image.id for image in scores.unscored_images(session, version.id, project.id)] == [fresh.id]


def test_a_run_makes_one_version_and_numbers_count_up(database):
    with database.write() as session:
        project = a_project(session)
        first = a_version(session, project)
        again = versions.add_version(session, **version_fields(project, first.run_id))
        second = a_version(session, project)
        assert (again.id, first.number, second.number) == (first.id, 1, 2)


def test_rolling_back_is_promoting_an_older_version(database):
    with database.write() as session:
        project = a_project(session)
        assert versions.deciding_version(session, project.id) is None
        old, new = a_version(session, project), a_version(session, project)
        for version in (old, new, old):
            versions.promote(session, project_id=project.id, version_id=version.id, by="eve", reason="")
        assert versions.deciding_version(session, project.id).id == old.id
        assert len(versions.promotions(session, project.id)) == 3
        other = a_project(session, "Other")
        with pytest.raises(NotFound, match="another project"):
            versions.promote(session, project_id=other.id, version_id=old.id, by="eve")


def test_a_project_has_at_most_one_active_retrain(database):
    def add(state, number):
        with database.write() as session:
            session.add(Run(id=str(number), project_id=project.id, kind="retrain", by="eve", state=state))

    with database.write() as session:
        project = a_project(session)
    add(RunState.done, 1)
    add(RunState.running, 2)
    with pytest.raises(IntegrityError):
        add(RunState.queued, 3)
    with database.read() as session:
        assert runs.active_run(session, project.id, "retrain").id == "2"
        assert len(runs.runs(session, project.id)) == 2


def test_a_revoked_expired_or_disabled_session_is_no_session(database):
    with database.write() as session:
        account = accounts.create_account(session, name="anna", password_hash="x")
        later = timedelta(hours=1)
        for token, lasts in (("good", later), ("revoked", later), ("old", timedelta(seconds=-1))):
            accounts.add_sign_in(session, account_id=account.id, token_sha256=token, lasts=lasts)
        accounts.revoke(session, "revoked")
        found = accounts.sign_in_by_digest(session, "good")
        assert found is not None and found[1].name == "anna"
        assert [accounts.sign_in_by_digest(session, token) for token in ("revoked", "old", "never")] == [None] * 3
        accounts.disable(session, account.id)
        assert accounts.sign_in_by_digest(session, "good") is None
        with pytest.raises(Conflict, match="already an account 'anna'"):
            accounts.create_account(session, name="anna", password_hash="y")


def test_refused_sign_ins_are_counted_by_name_and_time(database):
    with database.write() as session:
        for name in ("anna", "anna", "ben"):
            accounts.note_failure(session, name)
        assert accounts.failures_within(session, "anna", timedelta(minutes=1)) == 2
        assert accounts.failures_within(session, "anna", timedelta(minutes=-1)) == 0
        accounts.forget_failures(session, "anna")
        assert accounts.failures_within(session, "anna", timedelta(minutes=1)) == 0


def test_the_audit_trail_tells_the_latest_first(database):
    with database.write() as session:
        project = a_project(session)
        audit.record(session, by="eve", action="promote", details={"version": 1}, project_id=project.id)
        audit.record(session, by="eve", action="sign in")
    with database.read() as session:
        assert [entry.action for entry in audit.entries(session)] == ["sign in", "promote"]
        assert [entry.details for entry in audit.entries(session, project_id=project.id)] == [{"version": 1}]


def test_moments_come_back_in_utc(database):
    with database.write() as session:
        project = a_project(session)
    with database.read() as session:
        stored = images.project(session, project.id).created_at
    assert stored.utcoffset() == timedelta(0) and abs(now() - stored) < timedelta(minutes=1)
