"""How well scores and maps separate: image AUROC, pixel AUROC, PRO, AP, AUPIMO. A higher score is more abnormal.

Metrics that have no value (one class only, no masks) are None, never 0 and never NaN.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from bgad_core.pixel_curve import PixelCurve, area, weights_of

FPR_LIMIT = 0.3
STREAMED = 2**26  # pixels; more are sorted on disk, because sorting takes some forty bytes of memory a pixel
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
    ignored: Mapping[int, np.ndarray] | None = None,
) -> Evaluation:
    """All metrics of one set of images.

    Args:
        scores: one per image, higher is more abnormal.
        abnormal: True for a defect.
        maps: anomaly map (H, W) of each image, higher is more abnormal; read one at a time where they are many.
        masks: bool (H, W) of each image, None for a defect that nobody outlined: it counts for the image metrics only.
        ignored: by image, bool (H, W), True for pixels that no pixel metric counts.
    """
    labels = np.asarray(abnormal, dtype=bool)
    outlined = [index for index, mask in enumerate(masks) if mask is not None]
    found = [_labels(np.asarray(masks[index]), (ignored or {}).get(index)) for index in outlined]
    if sum(plane.size for plane in found) > STREAMED:
        with closing(PixelCurve(limit=FPR_LIMIT)) as curve:
            for index, regions in zip(outlined, found, strict=True):
                curve.add(maps[index], regions)
            pixel, overlap = curve.result()
    else:
        chosen = [maps[index] for index in outlined]
        pixel, overlap = _pixel_auroc(chosen, found), _pro(chosen, found, FPR_LIMIT)
    return Evaluation(
        image_auroc=image_auroc(scores, labels),
        pixel_auroc=pixel,
        pro=overlap,
        ap=average_precision(scores, labels),
        aupimo=_aupimo([(maps[index], regions) for index, regions in zip(outlined, found, strict=True)]),
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
    return _pixel_auroc(maps, [_labels(mask) for mask in masks])


def _pixel_auroc(maps: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> float | None:
    if not maps:
        return None
    values, regions = _flat(maps, labels)
    return image_auroc(values, regions > 0)


def pro(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray], *, limit: float = FPR_LIMIT) -> float | None:
    """Per-region overlap, integrated over the pixel false positive rate up to `limit` and divided by it.

    Exact: every distinct value of the maps is a threshold. A region is an 8-connected component of a mask, its holes
    are not part of it, and each counts the same whatever its size.

    Returns:
        In [0, 1]; None without a region or without a normal pixel.

    Source: Bergmann et al., "Uninformed students" (Sec. 4.1's PRO).
    """
    return _pro(maps, [_labels(mask) for mask in masks], limit)


def _pro(maps: Sequence[np.ndarray], labels: Sequence[np.ndarray], limit: float) -> float | None:
    if not any((regions > 0).any() for regions in labels) or not any((regions == 0).any() for regions in labels):
        return None
    values, regions = _flat(maps, labels)
    weights = np.concatenate([weights_of(plane)[plane >= 0] for plane in labels])
    order = np.argsort(-values, kind="stable")
    values = values[order]
    last = np.append(values[1:] != values[:-1], True)  # equal values pass a threshold together
    normal = regions == 0
    overlap = np.concatenate([[0.0], np.cumsum(weights[order])[last]]) / weights.sum()
    rate = np.concatenate([[0.0], np.cumsum(normal[order])[last]]) / normal.sum()
    return float(area(rate, overlap, limit) / limit)


def aupimo(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float | None:
    """Mean over defective images of the area under their recall against the false positive rate on normal images only.

    The rate is the mean over normal images of each one's share of false pixels, from 1e-5 to 1e-4 on a log scale.
    None without normal images, or without a defective one.

    Source: Bertoldo et al., "AUPIMO" (anomalib's definition).
    """
    return _aupimo([(plane, _labels(mask)) for plane, mask in zip(maps, masks, strict=True)])


def _aupimo(images: Sequence[tuple[np.ndarray, np.ndarray]]) -> float | None:
    normals = [plane[regions == 0] for plane, regions in images if not (regions > 0).any() and (regions == 0).any()]
    defects = [plane[regions > 0] for plane, regions in images if (regions > 0).any()]
    if not normals or not defects:
        return None
    kept = [_highest(values, len(normals)) for values in normals]
    shares = [np.full(len(top), 1.0 / values.size) for top, values in zip(kept, normals, strict=True)]
    values = np.concatenate(kept).astype(np.float64)
    order = np.argsort(-values, kind="stable")
    rate = np.cumsum(np.concatenate(shares)[order] / len(normals))
    targets = np.logspace(np.log10(PIMO_LOW), np.log10(PIMO_HIGH), PIMO_POINTS)
    places = np.minimum(np.searchsorted(rate, targets * (1 + 1e-12), side="right"), len(values) - 1)
    thresholds = values[order][places]  # the highest false pixel that the rate no longer admits
    recalls = [[(found > threshold).mean() for threshold in thresholds] for found in defects]
    return float(np.mean(np.trapezoid(recalls, np.log(targets), axis=1)) / np.log(PIMO_HIGH / PIMO_LOW))


def _highest(values: np.ndarray, images: int) -> np.ndarray:
    """Those of a normal image's values that can be a threshold: the rate is used up even if all false ones are its."""
    count = int(PIMO_HIGH * values.size * images) + 2
    return values if count >= values.size else np.partition(values, values.size - count)[-count:]


def _flat(maps: Sequence[np.ndarray], labels: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(values, labels) of all pixels that count, one after the other."""
    kept = [regions >= 0 for regions in labels]
    values = [np.asarray(plane, dtype=np.float32)[keep] for plane, keep in zip(maps, kept, strict=True)]
    return np.concatenate(values), np.concatenate([regions[keep] for regions, keep in zip(labels, kept, strict=True)])


def _labels(mask: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    """int32 (H, W): 0 normal, the number of its region where abnormal, -1 where ignored."""
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[1]
    return labels if ignored is None else np.where(ignored, -1, labels)
