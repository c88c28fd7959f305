"""Our metrics against torchmetrics' and anomalib's on drawn maps: prints the largest difference of each.

    python -m bench.metrics      (in the environment of requirements-bench.txt)

All but AUPIMO are the same definition. anomalib integrates AUPIMO over those of its thresholds whose false positive
rate lies in the range, ours over the range itself: they meet as the normal pixels become many.
"""

import warnings

import numpy as np
import torch
from anomalib.metrics.aupro import _AUPRO
from anomalib.metrics.pimo.pimo import _AUPIMO
from torchmetrics.functional.classification import binary_auroc, binary_average_precision

from bgad_core.evaluation import aupimo, average_precision, image_auroc, pixel_auroc, pro

CASES, IMAGES, SIDE = 4, 8, 512


def case(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Maps and masks of half normal, half defective images: discs with holes and bars, found more or less well."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    maps, masks = [], []
    for number in range(IMAGES):
        mask = np.zeros((SIDE, SIDE), dtype=bool)
        if number % 2:
            away = np.hypot(rows - 30, columns - 30)
            mask |= (away < rng.integers(8, 20)) & (away > rng.integers(0, 6))
            mask[70 : 70 + int(rng.integers(3, 15)), 60 : 60 + int(rng.integers(3, 30))] = True
        maps.append(rng.normal(0, 1, mask.shape) + mask * rng.uniform(0.5, 4.0))
        masks.append(mask)
    return [plane.astype(np.float32) for plane in maps], masks


def differences(seed: int) -> dict[str, float]:
    """Ours minus theirs, by metric."""
    maps, masks = case(seed)
    scores, abnormal = [float(plane.max()) for plane in maps], [bool(mask.any()) for mask in masks]
    values, truth = torch.from_numpy(np.stack(maps)), torch.from_numpy(np.stack(masks))
    score, label = torch.tensor(scores), torch.tensor(abnormal).int()
    # torchmetrics takes what leaves [0, 1] for logits: the ranks' order is all that these metrics see
    low, high = values.min(), values.max()
    unit, unit_score = (values.double() - low) / (high - low), (score.double() - low) / (high - low)
    overlap = _AUPRO(fpr_limit=0.3)
    overlap.update(unit, truth.int())
    pimo = _AUPIMO(num_thresholds=300_000)
    pimo.update(values, truth)
    theirs = {
        "image_auroc": binary_auroc(unit_score, label).item(),
        "pixel_auroc": binary_auroc(unit.flatten(), truth.int().flatten()).item(),
        "pro": overlap.compute().item(),
        "ap": binary_average_precision(unit_score, label).item(),
        "aupimo": float(pimo.compute(force=True)),
    }
    ours = {
        "image_auroc": image_auroc(scores, abnormal),
        "pixel_auroc": pixel_auroc(maps, masks),
        "pro": pro(maps, masks),
        "ap": average_precision(scores, abnormal),
        "aupimo": aupimo(maps, masks),
    }
    return {name: abs(float(ours[name] or 0.0) - theirs[name]) for name in ours}


def main() -> None:
    """Print the largest difference over all cases."""
    warnings.filterwarnings("ignore")
    found = [differences(seed) for seed in range(CASES)]
    for name in found[0]:
        print(f"{name:<12} largest difference {max(row[name] for row in found):.2e} over {CASES} cases")


if __name__ == "__main__":
    main()
