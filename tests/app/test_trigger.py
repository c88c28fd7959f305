"""Retrains that start by themselves: each by its own evidence, once, and never on the same labels again."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app import jobs
from app.services.authority import NotAllowed
from app.services.errors import Refused
from app.services.label import save_verdict
from app.services.retrain import cancel, request_retraining, run_view, runs_of
from app.services.score import ranked_queue
from app.services.trigger import Evidence, Triggers, project_triggers, reason_for, set_triggers, start_due
from storage import versions
from storage.models import Annotation, Image, Run, RunState, Verdict
from tests.app.conftest import ENGINEER, INSPECTOR

THEN = datetime(2026, 11, 1, tzinfo=UTC)
NOTHING = Evidence(fresh=3, last_retrain=THEN, overlap=0.04, alarms=[])


def label_some(context, count):
    for item in ranked_queue(context, INSPECTOR, "tile", show="unlabelled").items[:count]:
        save_verdict(
            context, INSPECTOR, item.image_id, verdict=Verdict.defect, client_id=f"t{item.image_id}",
            expected_revision=0,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("triggers", "evidence", "says"),
    [
        (Triggers(new_labels=3), NOTHING, "3 new labels, 3 were asked for"),
        (Triggers(new_labels=4), NOTHING, None),
        (Triggers(hours=48), NOTHING, None),
        (Triggers(hours=24), NOTHING, "by schedule: 24 hours"),
        (Triggers(overlap=0.03), NOTHING, "overlap by 4.0 %, above 3.0 %"),
        (Triggers(overlap=0.05), NOTHING, None),
        (Triggers(drift=True), NOTHING, None),
        (Triggers(drift=True), replace(NOTHING, alarms=["b_n moved"]), "by drift: b_n moved"),
        (Triggers(1, 1, 0.01, True), replace(NOTHING, fresh=0), None),
        (Triggers(), NOTHING, None),
    ],
)
def test_each_trigger_has_its_own_evidence_and_its_reason(triggers, evidence, says):
    found = reason_for(triggers, evidence, THEN + timedelta(hours=25))
    assert found is None if says is None else says in found


def test_enough_new_labels_start_one_retrain_that_says_so(trained):
    set_triggers(trained, ENGINEER, "tile", Triggers(new_labels=2, preset="demo"))
    assert start_due(trained) == []
    label_some(trained, 1)
    assert start_due(trained) == []
    label_some(trained, 1)
    (run_id,) = start_due(trained)
    run = run_view(trained, ENGINEER, run_id)
    assert (run.by, run.arguments) == ("system", {"preset": "demo"}) and "2 new labels" in run.reason
    assert start_due(trained) == []  # it waits already
    cancel(trained, ENGINEER, run_id)
    assert start_due(trained) == []  # cancelled or failed, the same labels don't start it again
    label_some(trained, 1)
    assert len(start_due(trained)) == 1
    with trained.database.read() as session:
        assert session.scalar(jobs.active(1, "retrain")) != run_id
    assert run_view(trained, ENGINEER, run_id).state is RunState.cancelled


def test_a_schedule_starts_one_retrain_however_many_workers_look_at_once(context, filled):
    """On SQLite and PostgreSQL: four workers find the same retrain due, and the project gets one run."""
    slug = filled(normals=6)
    asked_hours_ago(context, slug, hours=3)
    set_triggers(context, ENGINEER, slug, Triggers(hours=2, preset="demo"))
    assert start_due(context) == []  # nothing was labelled since
    with context.database.read() as session:
        image = session.scalars(select(Image).where(Image.held_out.is_(False))).first()
    save_verdict(context, ENGINEER, image.id, verdict=Verdict.defect, client_id="late", expected_revision=1)
    with ThreadPoolExecutor(4) as workers:
        started = {run_id for found in workers.map(lambda _: start_due(context), range(4)) for run_id in found}
    waiting = [run for run in runs_of(context, ENGINEER, slug) if run.state is RunState.queued]
    assert [run.id for run in waiting] == list(started)
    assert (waiting[0].by, waiting[0].reason) == (
        "system",
        "by schedule: 2 hours after the last retrain, with 1 new labels",
    )


def asked_hours_ago(context, slug, *, hours):
    """A retrain that was asked for then and gave the version that decides; its labels are older still."""
    run_id = request_retraining(context, ENGINEER, slug, preset="demo")
    with context.database.write() as session:
        run = session.get_one(Run, run_id)
        run.state, run.created_at = RunState.done, run.created_at - timedelta(hours=hours)
        for said in session.scalars(select(Annotation)):
            said.created_at -= timedelta(hours=hours + 1)
        hashes = list(session.scalars(select(Image.sha256).where(Image.held_out.is_(False))))
        made = versions.add_version(
            session, project_id=run.project_id, run_id=run_id, parent_id=None, checkpoint="0" * 64, config={},
            boundaries=[], histograms={}, metrics={}, known_anomalies=0, device="cpu", seconds=1.0,
            snapshot={"normals": hashes[2:], "calibration": hashes[:2], "anomalies": []},
        )  # fmt: skip
        versions.promote(session, project_id=run.project_id, version_id=made.id, by="ann")


def test_what_makes_no_sense_is_refused(trained):
    with pytest.raises(Refused, match="a share of at most 1"):
        set_triggers(trained, ENGINEER, "tile", Triggers(overlap=3.0))
    with pytest.raises(Refused, match="preset 'fast' is not known"):
        set_triggers(trained, ENGINEER, "tile", Triggers(preset="fast"))
    with pytest.raises(NotAllowed):
        set_triggers(trained, INSPECTOR, "tile", Triggers())
    assert project_triggers(trained, INSPECTOR, "tile") == Triggers()
