"""A whole category on one device: the paper's schedule from images to a calibrated model, and the product's retrain.

The first side trains the preset `paper` (8 and 192 passes) on all normals of an MVTec-style folder at 256 pixels and
ten known defects; the boundaries are fitted over the first 32 normals, for the time alone. The second trains the preset
`product` on 4/5 of the normals, then once more with the defects, as a retrain after labelling does: phase 1 and the
features are there, phase 2, the boundaries and the metrics on the rest of the images are not. The last line is JSON.

    python -m bench.category ../shared/data/screw --weights FILE --device cuda
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from bgad_core.config import BackboneConfig, BGADConfig, in_precision, paper, product
from bgad_core.datasets import read_dataset
from bgad_core.datasets.dataset import Dataset
from bgad_core.experiments import measured
from bgad_core.feature_cache import FeatureCache
from bgad_core.progress import Progress
from bgad_core.protocols import multi_class
from bgad_core.training import train

CALIBRATION = 32


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="an MVTec-style category")
    parser.add_argument("--weights", required=True, help="a safetensors file for the backbone")
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--rounds", type=int, default=3, help="retrains")
    parser.add_argument("--only", choices=("paper", "retrain"), default=None)
    parser.add_argument("--passes", type=int, default=None, help="of phase 2 of the paper's schedule, fewer for a test")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    backbone, dataset = BackboneConfig(given.backbone, weights=given.weights), read_dataset(given.folder)
    machine = torch.cuda.get_device_name() if given.device.startswith("cuda") else "processor"
    print(f"{machine}, {given.threads} threads, torch {torch.__version__}, {given.precision}")
    found: dict[str, object] = {}
    if given.only != "retrain":
        found["paper_seconds"] = round(whole(in_precision(paper(backbone), given.precision), dataset, given), 1)
    if given.only != "paper":
        found["retrain_seconds"] = retrains(in_precision(product(backbone), given.precision), dataset, given)
    print(json.dumps(found))


class Clock:
    """Hears a training's progress: how long each of its phases took."""

    def __init__(self) -> None:
        self.started = self._before = time.perf_counter()
        self.phases: dict[str, float] = {}

    def __call__(self, step: Progress) -> None:
        now = time.perf_counter()
        self.phases[step.phase] = self.phases.get(step.phase, 0.0) + now - self._before
        self._before = now

    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def told(self) -> str:
        parts = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in self.phases.items())
        return f"{self.seconds():.1f} s ({parts})"


def whole(config: BGADConfig, dataset: Dataset, given: argparse.Namespace) -> float:
    """Seconds of the paper's schedule on all normals, files in and a calibrated model out."""
    if given.passes is not None:
        config = replace(config, training=replace(config.training, epochs_two=given.passes))
    clock, known = Clock(), multi_class(dataset, seed=0).known
    with tempfile.TemporaryDirectory() as folder:
        train(
            config, normals=dataset.train, anomalies=known, calibration=dataset.train[:CALIBRATION],
            folder=Path(folder, "run"), phase_one_folder=Path(folder, "one"), cache=FeatureCache(Path(folder, "cache")),
            device=given.device, threads=given.threads, progress=clock,
        )  # fmt: skip
    passes = config.training.epochs_one + config.training.epochs_two
    print(f"paper, {len(dataset.train)} normals, {passes} passes: {clock.told()}", flush=True)
    return clock.seconds()


def retrains(config: BGADConfig, dataset: Dataset, given: argparse.Namespace) -> list[float]:
    """Seconds of each retrain with ten known defects, its metrics included."""
    split, taken = multi_class(dataset, seed=0), []
    with tempfile.TemporaryDirectory() as work:
        cache = FeatureCache(Path(work, "cache"))
        for number in range(given.rounds + 1):
            clock = Clock()
            model = train(
                config, normals=split.normals, anomalies=split.known if number else [], calibration=split.calibration,
                folder=Path(work, str(number)), phase_one_folder=Path(work, "one"), cache=cache, device=given.device,
                threads=given.threads, progress=clock,
            )  # fmt: skip
            trained, found = clock.seconds(), measured(model, split)
            what = f"retrain {number}" if number else "day one, no known defect"
            print(
                f"{what}: {clock.told()}, {clock.seconds() - trained:.1f} of them metrics; image AUROC "
                f"{found.image_auroc:.3f}, pixel AUROC {found.pixel_auroc or 0:.3f}, PRO {found.pro or 0:.3f}",
                flush=True,
            )
            if number:
                taken.append(round(clock.seconds(), 2))
    return taken


if __name__ == "__main__":
    main()
