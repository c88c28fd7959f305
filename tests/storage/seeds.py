"""Rows to start from; every helper goes through the real functions."""

import uuid

import numpy as np
from sqlalchemy.orm import Session

from storage import annotations, images, versions
from storage.masks import encode_mask
from storage.models import Annotation, Image, Project, Run, RunState, Verdict, Version

KEY = "0" * 64
A_MASK = encode_mask(np.random.default_rng(3).random((150, 150)) < 0.5)  # some 3 kB, as large as masks are


def a_project(session: Session, name: str = "Screw") -> Project:
    return images.create_project(session, name=name, settings={"backbone": "resnet18"})


def an_image(session: Session, project: Project, number: int = 1, *, held_out: bool = False) -> Image:
    ingest = images.start_ingest(session, project_id=project.id, source="folder", by="anna")
    image, created = images.add_image(
        session,
        project_id=project.id,
        sha256=f"{number:064x}",
        pixels=KEY,
        thumb=KEY,
        name=f"{number:04d}.png",
        width=64,
        height=48,
        held_out=held_out,
        ingest_id=ingest.id,
    )
    assert created
    return image


def say(session: Session, image: Image, verdict: Verdict | None, *, revision: int = 0, **more) -> Annotation:
    given = {
        "defect_type": None,
        "mask": None,
        "by": "anna",
        "client_id": uuid.uuid4().hex,
        "version_id": None,
        "score": None,
    }
    return annotations.save_annotation(
        session, image_id=image.id, verdict=verdict, expected_revision=revision, **{**given, **more}
    )


def a_version(session: Session, project: Project, run_id: str | None = None) -> Version:
    run_id = run_id or str(uuid.uuid4())
    session.add(Run(id=run_id, project_id=project.id, kind="retrain", by="anna", state=RunState.done))
    session.flush()
    return versions.add_version(session, **version_fields(project, run_id))


def version_fields(project: Project, run_id: str) -> dict:
    return {
        "project_id": project.id,
        "run_id": run_id,
        "parent_id": None,
        "checkpoint": KEY,
        "config": {},
        "boundaries": [],
        "histograms": {},
        "metrics": {},
        "snapshot": {},
        "known_anomalies": 0,
        "device": "cpu",
        "seconds": 1.0,
    }
