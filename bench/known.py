"""What five more known defects move on screw, and what a seed moves: `make bench-known`.

Versions that know 0, 5 and 10 defects (the first one, then two, of each type by name), each with several seeds, preset
`product`, measured on the other 150 test images; overlap is that of the held-out defects' places on the fused map with
the calibration normals'. The last line is JSON: figure -> known -> one value per seed.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from bench.gesture import KNOWN, WEIGHTS, Defect, defects_of
from bgad_core.config import BackboneConfig, in_precision, product
from bgad_core.data import Sample, mask_at, sample_of
from bgad_core.evaluation import evaluate
from bgad_core.feature_cache import FeatureCache
from bgad_core.histogram import log_likelihood_histogram, overlap
from bgad_core.model import BGAD
from bgad_core.scoring import score_files
from bgad_core.training import train

HELD, BINS = 64, 120
FIGURES = ("image AUROC", "pixel AUROC", "PRO", "overlap, %", "defects stopped")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, default=Path("bench-known.work"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    screw = given.shared / "data" / "screw"
    kinds = list(defects_of(screw).values())
    held_out = [defect for kind in kinds for defect in kind[KNOWN:]]
    good = sorted((screw / "test" / "good").glob("*.png"))
    normals = [sample_of(path) for path in sorted((screw / "train" / "good").glob("*.png"))]
    rows: dict[str, dict[str, list[float]]] = {figure: {} for figure in FIGURES}
    for seed in given.seeds:
        for each in (0, 1, KNOWN):
            known = [defect for kind in kinds for defect in kind[:each]]
            model = trained(given, normals, known, seed)
            for figure, value in zip(FIGURES, figures(model, good, held_out, normals[:HELD]), strict=True):
                rows[figure].setdefault(str(len(known)), []).append(round(value, 4))
            said = ", ".join(f"{figure} {rows[figure][str(len(known))][-1]}" for figure in FIGURES)
            print(f"seed {seed}, {len(known)} known: {said}", flush=True)
    print(f"{'':<32}" + "".join(f"{known + ' known':>22}" for known in rows[FIGURES[0]]))
    for figure, by_known in rows.items():
        cells = "".join(f"{np.mean(v):12.3f} ± {np.std(v, ddof=min(1, len(v) - 1)):.3f}  " for v in by_known.values())
        print(f"{figure:<32}{cells}")
    print(json.dumps(rows))


def trained(given: argparse.Namespace, normals: list[Sample], known: list[Defect], seed: int) -> BGAD:
    backbone = BackboneConfig("resnet18", weights=str(given.shared / WEIGHTS))
    config = replace(in_precision(product(backbone), given.precision), seed=seed)
    anomalies = [sample_of(each.path, abnormal=True, mask=each.mask, defect_type=each.kind) for each in known]
    return train(
        config, normals=normals[HELD:], anomalies=anomalies, calibration=normals[:HELD],
        folder=given.work / f"{seed}-{len(known)}", phase_one_folder=given.work / "one",
        cache=FeatureCache(given.work / "features"), device="cpu", threads=given.threads,
    )  # fmt: skip


def figures(model: BGAD, good: list[Path], held_out: list[Defect], calibration: list[Sample]) -> list[float]:
    """In the order of FIGURES."""
    found = list(score_files(model, [*good, *(defect.path for defect in held_out)]))
    side = model.config.size
    maps = [cv2.resize(-result.fused.astype(np.float32), (side, side)) for result in found]
    truth = [np.zeros((side, side), dtype=bool)] * len(good) + [mask_at(each.mask, side, side) for each in held_out]
    measured = evaluate([-result.lowest for result in found], [n >= len(good) for n in range(len(found))], maps, truth)
    normal = np.concatenate([result.fused.ravel() for result in score_files(model, [s.path for s in calibration])])
    planes = [result.fused for result in found[len(good) :]]
    defects = np.concatenate([p[mask_at(d.mask, *p.shape)] for p, d in zip(planes, held_out, strict=True)])
    ends = [float(np.quantile(part, share)) for part in (normal, defects) for share in (0.001, 0.999)]
    counts = [log_likelihood_histogram(p, bins=BINS, low=min(ends), high=max(ends)) for p in (normal, defects)]
    stopped = sum(result.score > 0.5 for result in found[len(good) :])
    auroc = [value or 0.0 for value in (measured.image_auroc, measured.pixel_auroc, measured.pro)]
    return [*auroc, 100 * overlap(*counts), float(stopped)]


if __name__ == "__main__":
    main()
