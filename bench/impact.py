"""How long the impact of a promotion takes over 10,000 scored images: `make bench-impact`. A bench, not a test."""

import os
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path

from app.services.authority import OPERATOR
from app.services.context import Context, open_context
from app.services.impact import impact
from app.settings import Settings
from storage import annotations, images, scores, versions
from storage.models import Annotation, Image, Run, RunState, Standing, Verdict

COUNT = 10_000
BOUNDARIES = [
    {"level": "fused", "b_n": -1.0, "b_a": -2.0, "median": 0.0, "spread": 1.0},
    {"level": "part", "b_n": -3.0, "b_a": -4.0, "median": -2.0, "spread": 1.0},
]


def fill(context: Context, count: int) -> None:
    """A project with images, half of them labelled, scored by two versions."""
    rng = random.Random(0)
    with context.database.write() as session:
        project = images.create_project(session, name="bench", settings={})
        arrival = images.start_ingest(session, project_id=project.id, source="bench", by="bench")
        rows = [
            Image(project_id=project.id, sha256=f"{i:064x}", pixels="0" * 64, thumb="0" * 64, name=f"{i}.png", width=64,
                  height=64, held_out=i % 3 == 0, ingest_id=arrival.id)
            for i in range(count)
        ]  # fmt: skip
        session.add_all(rows)
        kinds = [annotations.get_or_add_defect_type(session, project.id, name) for name in ("dent", "scratch", "stain")]
        session.flush()
        for row in rows[::2]:
            bad = rng.random() < 0.2
            session.add(
                Annotation(project_id=project.id, image_id=row.id, revision=1, by=rng.choice(["import", "ann", "ida"]),
                           verdict=Verdict.defect if bad else Verdict.normal, client_id=uuid.uuid4().hex,
                           defect_type_id=rng.choice(kinds).id if bad else None)
            )  # fmt: skip
        for _ in range(2):
            run_id = str(uuid.uuid4())
            session.add(Run(id=run_id, project_id=project.id, kind="retrain", by="bench", state=RunState.done))
            session.flush()
            made = versions.add_version(
                session, project_id=project.id, run_id=run_id, parent_id=None, checkpoint="0" * 64, config={},
                boundaries=BOUNDARIES, histograms={}, metrics={}, snapshot={}, known_anomalies=0, device="cpu",
                seconds=1.0,
            )  # fmt: skip
            values = [rng.random() for _ in rows]
            scores.save_scores(
                session,
                made.id,
                (
                    {"image_id": row.id, "score": value, "distance": 0.1, "maps": "0" * 64,
                     "standing": Standing.normal if value < 0.5 else Standing.defect}
                    for row, value in zip(rows, values, strict=True)
                ),
            )  # fmt: skip
            if made.number == 1:
                versions.promote(session, project_id=project.id, version_id=made.id, by="bench")


def main() -> int:
    """Fill, ask three times, print the seconds and how busy the machine was."""
    with tempfile.TemporaryDirectory() as home:
        context = open_context(Settings.from_environment({"BGAD_HOME": str(Path(home) / "home")}))
        fill(context, COUNT)
        for _ in range(3):
            started = time.perf_counter()
            found = impact(context, OPERATOR, "bench", 2)
            seconds = time.perf_counter() - started
            assert found is not None and found.images == COUNT
            print(
                f"{found.images:,} images, {len(found.flips):,} flips: {seconds:.2f} s (load {os.getloadavg()[0]:.1f})"
            )
        context.database.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
