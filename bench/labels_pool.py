"""The pool of `bench.labels` as the product keeps it: images, versions, scores and labels in a database of its own."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import insert

from app.services.authority import Actor
from app.services.context import Context, open_context
from app.services.ingest import create_project
from app.services.label import save_verdict
from app.settings import Settings
from bgad_core.model import BGAD
from bgad_core.scoring import ImageScore
from storage import images, scores, versions
from storage.models import Image, Role, Run, RunState, Standing, Verdict

IDA = Actor("ida", Role.inspector)
KEY = "0" * 64


@dataclass(frozen=True)
class Part:
    """One image of the pool."""

    path: Path
    sha256: str
    width: int
    height: int


def installation(home: Path, parts: Sequence[Part]) -> Context:
    """A project "pool" whose image ids count from 1 in the order of the parts."""
    context = open_context(Settings.from_environment({"BGAD_HOME": str(home), "BGAD_DEVICE": "cpu"}))
    create_project(context, Actor("ann", Role.engineer), name="pool", built_in=True)
    with context.database.write() as session:
        project = images.project_by_slug(session, "pool")
        assert project is not None
        ingest = images.start_ingest(session, project_id=project.id, source="bench", by="ann")
        facts = {"project_id": project.id, "pixels": KEY, "thumb": KEY, "ingest_id": ingest.id}
        rows = [
            {"id": i + 1, "sha256": part.sha256, "name": part.path.name, "width": part.width, "height": part.height}
            for i, part in enumerate(parts)
        ]
        session.execute(insert(Image), [{**row, **facts} for row in rows])
    return context


def show_scores(context: Context, model: BGAD, found: Sequence[ImageScore], novelties: np.ndarray) -> None:
    """Let the model decide as the project's next version, with its scores of the whole pool."""
    part = model.boundary("part")
    facts = {"level": "part", "b_n": part.b_n, "b_a": part.b_a, "median": part.median, "spread": part.median - part.b_n}
    with context.database.write() as session:
        project = images.project_by_slug(session, "pool")
        assert project is not None
        run = Run(id=str(uuid.uuid4()), project_id=project.id, kind="retrain", by="ann", state=RunState.done)
        session.add(run)
        session.flush()
        version = versions.add_version(
            session, project_id=project.id, run_id=run.id, parent_id=None, checkpoint=KEY, config={}, histograms={},
            boundaries=[facts], metrics={}, snapshot={}, known_anomalies=0, device="cpu", seconds=1.0,
        )  # fmt: skip
        versions.promote(session, project_id=project.id, version_id=version.id, by="ann")
        rows = [
            _row(i + 1, each, part.b_n, float(new)) for i, (each, new) in enumerate(zip(found, novelties, strict=True))
        ]
        scores.save_scores(session, version.id, rows)


def _row(image_id: int, found: ImageScore, b_n: float, new: float) -> dict:
    return {
        "image_id": image_id,
        "score": float(found.score),
        "distance": abs(float(found.lowest) - b_n),
        "standing": Standing[found.standing],
        "maps": KEY,
        "margin": float(found.margin),
        "descriptor": found.descriptor.astype(np.float16).tobytes(),
        "novelty": new if np.isfinite(new) else None,
    }


def save_label(context: Context, image_id: int, abnormal: bool, defect_type: str | None, purpose: str) -> None:
    """The ground truth's answer, as an inspector gives it."""
    save_verdict(
        context, IDA, image_id, verdict=Verdict.defect if abnormal else Verdict.normal, defect_type=defect_type,
        client_id=str(uuid.uuid4()), expected_revision=0, purpose=purpose,
    )  # fmt: skip
