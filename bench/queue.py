"""`make bench-queue`: what the queue page's reads and a save cost in a pool of 10,000 and of 1,000,000 images.

Rows are written straight into the tables, since a million images through an ingest would take a day; what is timed goes
through the product's own services. The last line is JSON.
"""

import argparse
import io
import json
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from sqlalchemy import insert

from app.services.authority import Actor
from app.services.context import Context, open_context
from app.services.ingest import create_project
from app.services.label import save_verdict
from app.services.queue import claim, queue_for
from app.services.score import ranked_queue
from app.settings import Settings
from storage import images, versions
from storage.models import Image, Role, Run, RunState, Score, Standing, Verdict

IDA = Actor("ida", Role.inspector)
KEY = "0" * 64
CHUNK = 20_000


def filled(home: Path, count: int) -> Context:
    """An installation whose project "pool" has `count` scored images without a label."""
    context = open_context(Settings.from_environment({"BGAD_HOME": str(home), "BGAD_DEVICE": "cpu"}))
    create_project(context, Actor("ann", Role.engineer), name="pool", built_in=True)
    rng = np.random.default_rng(0)
    with context.database.write() as session:
        project = images.project_by_slug(session, "pool")
        assert project is not None
        ingest = images.start_ingest(session, project_id=project.id, source="bench", by="ann")
        run = Run(id=str(uuid.uuid4()), project_id=project.id, kind="retrain", by="ann", state=RunState.done)
        session.add(run)
        session.flush()
        version = versions.add_version(
            session, project_id=project.id, run_id=run.id, parent_id=None, checkpoint=KEY, config={}, histograms={},
            boundaries=[{"level": "part", "b_n": -1.0, "b_a": -2.0, "median": 0.0, "spread": 1.0}], metrics={},
            snapshot={}, known_anomalies=0, device="cpu", seconds=1.0,
        )  # fmt: skip
        versions.promote(session, project_id=project.id, version_id=version.id, by="ann")
        for start in range(1, count + 1, CHUNK):
            ids = range(start, min(start + CHUNK, count + 1))
            facts = {"project_id": project.id, "pixels": KEY, "thumb": KEY, "width": 1024, "height": 1024}
            rows = [
                {"id": i, "sha256": f"{i:064x}", "name": f"{i:07d}.png", "ingest_id": ingest.id, **facts} for i in ids
            ]
            session.execute(insert(Image), rows)
            session.execute(insert(Score), [_score(version.id, i, rng) for i in ids])
    return context


def _score(version_id: int, image_id: int, rng: np.random.Generator) -> dict:
    score = float(rng.beta(2, 4))
    standing = Standing.defect if score > 0.66 else Standing.margin if score > 0.5 else Standing.normal
    descriptor = rng.normal(size=64).astype(np.float16).tobytes()
    facts = {"maps": KEY, "waiting": True, "draw": float(rng.random()), "margin": 0.01, "descriptor": descriptor}
    distance, novelty = abs(score - 0.5), float(rng.exponential(0.4))
    ranks = {"score": score, "distance": distance, "novelty": novelty, "standing": standing}
    return {"version_id": version_id, "image_id": image_id, **ranks, **facts}


def p95(act: Callable[[], object], times: int) -> float:
    """Milliseconds that 95 of 100 calls stay below."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - started))
    return float(np.quantile(taken, 0.95))


def page(context: Context) -> None:
    """What a run of the queue page asks of the server: the queue, the lease, the gallery's first page."""
    claim(context, IDA, "pool", queue_for(context, IDA, "pool"))
    ranked_queue(context, IDA, "pool", show="unlabelled", limit=120)


def saver(context: Context) -> Callable[[], object]:
    """Saves a verdict with a 1024x1024 mask, as a browser's canvas encodes it, on one image after the other."""
    y, x = np.mgrid[:1024, :1024]
    canvas, mask = io.BytesIO(), np.hypot(x - 500, y - 400) + 40 * np.sin(x / 9) < 300
    Picture.fromarray(mask).convert("RGBA").save(canvas, "PNG")
    ids = iter(range(1, 10_000))

    def save() -> object:
        return save_verdict(
            context, IDA, next(ids), verdict=Verdict.defect, defect_type="dent", mask_png=canvas.getvalue(),
            client_id=str(uuid.uuid4()), expected_revision=0,
        )  # fmt: skip

    return save


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--sizes", type=int, nargs=2, default=(10_000, 1_000_000))
    options.add_argument("--times", type=int, default=100)
    given = options.parse_args()
    pages, saves = [], []
    for count in given.sizes:
        with tempfile.TemporaryDirectory(prefix="bgad-bench-") as folder:
            context = filled(Path(folder), count)
            page(context)
            pages.append(p95(lambda context=context: page(context), given.times))  # type: ignore[misc]
            saves.append(p95(saver(context), given.times))
            print(f"{count:,} images: page p95 {pages[-1]:.1f} ms, save p95 {saves[-1]:.1f} ms", flush=True)
            context.database.dispose()
    figures = {"page_p95_ms": pages[1], "page_growth": pages[1] / pages[0], "save_p95_ms": saves[1]}
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
