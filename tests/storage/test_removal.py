"""A project's end in the database: nothing of it is left, and nothing of another is gone."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from storage import audit, label_imports, leases, removal, scores, versions
from storage.account_rows import Account, ApiToken, Membership
from storage.label_rows import LabelReview, Skip
from storage.masks import encode_mask
from storage.models import Base, Evaluation, Image, OperatingPoint, Project, Role, Run, RunState, Verdict, now
from storage.references import TRAIL, unnamed
from storage.run_rows import RunLine
from storage.shards import Shard, ShardState
from tests.storage.seeds import a_project, a_version, an_image, say

NOBODYS = {"accounts", "sign_ins", "failed_sign_ins", "identities", "setup_codes", "worker_pulses"}


def key(name: str, what: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {what}").hex * 2


def furnish(session, name):
    """A project with at least one row in every table that can hold one of it."""
    import numpy as np

    project = a_project(session, name)
    first, second = an_image(session, project, 1), an_image(session, project, 2)
    for number, image in enumerate((first, second)):
        image.pixels, image.thumb = key("both", f"pixels {number}"), key(name, f"thumb {number}")
    png = encode_mask(np.ones((48, 64), bool))
    label = say(session, first, Verdict.defect, defect_type="scratch", mask=png, typed={"scratch": png, "dent": png})
    say(session, first, Verdict.normal, revision=1)
    parent = a_version(session, project)
    version = a_version(session, project)
    version.parent_id, version.checkpoint, parent.checkpoint = parent.id, key(name, "model"), key(name, "model")
    versions.promote(session, project_id=project.id, version_id=version.id, by="anna")
    account = session.scalar(select(Account).where(Account.name == "anna")) or Account(name="anna")
    run = Run(id=str(uuid.uuid4()), project_id=project.id, kind="preview", by="anna", state=RunState.done)
    run.result = {"pictures": [key(name, "pasted")]}
    session.add_all([account, run])
    session.flush()
    later = now() + timedelta(days=1)
    rest = {"project_id": project.id, "by": "anna"}
    ends = {"version_id": version.id, "first_image": first.id, "last_image": second.id, "images": 2}
    session.add_all([
        LabelReview(annotation_id=label.id, accepted=True, by="ben"),
        Membership(account_id=account.id, role=Role.viewer, **rest),
        ApiToken(account_id=account.id, project_id=project.id, name="t", token_sha256=key(name, "t"), expires_at=later),
        OperatingPoint(version_id=version.id, promise="boundary", stop=0.5, reject=0.6, by="anna"),
        Evaluation(version_id=version.id, set_sha256=key(name, "set"), metrics={}),
        RunLine(run_id=run.id, attempt=1, text="began"), Skip(image_id=second.id, **rest),
        leases.Lease(image_id=second.id, purpose="audit", expires_at=later, **rest),
        Shard(run_id=run.id, number=0, state=ShardState.done, **ends),
    ])  # fmt: skip
    taken = label_imports.add(session, source="a.json", format="coco", skipped=[], **rest)
    label_imports.add_label(session, taken, label, held_out=False)
    value = {"score": 1.0, "distance": 0.1, "standing": "defect", "margin": 0.0, "novelty": None, "descriptor": None}
    scores.save_scores(session, version.id, [{**value, "image_id": first.id, "maps": key(name, "maps")}])
    audit.record(session, by="anna", action="create project", project_id=project.id)
    return project.id


def rows(session):
    tables = [table for table in Base.metadata.sorted_tables if table.name not in TRAIL]
    return {table.name: sorted(map(repr, session.execute(select(table)))) for table in tables}


def test_nothing_of_a_removed_project_is_left_and_another_is_as_it_was(database):
    with database.write() as session:
        furnish(session, "Kept")
    with database.read() as session:
        before = rows(session)
        empty = {name for name, found in before.items() if not found}
    assert empty <= NOBODYS, f"{empty - NOBODYS}: furnish() above has to put a row of the project there"
    with database.write() as session:
        gone = furnish(session, "Gone")
    with database.read() as session:
        counted = removal.counts(session, gone)
        assert set(counted) == set(before) - NOBODYS | {"masks"}
        assert (counted["annotations"], counted["masks"], counted["versions"], counted["scores"]) == (2, 1, 2, 1)
    with database.write() as session:
        removal.remove(session, gone)
    with database.read() as session:
        assert rows(session) == before
        assert audit.verify(session).broken is None
        assert audit.entries(session, project_id=gone), "the trail outlives the project"


def test_a_removal_that_an_error_undoes_leaves_everything(database):
    with database.write() as session:
        project = furnish(session, "Gone")
    with database.read() as session:
        before = rows(session)
    with pytest.raises(RuntimeError), database.write() as session:
        removal.remove(session, project)
        assert session.scalar(select(func.count()).select_from(Image)) == 0
        raise RuntimeError
    with database.read() as session:
        assert rows(session) == before


def test_what_a_project_names_and_what_only_it_names(database):
    with database.write() as session:
        kept, gone = furnish(session, "Kept"), furnish(session, "Gone")
    alone = {key("Gone", what) for what in ("thumb 0", "thumb 1", "model", "maps", "pasted")}
    both = {key("both", "pixels 0"), key("both", "pixels 1")}
    nobodys = "f" * 64
    with database.read() as session:
        assert removal.objects(session, gone) >= alone | both
        assert unnamed(session, alone | both | {nobodys}) == {nobodys}
        assert unnamed(session, alone | both | {nobodys}, without=gone) == alone | {nobodys}
        assert len(removal.results(session, gone)) == 1 and removal.results(session, gone) != removal.results(
            session, kept
        )
    with database.write() as session:
        removal.remove(session, gone)
    with database.read() as session:
        assert unnamed(session, alone | both) == alone


def test_numbers_that_a_removal_set_free_are_not_given_again(database):
    """A browser shows an image that it keeps for a day under its number."""
    with database.write() as session:
        gone = furnish(session, "Gone")
        highest = [session.scalar(select(func.max(table.id))) for table in (Project, Image, versions.Version)]
    with database.write() as session:
        removal.remove(session, gone)
    with database.write() as session:
        project = a_project(session, "Gone")
        new = [project.id, an_image(session, project).id, a_version(session, project).id]
    assert all(now_given > before for now_given, before in zip(new, highest, strict=True))
