"""A served bundle's latency and images a second, beside anomalib's OpenVINO inferencer on PatchCore and CFLOW.

The same images, already at the model's size, the same backbone weights, the same number of threads, in turns on one
machine. What is timed is from pixels to the answer: maps, score, decision and regions here, maps and score there.

    python -m bench.serve ../shared/data/screw --weights FILE --bundle screw.bgad --peers .venv-peers/bin/python
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from app.serving.bundle import open_bundle
from app.serving.scorer import Scorer
from bgad_core.data import read_image, resized
from bgad_core.datasets import read_dataset

ROUNDS = 2


def timed(bundle: Path, images: np.ndarray, threads: int) -> dict[str, list[float]]:
    """Seconds of each image on both runtimes."""
    times: dict[str, list[float]] = {}
    opened = open_bundle(bundle)
    for engine in ("openvino", "onnxruntime"):
        scorer = Scorer(opened, engine=engine, threads=threads)
        for image in images:
            started = time.perf_counter()
            scorer.score(image)
            times.setdefault(f"BGAD, {engine}, float32", []).append(time.perf_counter() - started)
    return times


def figures(seconds: list[float]) -> dict[str, float]:
    """Milliseconds and images a second."""
    ordered = sorted(seconds)
    return {
        "p50_ms": round(1e3 * statistics.median(ordered), 2),
        "p95_ms": round(1e3 * ordered[int(0.95 * (len(ordered) - 1))], 2),
        "images_per_s": round(len(ordered) / sum(ordered), 2),
    }


def main() -> None:
    """Print a table and one line of JSON."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("dataset", type=Path)
    options.add_argument("--weights", type=Path, required=True)
    options.add_argument("--bundle", type=Path, required=True)
    options.add_argument("--peers", type=Path, required=True, help="the python of the peers' environment")
    options.add_argument("--work", type=Path, default=Path("bench-serve.work"))
    options.add_argument("--images", type=int, default=40)
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    work = given.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    size = open_bundle(given.bundle).config.size
    tests = read_dataset(given.dataset).test[:: max(1, len(read_dataset(given.dataset).test) // given.images)]
    images = np.stack([resized(read_image(sample.path), size) for sample in tests[: given.images]])
    np.save(work / "images.npy", images)
    command = [
        str(given.peers), "-W", "ignore", "-m", "bench.serve_peers", str(work / "images.npy"), "--dataset",
        str(given.dataset.resolve()), "--weights", str(given.weights.resolve()), "--work", str(work),
        "--threads", str(given.threads),
    ]  # fmt: skip
    loads, times = [os.getloadavg()[0]], {}
    for _ in range(ROUNDS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        theirs = json.loads(done.stdout.strip().splitlines()[-1])
        for name, seconds in {**timed(given.bundle, images, given.threads), **theirs}.items():
            times.setdefault(name, []).extend(seconds)
        loads.append(os.getloadavg()[0])
    found = {name: figures(seconds) for name, seconds in times.items()}
    print("| model | p50, ms | p95, ms | images/s |\n|---|---|---|---|")
    for name, row in found.items():
        print(f"| {name} | {row['p50_ms']} | {row['p95_ms']} | {row['images_per_s']} |")
    facts = {"images": len(images) * ROUNDS, "size": size, "threads": given.threads, "load": loads}
    print(json.dumps({**facts, "models": found}), flush=True)


if __name__ == "__main__":
    main()
