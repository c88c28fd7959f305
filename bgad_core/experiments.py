"""Honest figures: trained on a protocol's split, measured once, after the last pass, on the whole test set."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from bgad_core.config import NORMALS_ONLY, BGADConfig
from bgad_core.data import Sample, mask_at
from bgad_core.datasets.dataset import Dataset
from bgad_core.evaluation import Evaluation, evaluate
from bgad_core.feature_cache import FeatureCache
from bgad_core.labels import digest_of, label_of
from bgad_core.model import BGAD
from bgad_core.optimism import Optimism, summary, summary_of
from bgad_core.protocols import KNOWN, Split, multi_class, one_class
from bgad_core.scoring import score_files
from bgad_core.tiling import shape_of
from bgad_core.training import Progress, train

Protocol = Literal["multi-class", "one-class"]
PROTOCOLS: tuple[Protocol, ...] = ("multi-class", "one-class")
METRICS = ("image_auroc", "pixel_auroc", "pro", "ap", "aupimo")


@dataclass(frozen=True)
class Experiment:
    """What is measured, with every setting.

    Attributes:
        known: known anomalies of each split.
        folder: features, checkpoints and finished results; a second call goes on from there.
        device, threads: see `train`.
        optimistic: True to measure after every pass of phase 2 too, and tell beside the honest figures what choosing
            the pass on the test set would have claimed; takes as much longer as the passes have test sets to score.
    """

    dataset: Dataset
    protocol: Protocol
    config: BGADConfig
    seeds: tuple[int, ...]
    folder: Path
    known: int = KNOWN
    device: str = "auto"
    threads: int = 1
    optimistic: bool = False


Report = Callable[[str, Progress], None]


def run(experiment: Experiment, report: Report = lambda name, step: None) -> dict[str, Any]:
    """Train and measure every split; what is finished already is not done again.

    Returns:
        `METRICS`, each with `mean`, `std` (over seeds, None with one) and `per_seed`, None where a metric is undefined;
        beside them `dataset`, `protocol`, `method`, `settings`, `split_sha256`, `runs` and `seconds`.

    Raises:
        DatasetError: the protocol cannot be followed on this data set, or an image leaks.
    """
    finished = []
    for seed in experiment.seeds:
        for split in splits_of(experiment, seed):
            finished.append({"seed": seed, "split": split.name, **_run_split(experiment, split, seed, report)})
    return {
        "dataset": experiment.dataset.name,
        "protocol": experiment.protocol,
        "method": experiment.config.variant,
        **{metric: summary(metric, finished, experiment.seeds) for metric in METRICS},
        **({"optimistic": summary_of(finished, experiment.seeds)} if experiment.optimistic else {}),
        "settings": {**experiment.config.to_dict(), "seed": list(experiment.seeds), "known": experiment.known},
        "split_sha256": _digest([row["split_sha256"] for row in finished]),
        "runs": finished,
        "seconds": sum(row["seconds"] for row in finished),
    }


def splits_of(experiment: Experiment, seed: int) -> list[Split]:
    """One split for multi-class, one per type of defect for one-class."""
    dataset, known = experiment.dataset, experiment.known
    if experiment.protocol == "multi-class":
        return [multi_class(dataset, seed=seed, known=known)]
    return [one_class(dataset, kind, seed=seed, known=known) for kind in dataset.defect_types]


def _run_split(experiment: Experiment, split: Split, seed: int, report: Report) -> dict[str, Any]:
    config = replace(experiment.config, seed=seed)
    made_of = [split.sha256(), json.dumps(config.to_dict(), sort_keys=True)]
    samples = (*split.normals, *split.calibration, *split.known, *split.test)
    made_of += sorted(
        digest_of(sample)
        for sample in samples
        if sample.boxes or sample.ignore is not None or sample.foreground is not None
    )
    key = _digest([*made_of, "optimistic"] if experiment.optimistic else made_of)
    folder = experiment.folder / "runs" / key
    done = folder / "result.json"
    if done.is_file():
        kept: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return kept
    optimism = Optimism(folder / "passes.json", lambda model: measured(model, split)) if experiment.optimistic else None
    started = time.monotonic()
    model = train(
        config,
        normals=split.normals,
        anomalies=split.known,
        calibration=split.calibration,
        folder=experiment.folder / "trainings" / _learnt_from(split, config),
        phase_one_folder=experiment.folder / "phase-one",
        cache=FeatureCache(experiment.folder / "features"),
        device=experiment.device,
        threads=experiment.threads,
        progress=lambda step: report(f"seed {seed}, {split.name}", step),
        watch=optimism,
    )
    trained = time.monotonic() - started
    result = {
        **measured(model, split).to_dict(),
        "split_sha256": split.sha256(),
        "seconds": trained,
        **({"optimistic": optimism.best()} if optimism else {}),
    }
    temporary = done.with_suffix(".part")
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(json.dumps(result), encoding="utf-8")
    temporary.replace(done)
    return result


def _learnt_from(split: Split, config: BGADConfig) -> str:
    """Names a training: splits that differ only in what an ablation does not learn from share it."""
    known = [] if config.variant in NORMALS_ONLY else split.known
    lists = (split.normals, split.calibration, known)
    return _digest([json.dumps(config.to_dict(), sort_keys=True), *(repr([s.sha256 for s in each]) for each in lists)])


def measured(model: BGAD, split: Split) -> Evaluation:
    """All metrics on the split's test set, maps and masks at the size that the model sees, in tiles the image's own."""
    scores, maps = [], []
    for result in score_files(model, [sample.path for sample in split.test]):
        scores.append(-result.lowest)
        rows, columns = result.fused.shape
        size = (columns * model.config.size // model.shapes[0][2], rows * model.config.size // model.shapes[0][1])
        maps.append(cv2.resize(-result.fused.astype(np.float32), size, interpolation=cv2.INTER_LINEAR))
    return measured_on(split, scores, maps)


def measured_on(split: Split, scores: Sequence[float], maps: Sequence[np.ndarray]) -> Evaluation:
    """All metrics of any method's scores and maps on the split's test set.

    Args:
        scores: one per image of `split.test`; a higher one is more abnormal.
        maps: one per image, of any size, which its mask is brought to; higher is more abnormal.
    """
    masks, ignored = [], {}
    for index, (sample, plane) in enumerate(zip(split.test, maps, strict=True)):
        if sample.ignore is not None or sample.boxes:
            ignored[index] = label_of(sample, _shape(sample), *plane.shape).left_out
        nothing = None if sample.abnormal else np.zeros(plane.shape, dtype=bool)
        masks.append(nothing if sample.mask is None else mask_at(sample.mask, *plane.shape))
    if all(mask is None for sample, mask in zip(split.test, masks, strict=True) if sample.abnormal):
        masks = [None] * len(masks)  # no defect is outlined: pixel metrics have no value
    return evaluate(scores, [sample.abnormal for sample in split.test], maps, masks, ignored)


def _shape(sample: Sample) -> tuple[int, int]:
    planes = [plane for plane in (sample.mask, sample.ignore) if plane is not None]
    return planes[0].shape if planes else shape_of(sample.path)


def table(result: dict[str, Any]) -> str:
    """The result as a line per metric, in points, with the spread over seeds."""
    lines = [f"{result['dataset']}, {result['protocol']}, {result['method']}, {len(result['settings']['seed'])} seeds"]
    for metric in METRICS:
        values = result[metric]
        mean = "–" if values["mean"] is None else f"{100 * values['mean']:6.2f}"
        spread = "" if values["std"] is None else f" ± {100 * values['std']:.2f}"
        lines.append(f"  {metric:<12}{mean}{spread}")
    for metric, values in result.get("optimistic", {}).items():
        mean = "–" if values["mean"] is None else f"{100 * values['mean']:6.2f}"
        lines.append(f"  {metric:<12}{mean} optimistic: the pass chosen on the test set; no result")
    lines.append(f"  split {result['split_sha256'][:16]}, training {result['seconds']:.0f} s")
    return "\n".join(lines)


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
