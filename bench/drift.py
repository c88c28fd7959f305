"""Does the drift alarm keep still on retrains without new labels, and speak when the normals shift? `make bench-drift`.

Real small trainings on drawn parts: one set of labels under many seeds, and the same parts brighter. Alarms are counted
over random choices among them of a deciding version, of the repeats that measured chance, and of the next version.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from bgad_core.config import BackboneConfig, demo
from bgad_core.data import Sample, sample_of
from bgad_core.drift import LEVEL, MIN_REPEATS, Band, boundary_move, level_bands, part_bands, shift_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.model import BGAD, lowest_of
from bgad_core.scoring import ImageScore, score_files
from bgad_core.synthetic import draw_part
from bgad_core.training import train

LEARNT, CALIBRATION, SIZE, CHOICES = 40, 16, 64, 400


@dataclass(frozen=True)
class Made:
    """One training: b_n with its band per level, and scores of its calibration parts and of newer good ones."""

    bands: dict[str, Band]
    scores: np.ndarray
    newer: dict[int, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("bench-drift.work"))
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument(
        "--shifts", type=int, nargs="+", default=[4, 12], help="grey levels that newer parts are brighter"
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    shifts = [0, *options.shifts]
    parts = {shift: drawn(options.work / f"parts-{shift}", shift, seed=1) for shift in shifts}
    newer = {shift: drawn(options.work / f"newer-{shift}", shift, seed=2)[LEARNT:] for shift in shifts}
    same = [made(parts[0], newer, seed, options) for seed in range(options.seeds)]
    print(f"{options.seeds} trainings on {LEARNT} drawn parts of {SIZE} pixels, {CALIBRATION} calibrate")
    print(f"retrain without new labels: {100 * alarms(same, same):.1f} % of {CHOICES} choices alarm")
    print(f"newer good parts like the earlier ones: {100 * shifted(same, 0):.0f} % of versions alarm")
    for shift in options.shifts:
        moved = [made(parts[shift], newer, seed, options) for seed in range(3)]
        print(
            f"normals {shift} grey levels brighter: b_n of a retrain on them alarms in {100 * alarms(same, moved):.0f} "
            f"% of choices; the scores of newer ones under {100 * shifted(same, shift):.0f} % of versions"
        )


def drawn(folder: Path, shift: int, *, seed: int) -> list[Sample]:
    """The same parts at every shift, so many grey levels brighter."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(LEARNT + CALIBRATION):
        image = np.clip(draw_part(rng, size=SIZE).image.astype(int) + shift, 0, 255).astype(np.uint8)
        path = folder / f"{number:03d}.png"
        cv2.imwrite(str(path), image[..., ::-1])
        samples.append(sample_of(path))
    return samples


def made(parts: list[Sample], newer: dict[int, list[Sample]], seed: int, options: argparse.Namespace) -> Made:
    config = replace(demo(BackboneConfig("resnet18", built_in=True)), size=SIZE, seed=seed)
    work: Path = options.work / "training"
    model = train(
        config, normals=parts[:LEARNT], anomalies=[], calibration=parts[LEARNT:], folder=work / "run",
        phase_one_folder=work, cache=FeatureCache(work / "features"), device="cpu", threads=options.threads,
    )  # fmt: skip
    found = list(score_files(model, [sample.path for sample in parts[LEARNT:]]))
    later = {
        shift: np.array([result.score for result in score_files(model, [sample.path for sample in samples])])
        for shift, samples in newer.items()
    }
    return Made(bands_of(model, found), np.array([result.score for result in found]), later)


def bands_of(model: BGAD, found: Sequence[ImageScore]) -> dict[str, Band]:
    """b_n of every level as a version keeps it."""
    settings, bands = model.config.boundary, {}
    for boundary in model.boundaries:
        if boundary.level == "part":
            lowest = np.array([lowest_of(result.fused) for result in found])
            figures = part_bands(lowest, b_n=boundary.b_n, b_a=boundary.b_a, beta=settings.part_beta)
        else:
            fused = boundary.level == "fused"
            planes = [(r.fused if fused else r.levels[int(boundary.level) - 1]).ravel() for r in found]
            figures = level_bands(planes, [], b_n=boundary.b_n, b_a=boundary.b_a, beta=settings.beta)
        bands[boundary.level] = figures["b_n"]
    return bands


def alarms(same: list[Made], after: list[Made]) -> float:
    """How often some level's move is an alarm, chance being known from the fewest repeats that may judge."""
    rng, count = np.random.default_rng(0), 0
    for _ in range(CHOICES):
        order = rng.permutation(len(same))
        group, rest = order[: MIN_REPEATS + 1], order[MIN_REPEATS + 1 :]
        before = same[group[0]]
        next_one = same[rest[0]] if after is same else after[int(rng.integers(len(after)))]
        count += any(
            boundary_move(
                level, band, next_one.bands[level], contrasts([same[i].bands[level].value for i in group]),
                levels=len(before.bands),
            ).alarms
            for level, band in before.bands.items()
        )  # fmt: skip
    return count / CHOICES


def contrasts(values: list[float]) -> list[float]:
    """Independent moves of versions that differ in their seed alone, as `app/worker/drift.py` takes them."""
    return [(values[k] - float(np.mean(values[:k]))) * (2 * k / (k + 1)) ** 0.5 for k in range(1, len(values))]


def shifted(same: list[Made], shift: int) -> float:
    """The share of versions under which newer good parts score otherwise than those that calibrated them."""
    tests = [shift_of(version.scores, version.newer[shift]) for version in same]
    return float(np.mean([test is not None and test[1] < LEVEL for test in tests]))


if __name__ == "__main__":
    main()
