"""Compare and make again: two versions on one held-out set, and a version's bits from its snapshot."""

import pytest

from app import jobs
from app.ledger import begin, finish
from app.services.authority import NotAllowed
from app.services.compare import comparison, request_comparison
from app.services.errors import Refused
from app.services.ingest import create_project
from app.services.label import save_verdict
from app.services.retrain import log_of, run_view
from app.services.review import versions_view
from app.services.verify import request_verification, verifications
from app.worker.loop import handlers
from storage import scores, versions
from storage.errors import NotFound
from storage.models import RunState, Score, Verdict
from tests.app.conftest import ENGINEER, INSPECTOR


def work(context, run_id):
    """One attempt by the worker's own handler."""
    job = begin(context.database, run_id)
    handlers(context)[job.kind](job)
    finish(job)
    return run_view(context, ENGINEER, run_id)


def test_a_retrain_measures_both_versions_so_they_compare_at_once(twice):
    found = comparison(twice, INSPECTOR, "tile", 2, 1)
    assert (found.normals, found.defects, found.complete, found.active_run) == (3, 3, True, None)
    second, first = versions_view(twice, INSPECTOR, "tile")
    assert [side.metrics for side in found.sides] == [second.metrics, first.metrics]
    assert all(side.learnt == 0 and side.recalls["scratch"].total == 3 for side in found.sides)
    assert len(found.pairs) == 6 and all(None not in pair.scores for pair in found.pairs)
    changes = [(not pair.differs, -abs(pair.scores[0] - pair.scores[1])) for pair in found.pairs]
    assert changes == sorted(changes)


def test_another_held_out_set_is_measured_by_a_job_for_both(twice):
    before = comparison(twice, INSPECTOR, "tile", 2, 1)
    image = before.pairs[0]
    save_verdict(twice, INSPECTOR, image.image_id, verdict=image.verdict, client_id="x", expected_revision=1)
    assert not comparison(twice, INSPECTOR, "tile", 2, 1).complete  # a person's label takes it out of the set
    with twice.database.write() as session:  # and one of the rest came after v1
        gone = session.get_one(Score, (1, before.pairs[-1].image_id))
        old = gone.score
        session.delete(gone)
    run_id = request_comparison(twice, ENGINEER, "tile", 2, 1)
    assert request_comparison(twice, ENGINEER, "tile", 1, 2) == run_id
    assert work(twice, run_id).state is RunState.done
    found = comparison(twice, INSPECTOR, "tile", 2, 1)
    assert found.complete and found.digest != before.digest and len(found.pairs) == 5
    assert all(side.metrics["n_normal"] + side.metrics["n_abnormal"] == 5 for side in found.sides)
    with twice.database.read() as session:
        assert scores.score_of(session, 1, before.pairs[-1].image_id).score == pytest.approx(old, abs=1e-9)
    assert log_of(twice, INSPECTOR, run_id)[0].text == "attempt 1 begins"


def test_what_cannot_be_compared_is_said(twice):
    create_project(twice, ENGINEER, name="empty", built_in=True)
    with pytest.raises(Refused, match="no held-out image has a label"):
        comparison(twice, INSPECTOR, "empty", 1, 2)
    with pytest.raises(NotFound, match="no version v9"):
        comparison(twice, INSPECTOR, "tile", 9, 1)
    with pytest.raises(NotAllowed):
        request_comparison(twice, INSPECTOR, "tile", 1, 2)


def test_a_version_made_again_from_its_snapshot_has_the_same_bits(twice):
    run = work(twice, request_verification(twice, ENGINEER, "tile", 2))
    assert run.state is RunState.done, run.error
    assert run.result == {
        "version": 2,
        "boundaries": True,
        "scored": 22,
        "differing": 0,
        "last_bits": 0,
        "labels_changed": 0,
    }
    assert verifications(twice, INSPECTOR, "tile")[2].same


def test_a_version_that_was_tampered_with_is_found_out(twice):
    with twice.database.write() as session:
        version = versions.version_by_number(session, 1, 2)
        rows = [dict(row) for row in version.boundaries]
        rows[0]["b_n"] += 1e-9
        labels = [dict(row) for row in version.snapshot["labels"]]
        labels[0]["label_sha256"] = "0" * 64
        version.boundaries, version.snapshot = rows, {**version.snapshot, "labels": labels}
        rows = scores.scores_of(session, 2)
        rows[4].score += 1e-4
        rows[5].score += 1e-12
    run = work(twice, request_verification(twice, ENGINEER, "tile", 2))
    assert (run.result["boundaries"], run.result["differing"], run.result["labels_changed"]) == (False, 1, 1)
    assert run.result["last_bits"] == 1
    assert not verifications(twice, INSPECTOR, "tile")[2].same


def test_a_version_keeps_what_it_was_made_from(twice):
    with twice.database.read() as session:
        version = versions.version_by_number(session, 1, 2)
    snapshot = version.snapshot
    assert len(snapshot["labels"]) == len(snapshot["normals"]) + len(snapshot["calibration"]) + 3
    assert len(snapshot["code"]["bgad_core_sha256"]) == 64
    kept = versions_view(twice, INSPECTOR, "tile")[0].provenance
    assert kept["seed"] == "0" and kept["checkpoint, SHA-256"] == version.checkpoint
    assert Verdict.defect.value not in str(snapshot)  # hashes and revisions, not what people wrote


def test_a_seed_goes_with_its_run(context, filled):
    from app.services.retrain import request_retraining
    from app.worker.retrain import config_of

    slug = filled()
    job = begin(context.database, request_retraining(context, ENGINEER, slug, preset="demo", seed=7))
    assert config_of(context, job).seed == 7
    with context.database.write() as session:
        jobs.cancel(session, job.run_id)
