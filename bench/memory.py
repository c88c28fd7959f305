"""Memory of training and scoring, and how it grows with the number of images: two runs, each in a process of its own.

Draws images of 256x256, trains on four fifths and calibrates on the rest with both phases of the preset `demo`, a pass
each (memory does not grow with passes), and scores them all. Prints the peak of the resident set of a quarter of them
and of all, what lies between them per image, and what 50,000 would take by that. The last line is JSON.

    python -m bench.memory --count 50000
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from bgad_core.config import BackboneConfig, demo, in_precision
from bgad_core.data import Sample, sample_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.scoring import Kept, score_files
from bgad_core.training import train

SIZE, GOAL, DEFECTS = 256, 50_000, 10
GIB = 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=GOAL, help="images of the larger run; the smaller has a quarter")
    parser.add_argument("--backbone", default="resnet18", help="a timm model, built in")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--folder", type=Path, help="where images and features go: 1.1 MB an image (default: temporary)"
    )
    parser.add_argument("--alone", action="store_true", help="one run, of --count, in this process")
    given = parser.parse_args()
    if given.alone:
        print(json.dumps(run(given.folder, given.count, given.backbone, given.precision, given.threads)))
        return
    with tempfile.TemporaryDirectory(prefix="bgad-memory-", dir=given.folder) as temporary:
        options = ["--backbone", given.backbone, "--precision", given.precision, "--threads", str(given.threads)]
        found = [child(count, Path(temporary) / str(count), options) for count in (given.count // 4, given.count)]
    few, many = found
    grows = (many["peak"] - few["peak"]) / (many["images"] - few["images"])
    print(f"{'images':>8} {'at start':>10} {'trained':>10} {'peak':>10} {'seconds':>9}")
    for row in found:
        sizes = " ".join(f"{row[name] / GIB:6.2f} GiB" for name in ("start", "trained", "peak"))
        print(f"{row['images']:8} {sizes} {row['seconds']:9.0f}")
    there = many["peak"] + max(0.0, grows) * (GOAL - many["images"])
    print(f"{grows / 1024:.1f} KiB an image; {GOAL:,} images would take {there / GIB:.2f} GiB")
    line = {"peak_rss_gib": round(many["peak"] / GIB, 3), "images": many["images"]}
    print(json.dumps({**line, "kib_per_image": round(grows / 1024, 2), "gib_at_50000": round(there / GIB, 3)}))


def child(count: int, folder: Path, options: list[str]) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        "bench.memory",
        "--alone",
        "--count",
        str(count),
        "--folder",
        str(folder),
        *options,
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(folder: Path, count: int, backbone: str, precision: str, threads: int) -> dict[str, float]:
    """Train and score; bytes of the resident set before, at most until trained, and at most until scored."""
    torch.set_num_threads(threads)
    samples = [drawn(folder, number) for number in range(count)]
    defects = [drawn(folder, count + number, defect=True) for number in range(DEFECTS)]
    start, started = peak(), time.monotonic()
    config = in_precision(
        demo(BackboneConfig(backbone, built_in=True)), "bfloat16" if precision == "bfloat16" else "float32"
    )
    config = replace(config, training=replace(config.training, epochs_one=1, epochs_two=1))
    cache = FeatureCache(folder / "features")
    held = count // 5
    model = train(
        config,
        normals=samples[held:],
        anomalies=defects,
        calibration=samples[:held],
        folder=folder / "run",
        phase_one_folder=folder / "phase-one",
        cache=cache,
        device="cpu",
        threads=threads,
    )
    trained = peak()
    kept = Kept(cache, [sample.sha256 for sample in samples], adds=False)
    lowest = min(result.score for result in score_files(model, [sample.path for sample in samples], kept=kept))
    if not np.isfinite(lowest):
        raise SystemExit(f"a score is {lowest}: nothing to be measured")
    return {"images": count, "start": start, "trained": trained, "peak": peak(), "seconds": time.monotonic() - started}


def drawn(folder: Path, number: int, *, defect: bool = False) -> Sample:
    """A grey part with grain of its own, and a scratch where it is a defect."""
    rng = np.random.default_rng(number)
    image = np.full((SIZE, SIZE), 150, np.uint8)
    cv2.randn(noise := np.empty((SIZE, SIZE), np.int16), 0, 6)
    image = np.clip(image + noise + int(rng.integers(-10, 10)), 0, 255).astype(np.uint8)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    if defect:
        cv2.line(mask, *(rng.integers(40, 216, (2, 2)).tolist()), 1, 5)
        image[mask > 0] = 240
    path = folder / "images" / f"{number % 100:02}" / f"{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise SystemExit(f"{path} cannot be written: free some space or give --folder")
    return sample_of(
        path, abnormal=defect, mask=mask > 0 if defect else None, defect_type="scratch" if defect else None
    )


def peak() -> float:
    """Bytes of this process's largest resident set so far, mapped files with it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


if __name__ == "__main__":
    main()
