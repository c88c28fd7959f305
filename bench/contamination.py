"""Are defects among the normals found before anything is trained? `make bench-contamination`.

Draws 10 defects, in turn of each type, and puts them among up to 200 good parts, several times over; then counts how
many of the 10 stand among the first 20 of the ranking. Nothing is chosen by the outcome. The last line is JSON.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from bgad_core.config import BackboneConfig, product
from bgad_core.contamination import oddness
from bgad_core.data import Sample, sample_of
from bgad_core.feature_cache import FeatureCache

DEFECTS, FIRST, MOST = 10, 20, 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", type=Path, nargs="+", help="categories in MVTec AD's layout")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("bench-contamination.work"), help="the feature cache, kept")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    figures = {}
    for dataset in options.datasets:
        found = [measured(dataset, seed, options) for seed in range(options.draws)]
        figures[dataset.name] = {
            "normals": found[0][1],
            "found_mean": round(float(np.mean([hits for hits, _ in found])), 2),
            "found": [hits for hits, _ in found],
            "by_chance": round(DEFECTS * FIRST / (found[0][1] + DEFECTS), 2),
        }
    print(json.dumps(figures))


def measured(dataset: Path, seed: int, options: argparse.Namespace) -> tuple[int, int]:
    """(defects among the first 20, how many good parts they were put among) of one draw."""
    rng = np.random.default_rng(seed)
    goods, defects = drawn(dataset, rng)
    mixed = [(goods + defects)[place] for place in rng.permutation(len(goods) + len(defects))]
    started = time.monotonic()
    found = oddness(
        product(BackboneConfig("resnet18", weights=str(options.weights))), normals=mixed,
        cache=FeatureCache(options.work / "features"), device="cpu", threads=options.threads,
    )  # fmt: skip
    ranks = sorted(rank for rank, at in enumerate(np.argsort(-found), 1) if mixed[at].abnormal)
    print(
        f"{dataset.name} {seed}: {len(defects)} among {len(goods)}, at ranks {ranks}, "
        f"{time.monotonic() - started:.0f} s",
        flush=True,
    )
    return sum(rank <= FIRST for rank in ranks), len(goods)


def drawn(dataset: Path, rng: np.random.Generator) -> tuple[list[Sample], list[Sample]]:
    """Good parts, and as many defects of each type as of any other, by lot."""
    goods = sorted(dataset.glob("train/good/*.*"))
    goods = [goods[at] for at in rng.permutation(len(goods))[:MOST]]
    kinds = [sorted(folder.iterdir()) for folder in sorted(dataset.glob("test/*")) if folder.name != "good"]
    orders = [rng.permutation(len(kind)) for kind in kinds]
    chosen = [kinds[turn % len(kinds)][orders[turn % len(kinds)][turn // len(kinds)]] for turn in range(DEFECTS)]
    return [sample_of(path) for path in goods], [sample_of(path, abnormal=True) for path in chosen]


if __name__ == "__main__":
    main()
