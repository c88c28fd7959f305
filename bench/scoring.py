"""Images a second when scoring, files in and maps out: the product's way over the same model through eager FrEIA.

Sides take turns over the same images in one process; medians over the rounds. "plain" reads, computes and writes one
after the other, float32, FrEIA's own forward. "scored" is `score_files`, the model in `--precision`, "again" the same
from cached features, "backbone" the forward of the frozen network alone at its best (bfloat16, channels last, compiled
where a compiler is there). Flows are not trained: their time does not depend on their values. The last line is JSON.

    python -m bench.scoring ../shared/data/screw/train/good --weights FILE
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from app.worker.score import pack_maps
from bench.training import busy, foreign
from bgad_core import config as presets
from bgad_core.config import BackboneConfig, BGADConfig, in_precision
from bgad_core.data import read_image, resized, sample_of, sha256_of
from bgad_core.feature_cache import FeatureCache, features_of
from bgad_core.features import FeatureExtractor, as_batch, resolve_device
from bgad_core.model import BGAD
from bgad_core.narrow import folded
from bgad_core.scoring import BATCH, ImageScore, Kept, score_files, score_images
from bgad_core.training import set_statistics

CALIBRATION = 8  # images that give the untrained model its statistics and boundaries


class Plain(BGAD):
    """The same model through FrEIA's forward."""

    def log_p_nats(self, level: int, features: Tensor, cells: Tensor) -> Tensor:
        return self.flows[level].log_p_nats(self.whitened(level, features), getattr(self, f"grid{level}")[cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("images", type=Path, help="a folder of images")
    parser.add_argument("--weights", required=True, help="a safetensors file for the backbone")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--preset", choices=("product", "paper", "demo"), default="product")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--count", type=int, default=64, help="images of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    paths = sorted(given.images.glob("*.png"))[: given.count]
    backbone = BackboneConfig(given.backbone, weights=given.weights)
    config: BGADConfig = replace(getattr(presets, given.preset)(backbone), size=given.size)
    machine = torch.cuda.get_device_name() if given.device.startswith("cuda") else platform.processor()
    print(f"{machine or platform.machine()}, {given.threads} threads, torch {torch.__version__}, {len(paths)} images")
    with tempfile.TemporaryDirectory(prefix="bgad-bench-") as folder:
        sides = sides_of(config, given.precision, given.device, paths, Path(folder))
        before = busy()
        rates = race(sides, len(paths), given.rounds)
        load = foreign(before)
    for name, rate in rates.items():
        print(f"{name:>20} {rate:8.1f} images/s")
    print(f"others' load: {load:.2f} cores")
    best = max(rate for name, rate in rates.items() if name.startswith("backbone"))
    line = {
        "ratio_end_to_end": round(rates["scored"] / rates["plain"], 3),
        "ratio_rescoring": round(rates["again"] / rates["scored"], 3),
        "ratio_backbone": round(rates["scored"] / best, 3),
        "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "others_load": round(load, 2),
    }
    print(json.dumps(line))


def sides_of(
    config: BGADConfig, precision: presets.Precision, device: str, paths: Sequence[Path], folder: Path
) -> dict[str, Callable[[], None]]:
    """What takes turns, by name; each goes over all images once."""
    slow = made(Plain, config, device, paths, folder)
    fast = made(BGAD, in_precision(config, precision), device, paths, folder)
    fast.flows.load_state_dict(slow.flows.state_dict())
    kept = Kept(FeatureCache(folder / "features"), [sha256_of(path) for path in paths])
    list(score_files(fast, paths, kept=kept))
    images = [resized(read_image(path), config.size) for path in paths]
    batches = [as_batch(images[start : start + BATCH], fast.device) for start in range(0, len(images), BATCH)]
    sides: dict[str, Callable[[], None]] = {
        "plain": lambda: write(plain(slow, paths), folder),
        "scored": lambda: write(score_files(fast, paths), folder),
        "again": lambda: write(score_files(fast, paths, kept=kept), folder),
    }
    network = folded(fast.extractor.network).to(torch.bfloat16).to(memory_format=torch.channels_last)
    shown = [batch.to(torch.bfloat16, memory_format=torch.channels_last) for batch in batches]
    for name, forward in (("backbone", network), ("backbone, compiled", torch.compile(network))):
        sides[name] = lambda forward=forward: run(forward, shown)  # type: ignore[misc]
    return sides


def made(kind: type[BGAD], config: BGADConfig, device: str, paths: Sequence[Path], folder: Path) -> BGAD:
    """A calibrated model whose flows are as they are drawn."""
    model = kind(config, FeatureExtractor(config.backbone, resolve_device(device)))
    samples = [sample_of(path) for path in paths[:CALIBRATION]]
    features = features_of(model.extractor, samples, config, FeatureCache(folder / "statistics"))
    set_statistics(model, features)
    model.eval().calibrate(features)
    return model


def plain(model: BGAD, paths: Sequence[Path]) -> Iterable[ImageScore]:
    for start in range(0, len(paths), BATCH):
        yield from score_images(
            model, [resized(read_image(p), model.config.size) for p in paths[start : start + BATCH]]
        )


def write(results: Iterable[ImageScore], folder: Path) -> None:
    for number, result in enumerate(results):
        if not np.isfinite(result.score):
            raise SystemExit(f"image {number} has the score {result.score}: nothing to be timed")
        (folder / f"{number}.npz").write_bytes(pack_maps(result.fused, result.levels))


@torch.inference_mode()
def run(forward: Callable[[Tensor], object], batches: Sequence[Tensor]) -> None:
    for batch in batches:
        forward(batch)
    if batches[0].is_cuda:
        torch.cuda.synchronize()


def race(sides: dict[str, Callable[[], None]], images: int, rounds: int) -> dict[str, float]:
    """Median images/s of each side; the first round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(1 + rounds):
        for name, side in sides.items():
            started = time.perf_counter()
            side()
            if number:
                taken[name].append(time.perf_counter() - started)
    return {name: images / statistics.median(values) for name, values in taken.items()}


if __name__ == "__main__":
    main()
