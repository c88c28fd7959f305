"""`make bench-labels`: how many labels the queue needs for what labels drawn by lot reach with 40.

The ground truth answers. Per seed, screw's normals are split into those that day one learns from, those that carry the
boundary, and good parts of the pool; 30 defects, six of each type, hide among 120 good parts of the pool; all other
defects and the good test parts are the test. Each rule asks for labels in rounds, through the product's own queue
(`app.services.queue` on a database), and after each round phase 2 learns the known defects anew from the same phase 1.
Nothing is chosen on the test images: schedule and rounds are set beforehand, and every rule goes through the same ones.

Shorter than the product: a label "normal" costs a label and teaches nothing (phase 1 is kept), and phase 2 is cut to
`--passes` passes over `--pastes` pasted defects. The last line is JSON; `labels_to_match_random_40` is the smallest
number of labels at which the mean accuracy of the mixed queue, linear between rounds, is that of 40 drawn by lot, null
where it never is; its interval is a bootstrap over the seeds.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.services.context import Context
from app.services.queue import Ask, queue_for
from bench.labels_pool import IDA, Part, installation, save_label, show_scores
from bgad_core.acquisition import novelty
from bgad_core.config import BackboneConfig, BGADConfig, product
from bgad_core.data import Sample, read_image
from bgad_core.datasets.folders import read_mvtec
from bgad_core.evaluation import average_precision, image_auroc
from bgad_core.feature_cache import FeatureCache
from bgad_core.model import BGAD
from bgad_core.scoring import ImageScore, Kept, score_files
from bgad_core.training import train

WEIGHTS = "weights/resnet18_tv_in1k_layers1to3_int8dequant.safetensors"
RULES: tuple[str, ...] = ("random", "mixed", "defect", "boundary", "new")
GOOD, CALIBRATING, HIDDEN = 120, 40, 6  # good parts of the pool, parts that calibrate, hidden defects of each type
TARGET = 40


@dataclass(frozen=True)
class Split:
    """One seed's parts; the pool is shuffled, so that no order tells anything."""

    normals: list[Sample]
    calibration: list[Sample]
    pool: list[Sample]
    test: list[Sample]


@dataclass(frozen=True)
class Bench:
    """What all runs share."""

    config: BGADConfig
    cache: FeatureCache
    work: Path
    step: int
    most: int
    threads: int


def split_of(screw: Path, seed: int) -> Split:
    """Everything of the data set, dealt by a seed."""
    rng, data = np.random.default_rng(seed), read_mvtec(screw)
    good = [data.train[i] for i in rng.permutation(len(data.train))]
    pool, test = good[:GOOD], [sample for sample in data.test if not sample.abnormal]
    for kind in sorted({sample.defect_type for sample in data.test if sample.defect_type}):
        defects = [sample for sample in data.test if sample.defect_type == kind]
        defects = [defects[i] for i in rng.permutation(len(defects))]
        pool, test = pool + defects[:HIDDEN], test + defects[HIDDEN:]
    pool = [pool[i] for i in rng.permutation(len(pool))]
    return Split(good[GOOD + CALIBRATING :], good[GOOD : GOOD + CALIBRATING], pool, test)


def learnt(bench: Bench, split: Split, known: Sequence[Sample], seed: int) -> BGAD:
    """A model of the split's normals and these defects; phase 1 is made once for each seed."""
    with tempfile.TemporaryDirectory(dir=bench.work) as folder:
        return train(
            replace(bench.config, seed=seed),
            normals=split.normals,
            anomalies=list(known),
            calibration=split.calibration,
            folder=Path(folder),
            phase_one_folder=bench.work / "phase-one",
            cache=bench.cache,
            device="cpu",
            threads=bench.threads,
        )


def scored(bench: Bench, model: BGAD, samples: Sequence[Sample]) -> list[ImageScore]:
    kept = Kept(bench.cache, [sample.sha256 for sample in samples])
    return list(score_files(model, [sample.path for sample in samples], kept=kept))


def asked(context: Context, rule: str, split: Split, left: list[int], step: int, rng: np.random.Generator) -> list[int]:
    """Places in the pool that a rule asks for next; what it cannot fill is drawn by lot, as is all of "random"."""
    chosen: list[int] = []
    if rule != "random":
        ask: Ask = rule  # type: ignore[assignment]
        chosen = [wanted.item.image_id - 1 for wanted in queue_for(context, IDA, "pool", ask=ask, limit=step).wanted]
    rest = [place for place in left if place not in chosen]
    return [*chosen, *rng.permutation(rest)[: step - len(chosen)].tolist()]


def curve(bench: Bench, split: Split, rule: str, seed: int, first: BGAD) -> list[dict[str, float]]:
    """Accuracy on the test after each round of labels, the first entry at 0 labels."""
    home, rng = bench.work / f"home-{rule}-{seed}", np.random.default_rng(1000 + seed)
    parts = [Part(sample.path, sample.sha256, *_size(sample)) for sample in split.pool]
    context, model, labelled = installation(home, parts), first, list[int]()
    points = [measured(bench, model, split, labelled)]
    calm = np.stack([each.descriptor for each in scored(bench, model, split.calibration)])
    while len(labelled) < bench.most:
        found = scored(bench, model, split.pool)
        vectors = np.stack([each.descriptor for each in found]).astype(np.float32)
        references = np.concatenate([calm, vectors[labelled]]).astype(np.float32)
        show_scores(context, model, found, novelty(vectors, references))
        left = [place for place in range(len(split.pool)) if place not in labelled]
        for place in asked(context, rule, split, left, bench.step, rng):
            save_label(context, place + 1, split.pool[place].abnormal, split.pool[place].defect_type, rule)
            labelled.append(place)
        known = [split.pool[place] for place in labelled if split.pool[place].abnormal]
        model = learnt(bench, split, known, seed) if known else first
        calm = np.stack([each.descriptor for each in scored(bench, model, split.calibration)])
        points.append(measured(bench, model, split, labelled))
    context.database.dispose()
    shutil.rmtree(home)
    return points


def measured(bench: Bench, model: BGAD, split: Split, labelled: Sequence[int]) -> dict[str, float]:
    scores = [each.score for each in scored(bench, model, split.test)]
    abnormal = [sample.abnormal for sample in split.test]
    known = sum(split.pool[place].abnormal for place in labelled)
    figures = {"image_auroc": image_auroc(scores, abnormal), "ap": average_precision(scores, abnormal)}
    return {"labels": len(labelled), "known": known, **{name: round(float(f or 0), 4) for name, f in figures.items()}}


def _size(sample: Sample) -> tuple[int, int]:
    height, width = read_image(sample.path).shape[:2]
    return width, height


def matching(labels: Sequence[int], mixed: np.ndarray, target: float) -> float:
    """The smallest number of labels at which a curve, linear between its points, reaches a value; inf where never."""
    for i, value in enumerate(mixed):
        if value >= target:
            if i == 0:
                return float(labels[0])
            share = (target - mixed[i - 1]) / (value - mixed[i - 1])
            return float(labels[i - 1] + share * (labels[i] - labels[i - 1]))
    return float("inf")


def summary(curves: dict[str, list[list[dict[str, float]]]], metric: str) -> dict:
    """What the last line says; seeds are resampled together for both curves, since they share their splits."""
    values = {rule: np.array([[point[metric] for point in one] for one in runs]) for rule, runs in curves.items()}
    labels = [int(point["labels"]) for point in curves["random"][0]]
    rng, seeds = np.random.default_rng(0), len(curves["random"])
    draws = [np.arange(seeds), *rng.integers(0, seeds, (2000, seeds))]
    found = [matching(labels, values["mixed"][d].mean(0), values["random"][d].mean(0)[-1]) for d in draws]
    low, high = np.quantile(found[1:], (0.025, 0.975), method="nearest") if seeds > 1 else (None, None)
    means = {rule: [round(float(v), 4) for v in value.mean(0)] for rule, value in values.items()}
    spread = {rule: [round(float(v), 4) for v in value.std(0)] for rule, value in values.items()}
    return {
        f"labels_to_match_random_{labels[-1]}": _finite(found[0]),
        "interval": [_finite(low), _finite(high)],
        "metric": metric,
        "seeds": seeds,
        "labels": labels,
        "mean": means,
        "deviation": spread,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 1)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--shared", type=Path, default=Path("../shared"))
    options.add_argument("--rules", nargs="+", choices=RULES, default=list(RULES))
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--step", type=int, default=10, help="labels of a round")
    options.add_argument("--labels", type=int, default=TARGET)
    options.add_argument("--size", type=int, default=128, help="pixels that the model sees")
    options.add_argument("--passes", type=int, default=4, help="of phase 2")
    options.add_argument("--pastes", type=int, default=60)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--curves", type=Path, help="a JSON file of finished curves, read and added to")
    given = options.parse_args()
    backbone = BackboneConfig("resnet18", weights=str(given.shared / WEIGHTS))
    plain = product(backbone)
    schedule = replace(plain.training, epochs_one=5, epochs_two=given.passes, pastes=given.pastes)
    config = replace(plain, size=given.size, training=schedule)
    curves = json.loads(given.curves.read_text()) if given.curves and given.curves.exists() else {}
    with tempfile.TemporaryDirectory(prefix="bgad-labels-") as folder:
        work = Path(folder)
        bench = Bench(config, FeatureCache(work / "features"), work, given.step, given.labels, given.threads)
        for seed in given.seeds:
            rules = [rule for rule in given.rules if f"{rule} {seed}" not in curves]
            split = split_of(given.shared / "data" / "screw", seed)
            first = learnt(bench, split, [], seed) if rules else None
            for rule in rules:
                assert first is not None
                started = time.monotonic()
                curves[f"{rule} {seed}"] = points = curve(bench, split, rule, seed, first)
                shown = ", ".join(f"{p['labels']:.0f}: {p['image_auroc']:.3f} ({p['known']:.0f} known)" for p in points)
                print(f"seed {seed} {rule}: {shown}; {time.monotonic() - started:.0f} s", flush=True)
                if given.curves:
                    given.curves.write_text(json.dumps(curves))
    seeds = [s for s in given.seeds if {f"random {s}", f"mixed {s}"} <= curves.keys()]
    if not seeds:
        raise SystemExit("both random and mixed are needed for the figure: name them in --rules")
    whole = [rule for rule in RULES if all(f"{rule} {s}" in curves for s in seeds)]
    print(json.dumps(summary({rule: [curves[f"{rule} {s}"] for s in seeds] for rule in whole}, "image_auroc")))


if __name__ == "__main__":
    main()
