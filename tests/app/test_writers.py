"""Many inspectors beside a training: nobody is locked out, nothing is lost."""

import os
import threading
import time
import uuid
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from app.services.label import save_verdict
from app.services.retrain import request_retraining
from storage import images, runs
from storage.models import ACTIVE, Annotation, RunState, Verdict, now
from tests.app.conftest import ENGINEER, INSPECTOR, scratch_mask
from tests.journeys.product import Product
from tests.patience import RUN, wait_for

BESIDE = timedelta(seconds=3)  # at the least, that the training went on while they wrote
WRITERS, LABELS = (32, 1000) if os.environ.get("SOAK") else (8, 250)


@pytest.mark.slow
def test_writers_beside_a_training_lose_nothing_and_are_never_locked_out(context, filled, tmp_path):
    filled(normals=24)
    with context.database.write() as session:
        other = images.create_project(session, name="other", settings={})
        arrival = images.start_ingest(session, project_id=other.id, source="seed", by="ann")
        rows = [seed(session, other.id, arrival.id, number) for number in range(WRITERS * LABELS)]
        ids = [row.id for row in rows]
    run_id = request_retraining(context, ENGINEER, "tile", preset="demo", reason="beside")
    product = Product(context.settings.home, BGAD_DATABASE_URL=context.settings.database_url, BGAD_THREADS="1")
    errors: list[Exception] = []
    waits: list[float] = []

    def write(mine: list[int]) -> None:
        for image_id in mine:
            started = time.monotonic()
            said = {"mask_png": scratch_mask(), "client_id": uuid.uuid4().hex, "expected_revision": 0}
            try:
                save_verdict(context, INSPECTOR, image_id, verdict=Verdict.defect, defect_type="dent", **said)
            except Exception as error:
                errors.append(error)
            waits.append(time.monotonic() - started)

    def state() -> RunState:
        with context.database.read() as session:
            return runs.run(session, run_id).state

    try:
        product.start("worker")
        wait_for(lambda: state() is RunState.running, seconds=RUN, what=lambda: product.log("worker"))
        begun = now()
        threads = [threading.Thread(target=write, args=(ids[n::WRITERS],)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: state() not in ACTIVE, seconds=RUN, what=lambda: product.log("worker"))
    finally:
        product.stop()
    assert errors == []
    with context.database.read() as session:
        training = runs.run(session, run_id)
        assert training.state is RunState.done and training.finished_at - begun > BESIDE
        said = session.execute(
            select(Annotation.image_id, Annotation.mask).where(Annotation.by == INSPECTOR.name)
        ).all()
    assert sorted(image_id for image_id, _ in said) == sorted(ids) and all(mask for _, mask in said)
    print(f"\n{len(ids)} labels by {WRITERS}: p50 {np.median(waits):.3f} s, p99 {np.quantile(waits, 0.99):.3f} s")


def seed(session, project_id: int, ingest_id: int, number: int):
    facts = {"pixels": "0" * 64, "thumb": "0" * 64, "width": 64, "height": 64, "held_out": False}
    name, sha256 = f"{number}.png", f"{number:064x}"
    return images.add_image(
        session, project_id=project_id, sha256=sha256, name=name, ingest_id=ingest_id, **facts
    )[0]  # fmt: skip
