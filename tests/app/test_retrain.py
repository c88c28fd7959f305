"""Retraining as a use case: what it would learn from, and what it refuses."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.ingest import create_project
from app.services.retrain import cancel, request_retraining, retrain_preview, run_view, runs_of
from app.worker.samples import split
from storage import annotations, audit, images, versions
from storage.errors import NotFound
from storage.models import Image, Role, RunState, Verdict
from tests.app.conftest import ENGINEER


def label(context, image, verdict, *, kind=None, by="ann", client_id=None):
    with context.database.write() as session:
        current = annotations.current_annotation(session, image.id)
        return annotations.save_annotation(
            session, image_id=image.id, verdict=verdict, defect_type=kind, mask=None, by=by,
            client_id=client_id or f"{image.id}-{verdict}", expected_revision=current.revision if current else 0,
            version_id=None, score=None,
        )  # fmt: skip


def image_named(context, name) -> Image:
    with context.database.read() as session:
        return session.scalars(select(Image).where(Image.name == name)).one()


def test_the_preview_counts_what_may_be_learnt_from_and_leaves_the_held_out_alone(context, filled):
    slug = filled(normals=8, held_normals=3, held_defects=4)
    seen = retrain_preview(context, ENGINEER, slug)
    assert (seen.normals, seen.known, seen.version_number, seen.refusal) == (8, {}, None, None)
    label(context, image_named(context, "test/scratch/000.png"), Verdict.defect, kind="scratch")
    label(context, image_named(context, "train/good/000.png"), Verdict.unsure)
    seen = retrain_preview(context, ENGINEER, slug)
    assert (seen.normals, seen.known, seen.without_mask, seen.new_anomalies) == (7, {"scratch": 1}, 1, 1)


def test_the_preview_says_what_is_new_since_the_version_that_decides(context, filled):
    slug = filled(normals=6)
    with context.database.write() as session:
        project = images.project_by_slug(session, slug)
        normal = [row.sha256 for row in session.scalars(select(Image).where(Image.held_out.is_(False)))]
    run_id = request_retraining(context, ENGINEER, slug)
    snapshot = {"normals": normal[2:], "calibration": normal[:2], "anomalies": []}
    with context.database.write() as session:
        version = versions.add_version(
            session, project_id=project.id, run_id=run_id, parent_id=None, checkpoint="0" * 64, config={},
            boundaries=[], histograms={}, metrics={}, snapshot=snapshot, known_anomalies=0, device="cpu", seconds=1.0,
        )  # fmt: skip
        versions.promote(session, project_id=project.id, version_id=version.id, by="ann")
    seen = retrain_preview(context, ENGINEER, slug)
    assert (seen.version_number, seen.new_normals, seen.new_anomalies, seen.phase_one_reused) == (1, 0, 0, True)
    label(context, image_named(context, "test/good/000.png"), Verdict.normal)
    seen = retrain_preview(context, ENGINEER, slug)
    assert (seen.new_normals, seen.phase_one_reused, seen.active_run) == (1, False, run_id)


@pytest.mark.parametrize(("normals", "says"), [(0, "no image that is labelled normal"), (4, "only 4 labelled normal")])
def test_too_few_normals_are_refused_before_anything_is_queued(context, filled, normals, says):
    slug = filled(normals=normals)
    with pytest.raises(Refused, match=f"{slug} has {says}.*needs at least 5"):
        request_retraining(context, ENGINEER, slug)
    assert runs_of(context, ENGINEER, slug) == []
    assert says in retrain_preview(context, ENGINEER, slug).refusal


def test_a_double_click_is_one_run_with_its_reason_and_an_audit_entry(context, filled):
    slug = filled()
    first = request_retraining(context, ENGINEER, slug, reason="ten new scratches", preset="demo")
    assert request_retraining(context, ENGINEER, slug, reason="again") == first
    run = run_view(context, ENGINEER, first)
    assert (run.state, run.by, run.reason, run.arguments) == (
        RunState.queued,
        "ann",
        "ten new scratches",
        {"preset": "demo"},
    )
    with context.database.read() as session:
        assert [entry.action for entry in audit.entries(session)].count("retrain") == 1
    cancel(context, ENGINEER, first)
    assert run_view(context, ENGINEER, first).state is RunState.cancelled
    assert request_retraining(context, ENGINEER, slug) != first


def test_what_is_unknown_is_named(context, filled):
    slug = filled()
    with pytest.raises(Refused, match="preset 'fast' is not known"):
        request_retraining(context, ENGINEER, slug, preset="fast")
    with pytest.raises(NotFound, match="no run 17"):
        run_view(context, ENGINEER, "17")
    with pytest.raises(Refused, match=r"weights file /nowhere.safetensors does not exist"):
        create_project(context, ENGINEER, name="other", weights=Path("/nowhere.safetensors"))


def test_an_inspector_may_look_but_not_retrain_or_cancel(context, filled):
    slug, inspector = filled(), Actor("ian", Role.inspector)
    run_id = request_retraining(context, ENGINEER, slug)
    assert retrain_preview(context, inspector, slug).active_run == run_id
    for call in (lambda: request_retraining(context, inspector, slug), lambda: cancel(context, inspector, run_id)):
        with pytest.raises(NotAllowed, match="this needs engineer"):
            call()


def test_calibration_takes_a_fifth_and_at_least_two_and_stays_put_when_others_are_added():
    hashes = [(f"{i * 7919 % 1000:03d}", i) for i in range(100)]
    calibration, training = split(hashes)
    assert len(calibration) == 20 and sorted(calibration + training) == list(range(100))
    assert split(list(reversed(hashes))) == (calibration, training)
    assert [len(part) for part in split(hashes[:5])] == [2, 3]
    more, _ = split(hashes + [(f"{i * 200:03d}x", 100 + i) for i in range(5)])
    assert len(set(calibration) - set(more)) <= 2
