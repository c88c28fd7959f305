"""Does the false-alarm bound hold? Over random splits of good parts that the flows never saw: `make bench-coverage`.

Each split calibrates on some of them and counts, among the others, the share that the threshold stops. What is promised
is of the next good parts; those of a split are few, so a bound that is kept exactly is still exceeded by their count
now and then. How often is known (the count above the k-th of n has a beta-binomial law), and stands beside what was
counted. The splits share parts: their number is no sample size.
"""

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import betabinom

from bgad_core.calibration import confident_rank, expected_rank
from bgad_core.config import BackboneConfig, BGADConfig, demo, product
from bgad_core.data import Sample, sample_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.scoring import score_files
from bgad_core.synthetic import make_parts
from bgad_core.training import train

SPLITS = 200
PROMISES = [(alpha, confidence) for alpha in (0.02, 0.05, 0.1) for confidence in (None, 0.9, 0.95)]
SYNTHETIC, LEARNT = 440, 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("screw", type=Path, help="a category in MVTec AD's layout")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("bench-coverage.work"), help="checkpoints and scores, kept")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--splits", type=int, default=SPLITS)
    options = parser.parse_args()
    parts = sorted((options.screw / "train" / "good").glob("*.png"))
    learnt, unseen = halves([*parts, *sorted((options.screw / "test" / "good").glob("*.png"))], len(parts) // 2)
    config = product(BackboneConfig("resnet18", weights=str(options.weights)))
    table("screw", scores_of(config, learnt, unseen, options), options.splits)
    folder = options.work / "synthetic"
    if not folder.is_dir():
        make_parts(folder, normals=SYNTHETIC, defects=0, size=128)
    learnt, unseen = halves(sorted((folder / "train" / "good").glob("*.png")), LEARNT)
    built_in = replace(demo(BackboneConfig("resnet18", built_in=True)), size=128)
    table("synthetic", scores_of(built_in, learnt, unseen, options), options.splits)


def halves(paths: Sequence[Path], learnt: int) -> tuple[list[Sample], list[Sample]]:
    """The first `learnt` by content hash to learn from, the others unseen."""
    samples = sorted((sample_of(path) for path in paths), key=lambda sample: sample.sha256)
    return samples[:learnt], samples[learnt:]


def scores_of(
    config: BGADConfig, learnt: list[Sample], unseen: list[Sample], options: argparse.Namespace
) -> np.ndarray:
    """Scores of the unseen parts under a model of the learnt ones; read back where they were made before."""
    facts = [config.to_dict(), [s.sha256 for s in learnt], [s.sha256 for s in unseen]]
    kept = options.work / f"scores-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]}.json"
    if not kept.is_file():
        work = options.work / "training"
        model = train(
            config, normals=learnt[4:], anomalies=[], calibration=learnt[:4], folder=work / kept.stem,
            phase_one_folder=work, cache=FeatureCache(work / "features"), device="cpu", threads=options.threads,
        )  # fmt: skip
        found = [result.score for result in score_files(model, [sample.path for sample in unseen])]
        kept.write_text(json.dumps(found), encoding="utf-8")
    return np.array(json.loads(kept.read_text(encoding="utf-8")))


def table(name: str, scores: np.ndarray, splits: int) -> None:
    """A line per promise: what was counted over the splits beside what a promise that holds exactly gives."""
    count = len(scores) * 3 // 5
    others, rng = len(scores) - count, np.random.default_rng(0)
    orders = [rng.permutation(len(scores)) for _ in range(splits)]
    print(f"\n{name}: {len(scores)} good parts, {splits} splits into {count} that calibrate and {others} that count")
    print("alpha  promise      rank  stopped, mean  expected   above alpha in  expected")
    for alpha, confidence in PROMISES:
        rank = expected_rank(count, alpha) if confidence is None else confident_rank(count, alpha, confidence)
        promise = "on average" if confidence is None else f"{100 * confidence:g} % sure"
        if rank is None:
            print(f"{alpha:<6g} {promise:<12} refused: {count} parts are too few")
            continue
        shares = np.array([stopped(scores, order, count, rank) for order in orders])
        law = betabinom(others, count - rank + 1, rank)
        most = int(np.floor(alpha * others + 1e-9))
        above = (shares > alpha + 1e-12).mean()
        print(
            f"{alpha:<6g} {promise:<12} {rank:>4}  {100 * shares.mean():>10.2f} %  {100 * law.mean() / others:>6.2f} %"
            f"  {100 * above:>10.1f} %  {100 * law.sf(most):>6.1f} %"
        )


def stopped(scores: np.ndarray, order: np.ndarray, count: int, rank: int) -> float:
    """The share of the parts that did not calibrate which score above the rank-th of those that did."""
    calibration, others = scores[order[:count]], scores[order[count:]]
    return float((others > np.sort(calibration)[rank - 1]).mean())


if __name__ == "__main__":
    main()
