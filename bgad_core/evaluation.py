"""How well scores and maps separate: image AUROC, pixel AUROC, PRO, AP, AUPIMO. A higher score is more abnormal.

Metrics that have no value (one class only, no masks) are None, never 0 and never NaN.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

FPR_LIMIT = 0.3
PIMO_LOW, PIMO_HIGH, PIMO_POINTS = 1e-5, 1e-4, 300


@dataclass(frozen=True)
class Evaluation:
    """Metrics in [0, 1], None where undefined, and the number of images that they rest on."""

    image_auroc: float | None
    pixel_auroc: float | None
    pro: float | None
    ap: float | None
    aupimo: float | None
    n_normal: int
    n_abnormal: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(
    scores: Sequence[float] | np.ndarray,
    abnormal: Sequence[bool] | np.ndarray,
    maps: Sequence[np.ndarray],
    masks: Sequence[np.ndarray | None],
) -> Evaluation:
    """All metrics of one set of images.

    Args:
        scores: one per image, higher is more abnormal.
        abnormal: True for a defect.
        maps: anomaly map (H, W) of each image, higher is more abnormal.
        masks: bool (H, W) of each image, None for a defect that nobody outlined: it counts for the image metrics only.
    """
    labels = np.asarray(abnormal, dtype=bool)
    outlined = [index for index, mask in enumerate(masks) if mask is not None]
    chosen_maps = [maps[index] for index in outlined]
    chosen_masks = [np.asarray(masks[index], dtype=bool) for index in outlined]
    return Evaluation(
        image_auroc=image_auroc(scores, labels),
        pixel_auroc=pixel_auroc(chosen_maps, chosen_masks),
        pro=pro(chosen_maps, chosen_masks),
        ap=average_precision(scores, labels),
        aupimo=aupimo(chosen_maps, chosen_masks),
        n_normal=int((~labels).sum()),
        n_abnormal=int(labels.sum()),
    )


def image_auroc(scores: Sequence[float] | np.ndarray, abnormal: Sequence[bool] | np.ndarray) -> float | None:
    """Area under the ROC curve over images; None with one class only."""
    labels = np.asarray(abnormal, dtype=bool)
    return float(roc_auc_score(labels, scores)) if labels.any() and not labels.all() else None


def average_precision(scores: Sequence[float] | np.ndarray, abnormal: Sequence[bool] | np.ndarray) -> float | None:
    """Average precision over images; None with one class only."""
    labels = np.asarray(abnormal, dtype=bool)
    return float(average_precision_score(labels, scores)) if labels.any() and not labels.all() else None


def pixel_auroc(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float | None:
    """Area under the ROC curve over all pixels, ties counted half; None with one class only."""
    if not maps:
        return None
    return image_auroc(_flat(maps), np.concatenate([mask.ravel() for mask in masks]))


def pro(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray], *, limit: float = FPR_LIMIT) -> float | None:
    """Per-region overlap, integrated over the pixel false positive rate up to `limit` and divided by it.

    Exact: every distinct value of the maps is a threshold. A region is an 8-connected component of a mask, its holes
    are not part of it, and each counts the same whatever its size.

    Returns:
        In [0, 1]; None without a region or without a normal pixel.

    Source: Bergmann et al., "Uninformed students" (Sec. 4.1's PRO).
    """
    regions = [_regions(mask) for mask in masks]
    if not regions or not any(labels.max(initial=0) for labels in regions):
        return None
    weights = np.concatenate([_weights(labels) for labels in regions])
    normal = np.concatenate([labels.ravel() == 0 for labels in regions])
    if not normal.any():
        return None
    order = np.argsort(-_flat(maps), kind="stable")
    values = _flat(maps)[order]
    last = np.append(values[1:] != values[:-1], True)  # equal values pass a threshold together
    overlap = np.concatenate([[0.0], np.cumsum(weights[order])[last]]) / weights.sum()
    rate = np.concatenate([[0.0], np.cumsum(normal[order])[last]]) / normal.sum()
    return float(_area(rate, overlap, limit) / limit)


def aupimo(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float | None:
    """Mean over defective images of the area under their recall against the false positive rate on normal images only.

    The rate is the mean over normal images of each one's share of false pixels, from 1e-5 to 1e-4 on a log scale.
    None without normal images, or without a defective one.

    Source: Bertoldo et al., "AUPIMO" (anomalib's definition).
    """
    normals = [plane for plane, mask in zip(maps, masks, strict=True) if not mask.any()]
    defects = [(plane, mask) for plane, mask in zip(maps, masks, strict=True) if mask.any()]
    if not normals or not defects:
        return None
    shares = np.concatenate([np.full(plane.size, 1.0 / plane.size) for plane in normals]) / len(normals)
    values = np.concatenate([plane.ravel() for plane in normals]).astype(np.float64)
    order = np.argsort(-values, kind="stable")
    rate = np.cumsum(shares[order])
    targets = np.logspace(np.log10(PIMO_LOW), np.log10(PIMO_HIGH), PIMO_POINTS)
    places = np.minimum(np.searchsorted(rate, targets * (1 + 1e-12), side="right"), len(values) - 1)
    thresholds = values[order][places]  # the highest false pixel that the rate no longer admits
    recalls = [[(plane[mask] > threshold).mean() for threshold in thresholds] for plane, mask in defects]
    return float(np.mean(np.trapezoid(recalls, np.log(targets), axis=1)) / np.log(PIMO_HIGH / PIMO_LOW))


def _flat(maps: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.asarray(plane, dtype=np.float32).ravel() for plane in maps])


def _regions(mask: np.ndarray) -> np.ndarray:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]


def _weights(labels: np.ndarray) -> np.ndarray:
    """1 / area of its region for each pixel of one, 0 elsewhere."""
    areas = np.bincount(labels.ravel()).astype(np.float64)
    areas[0] = np.inf
    return (1.0 / areas)[labels.ravel()]


def _area(rate: np.ndarray, overlap: np.ndarray, limit: float) -> float:
    """Under the curve from 0 to `limit`, the last step cut at the limit by interpolation."""
    inside = rate <= limit
    x, y = rate[inside], overlap[inside]
    if not inside.all():
        x, y = np.append(x, limit), np.append(y, np.interp(limit, rate, overlap))
    return float(np.trapezoid(y, x))
