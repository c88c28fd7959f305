"""`make bench-retrain`: from the click to a version ready to promote, over training from scratch as the paper does.

Day one of screw is trained once. In each round a copy of it gets ten masks, two of each type, and a retrain is asked
for as the page does, with a worker waiting; the time is the run's own, from the click to its end: phase 2 from the
finished phase 1, the boundaries, the held-out metrics. The other side is one pass of each phase of the preset `paper`
over the same images, multiplied by its 8 and 192 passes, and the features once: extrapolated, and through the same
fused step, which is faster than the paper's code. The last line is JSON.

    python -m bench.retrain --work FOLDER [--rounds 3]   trains day one when FOLDER is empty
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path

from app.outbox import worker_lives
from app.services.authority import OPERATOR
from app.services.context import open_context
from app.services.label import save_verdict
from app.services.retrain import request_retraining, run_view
from app.settings import Settings
from bench.gesture import KNOWN, WEIGHTS, Defect, defects_of, ids_of
from bgad_core.config import BackboneConfig, paper
from bgad_core.data import sample_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.progress import Progress
from bgad_core.training import train
from storage.masks import encode_mask
from storage.models import ACTIVE, RunState, Verdict
from tests.journeys.product import Product
from tests.patience import wait_for

MUST = 20  # the paper's schedule over the retrain
HELD = 64  # normals that the product keeps to calibrate on, of 320
PAPER = paper(BackboneConfig("resnet18"))
WHOLE = {"phase 1": PAPER.training.epochs_one, "phase 2": PAPER.training.epochs_two}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, default=Path("bench-retrain.work"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    known = [defect for kind in defects_of(given.shared / "data" / "screw").values() for defect in kind[:KNOWN]]
    given.work.mkdir(parents=True, exist_ok=True)
    day_one(given.work / "day-one", given.shared, known, given.threads)
    retrains = [retrained(given.work / "day-one", known, given.threads) for _ in range(given.rounds)]
    features, passes = paper_parts(given.shared, known, given.threads)
    scratch = features + sum(passes[phase] * whole for phase, whole in WHOLE.items())
    seconds = statistics.median(retrains)
    print(f"{'retrain, each round':<40} {', '.join(f'{each:.0f}' for each in retrains)} s")
    for phase, whole in WHOLE.items():
        print(f"{f'paper, one pass of {phase}, {whole} of them':<40} {passes[phase]:.1f} s")
    print(f"{'paper, features once':<40} {features:.0f} s")
    print(f"{'paper from scratch, extrapolated':<40} {scratch / 60:.0f} min")
    print(f"{'ratio, must reach ' + str(MUST):<40} {scratch / seconds:.1f}")
    print(json.dumps({"ratio": round(scratch / seconds, 2), "seconds": round(seconds, 1), "rounds": retrains}))


def day_one(home: Path, shared: Path, known: list[Defect], threads: int) -> None:
    """An installation with screw's normals and test images, the ten defects unlabelled, and a first version."""
    if (home / "ready").exists():
        return
    shutil.rmtree(home, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        tree, pool = Path(folder, "screw"), Path(folder, "pool")
        shutil.copytree(shared / "data" / "screw", tree)
        pool.mkdir()
        for defect in known:
            shutil.move(tree / "test" / defect.kind / defect.path.name, pool / defect.name)
        product = Product(home, BGAD_DEVICE="cpu", BGAD_THREADS=str(threads))
        product.run("project", "create", "screw", "--backbone", "resnet18", "--weights", str(shared / WEIGHTS))
        product.run("ingest", str(tree), "--project", "screw")
        product.run("ingest", str(pool), "--project", "screw", "--content", "unknown")
        product.run("train", "--project", "screw", timeout=3000)
    (home / "ready").touch()


def retrained(first: Path, known: list[Defect], threads: int) -> float:
    """Seconds from the click to the version, on a copy of the first day."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        shutil.copytree(first, home)
        context = open_context(Settings.from_environment({"BGAD_HOME": str(home), "BGAD_DEVICE": "cpu"}))
        ids = ids_of(context)
        for defect in known:
            save_verdict(
                context, OPERATOR, ids[defect.name], verdict=Verdict.defect, defect_type=defect.kind,
                mask_png=encode_mask(defect.mask), client_id=str(uuid.uuid4()), expected_revision=0,
            )  # fmt: skip
        product = Product(home, BGAD_DEVICE="cpu", BGAD_THREADS=str(threads))
        product.start("worker")
        wait_for(lambda: worker_lives(context.database), seconds=120, what="a worker that waits, as on any day")
        run_id = request_retraining(context, OPERATOR, "screw", reason="ten new masks")
        ended = lambda: run_view(context, OPERATOR, run_id).state not in ACTIVE  # noqa: E731
        wait_for(ended, seconds=3600, what="the retrain")
        run = run_view(context, OPERATOR, run_id)
        product.stop()
        context.database.dispose()
        if run.state is not RunState.done or run.finished_at is None:
            raise SystemExit(f"the retrain ended {run.state.name}: {run.error}")
        return (run.finished_at - run.created_at).total_seconds()


def paper_parts(shared: Path, known: list[Defect], threads: int) -> tuple[float, dict[str, float]]:
    """(seconds of the features, seconds of one pass of each phase) under the preset `paper`."""
    backbone = replace(PAPER.backbone, weights=str(shared / WEIGHTS))
    config = replace(PAPER, backbone=backbone, training=replace(PAPER.training, epochs_one=1, epochs_two=1))
    normals = [sample_of(path, abnormal=False) for path in sorted((shared / "data/screw/train/good").glob("*.png"))]
    anomalies = [sample_of(each.path, abnormal=True, mask=each.mask, defect_type=each.kind) for each in known]
    seen: dict[str, list[float]] = {}

    def clock(step: Progress) -> None:
        seen.setdefault(step.phase, []).append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        train(
            config, normals=normals[HELD:], anomalies=anomalies, calibration=normals[:HELD], folder=Path(folder, "run"),
            phase_one_folder=Path(folder, "one"), cache=FeatureCache(Path(folder, "features")), device="cpu",
            threads=threads, progress=clock,
        )  # fmt: skip
    ends = {phase: times[-1] for phase, times in seen.items()}
    starts = {phase: times[0] for phase, times in seen.items()}
    return ends["features"] - started, {phase: ends[phase] - starts[phase] for phase in WHOLE}


if __name__ == "__main__":
    main()
