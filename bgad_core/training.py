"""Training in two phases: the normals' distribution first, then the few defects across its boundary (Sec. 3.1, 3.3).

Each pass draws by a seed made of (config seed, phase, pass) and ends in a checkpoint: an interrupted run that is called
again with the same folder ends bit for bit like one that was not.

Where memory does not suffice, a step goes in parts (see `memory`). It is the same step but for its last bits, so that
bit for bit is promised between runs that were short of memory alike.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from bgad_core.config import NORMALS_ONLY, BGADConfig
from bgad_core.data import Sample, read_image
from bgad_core.errors import Cancelled, DatasetError
from bgad_core.feature_cache import FeatureCache, Features, features_of
from bgad_core.features import FeatureExtractor, as_batch, resolve_device
from bgad_core.known import KnownAnomalies, known_anomalies
from bgad_core.labels import digest_of
from bgad_core.model import BGAD
from bgad_core.phases import fit, load_flows
from bgad_core.progress import Progress as Progress
from bgad_core.progress import Report, Watch, looking
from bgad_core.schedule import Phase, Schedule
from bgad_core.tiling import OVERLAP, cut, fitted, in_batches, layout_of

FORMAT = 3  # of phase-1 checkpoints: raise it when the same settings would train otherwise
STATISTICS_IMAGES = 64


def train(
    config: BGADConfig,
    *,
    normals: Sequence[Sample],
    anomalies: Sequence[Sample],
    calibration: Sequence[Sample],
    folder: Path,
    phase_one_folder: Path,
    cache: FeatureCache,
    device: str = "auto",
    threads: int = 1,
    progress: Report = lambda step: None,
    should_stop: Callable[[], bool] = lambda: False,
    watch: Watch | None = None,
) -> BGAD:
    """Train a model and fit its boundaries.

    Args:
        config: every setting.
        normals: normal parts to learn from.
        anomalies: known defects; without any, phase 1 is all there is (unless the variant asks for phase 2).
        calibration: normal parts that are held out of the pull and carry the stored boundaries.
        folder: this run's checkpoints.
        phase_one_folder: finished phase-1 checkpoints, shared by all runs, each under the digest of what it was made
            from; one that fits is reused.
        cache: features of normals and calibration parts.
        device: see `resolve_device`.
        threads: processor threads.
        progress: called at least once a pass.
        should_stop: asked about once a second.
        watch: called after each pass of phase 2 with the model as it is then, calibrated, and the number of the pass.
            It sees, and changes nothing: the run ends bit for bit like one that nobody watched.

    Returns:
        The calibrated model, on `device`.

    Raises:
        DatasetError: no normals or no calibration parts.
        Cancelled: `should_stop` answered true; the last checkpoint is complete.
    """
    if not normals or not calibration:
        raise DatasetError(
            f"{len(normals)} normal parts to learn from and {len(calibration)} to calibrate on: both need at least one"
        )
    torch.set_num_threads(threads)
    extractor = FeatureExtractor(config.backbone, resolve_device(device))
    if config.backbone.built_in:
        calibrate_built_in(extractor, normals, config)
    features, held_out = _features(extractor, normals, calibration, config, cache, progress, should_stop)
    model = BGAD(config, extractor)
    set_statistics(model, features)
    phase_one(model, features, normals, folder, phase_one_folder, looking(progress, model, held_out), should_stop)
    if _needs_phase_two(config, anomalies):
        found = known_anomalies(model, normals, anomalies, should_stop=should_stop)
        known = found if len(found.features) else None
        key, seen = _key_two(model, normals, anomalies), _calibrated(watch, held_out)
        phase_two(model, features, known, key, folder, looking(progress, model, held_out, known), should_stop, seen)
    progress(Progress("calibration", 0, 1))
    model.eval().calibrate(held_out)
    progress(Progress("calibration", 1, 1))
    return model


def phase_one(
    model: BGAD,
    features: Features,
    normals: Sequence[Sample],
    folder: Path,
    phase_one_folder: Path,
    progress: Report,
    should_stop: Callable[[], bool],
) -> None:
    """Learn the normals' distribution (Eq. 5), or take a finished phase 1 of the same normals and settings."""
    key = key_one(model, normals)
    finished = phase_one_folder / f"{key}.safetensors"
    epochs = model.config.training.epochs_one
    if finished.is_file() and load_flows(model, finished, key):
        progress(Progress("phase 1", epochs, epochs, note="reused: the normals and its settings are the same"))
        return
    schedule = Schedule(Phase.one, epochs, model.config.training, key, finished, folder / "phase-1.safetensors")
    _run(model, features, None, schedule, progress, should_stop)


def phase_two(
    model: BGAD,
    features: Features,
    known: KnownAnomalies | None,
    key: str,
    folder: Path,
    progress: Report,
    should_stop: Callable[[], bool],
    watch: Watch | None = None,
) -> None:
    """Move what is misplaced across the boundary (Eq. 9), from where phase 1 ended."""
    checkpoint = folder / "phase-2.safetensors"
    schedule = Schedule(Phase.two, model.config.training.epochs_two, model.config.training, key, checkpoint, checkpoint)
    _run(model, features, known, schedule, progress, should_stop, watch)


def _calibrated(watch: Watch | None, held_out: Features) -> Watch | None:
    """`watch`, shown the model as it would be if training ended here; its boundaries are taken off again."""
    if watch is None:
        return None

    def seen(model: BGAD, done: int) -> None:
        model.eval().calibrate(held_out)
        watch(model, done)
        model.boundaries = []

    return seen


def key_one(model: BGAD, normals: Sequence[Sample]) -> str:
    """What a phase 1 was made from: normals, backbone, and every setting that it reads."""
    config = model.config
    training = asdict(config.training)
    settings = {
        name: training[name]
        for name in ("epochs_one", "positions", "images_per_batch", "batch", "rate", "warm_up", "focal")
    }
    facts = {
        "format": FORMAT,
        "normals": sorted(sample.sha256 for sample in normals),
        "backbone": model.extractor.digest(),
        "model": [config.size, config.smoothing, config.whitening, config.seed, config.boundary.alpha_n],
        "flow": asdict(config.flow),
        "training": settings,
    }
    if careless := sorted(digest_of(sample) for sample in normals if sample.ignore is not None):
        facts["ignore"] = careless
    if config.tile is not None:
        facts["tile"] = config.tile
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _key_two(model: BGAD, normals: Sequence[Sample], anomalies: Sequence[Sample]) -> str:
    if model.config.variant in NORMALS_ONLY:
        anomalies = []
    facts = {
        "phase one": key_one(model, normals),
        "config": {**model.config.to_dict(), "backbone": None},
        "anomalies": [[sample.sha256, digest_of(sample)] for sample in anomalies],
        "foregrounds": sorted(digest_of(sample) for sample in normals if sample.foreground is not None),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _needs_phase_two(config: BGADConfig, anomalies: Sequence[Sample]) -> bool:
    """The ablations without anomalies train as long as the rest, so that only the loss differs."""
    return bool(anomalies) or config.variant in NORMALS_ONLY


def _run(
    model: BGAD,
    features: Features,
    known: KnownAnomalies | None,
    schedule: Schedule,
    progress: Report,
    should_stop: Callable[[], bool],
    watch: Watch | None = None,
) -> None:
    started, first = time.monotonic(), None
    phase = schedule.phase.value
    for epoch, share, loss in fit(model, features, known, schedule, should_stop):
        done = epoch + share
        first = done if first is None else first
        pace = (time.monotonic() - started) / (done - first) if done > first else None
        left = None if pace is None else pace * (schedule.epochs - done)
        passes = min(int(done), schedule.epochs)
        progress(Progress(phase, passes, schedule.epochs, loss, left, _short(schedule), ended=share >= 1))
        if watch is not None and share >= 1:
            watch(model, epoch + 1)


def _short(schedule: Schedule) -> str:
    parts = schedule.parts.count
    return f"memory is short: each step in {parts} parts" if parts > 1 else ""


def _features(
    extractor: FeatureExtractor,
    normals: Sequence[Sample],
    calibration: Sequence[Sample],
    config: BGADConfig,
    cache: FeatureCache,
    progress: Report,
    should_stop: Callable[[], bool],
) -> tuple[Features, Features]:
    total, started = len(normals) + len(calibration), time.monotonic()

    def show(before: int) -> Callable[[int, int], None]:
        def report(done: int, _of: int) -> None:
            left = (time.monotonic() - started) / max(1, before + done) * (total - before - done)
            progress(Progress("features", before + done, total, seconds_left=left))

        return report

    progress(Progress("features", 0, total))
    made = []
    for before, samples, overlap in ((0, normals, 0.0), (len(normals), calibration, OVERLAP)):
        report, where = show(before), (extractor, samples, config, cache)
        made.append(features_of(*where, overlap=overlap, progress=report, should_stop=should_stop))
    if should_stop():
        raise Cancelled("cancelled after computing features")
    return made[0], made[1]


def calibrate_built_in(extractor: FeatureExtractor, normals: Sequence[Sample], config: BGADConfig) -> None:
    """Set the built-in network to the first normals by hash, one tile of each."""
    chosen = sorted(normals, key=lambda sample: sample.sha256)[:STATISTICS_IMAGES]
    tiles = []
    for number, sample in enumerate(chosen):
        image = read_image(sample.path)
        layout = layout_of(image.shape[:2], config, max(extractor.strides), overlap=0.0)
        pieces = cut(fitted(image, layout), layout)
        tiles.append(pieces[number % len(pieces)].copy())
    extractor.calibrate([as_batch(batch) for _, batch in in_batches(tiles, 16)])


def set_statistics(model: BGAD, features: Features) -> None:
    """The whitening of each level, over evenly chosen training normals; left at nothing unless asked for.

    A flow that starts from correlated channels, half of them exactly 0, spends its few passes on decorrelating them.
    ZCA rather than PCA: symmetric, it has no signs and no order that another linear algebra library would choose
    otherwise.
    """
    if model.config.whitening == "none":
        return
    chosen = np.unique(np.linspace(0, len(features) - 1, min(len(features), STATISTICS_IMAGES)).round().astype(int))
    for level, (channels, _, _) in enumerate(model.shapes):
        count, total, products = 0, np.zeros(channels), np.zeros((channels, channels))
        for index in chosen:
            rows = features.level(int(index), level).astype(np.float64)
            rows = rows[features.cared(int(index), level, np.arange(len(rows)))]
            count, total, products = count + len(rows), total + rows.sum(axis=0), products + rows.T @ rows
        mean = total / count
        covariance = products / count - np.outer(mean, mean)
        matrix = whitening_of(covariance, count, full=model.config.whitening == "full")
        getattr(model, f"mean{level}").copy_(torch.from_numpy(mean))
        getattr(model, f"whitening{level}").copy_(torch.from_numpy(matrix))


def whitening_of(covariance: np.ndarray, count: int, *, full: bool) -> np.ndarray:
    """The symmetric matrix W (C, C) with which (x - mean) W has deviation 1 per channel and, if `full`, no correlation.

    A channel, or a direction, that hardly moves is not blown up: a share of the mean variance is added to all. It is a
    thousandth, or what oracle-approximating shrinkage asks for where `count` vectors are few for C channels: a
    direction that a handful of normals never shows would otherwise throw every new part out by thousands of deviations.

    Source: Chen, Wiesel, Eldar and Hero, "Shrinkage algorithms for MMSE covariance estimation" (2010), Eq. 23.
    """
    variances, directions = np.linalg.eigh(covariance) if full else (np.diag(covariance), np.eye(len(covariance)))
    variances = np.maximum(variances, 0.0)
    floor = max(max(1e-3, _shrinkage(variances, count)) * float(variances.mean()), 1e-9)
    return (directions / np.sqrt(variances + floor)) @ directions.T


def _shrinkage(variances: np.ndarray, count: int) -> float:
    """rho of the oracle-approximating estimator, in [0, 1], from a covariance's eigenvalues (C,)."""
    channels, total, squares = len(variances), float(variances.sum()), float((variances**2).sum())
    wanted = (1 - 2 / channels) * squares + total**2
    given = (count + 1 - 2 / channels) * (squares - total**2 / channels)
    return 1.0 if given <= 0 else min(1.0, wanted / given)
