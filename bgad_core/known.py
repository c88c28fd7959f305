"""What phase 2 learns from besides normals: the known defects, and those that RPAG pastes onto normals (Sec. 3.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bgad_core.config import BGADConfig
from bgad_core.data import Sample, mask_at, read_image, resized, share_of_mask
from bgad_core.errors import Cancelled, MaskSizeError
from bgad_core.feature_cache import Features, vectors_of
from bgad_core.model import BGAD
from bgad_core.rpag import RPAG

BATCH = 16
UNMASKED_SHARE = 0.01  # of an image's cells that count as its defect when nobody drew a mask
IGNORED = -1.0


@dataclass(frozen=True)
class KnownAnomalies:
    """Features of anomalous images with their masks per level.

    Attributes:
        features: of known images first, pasted ones after them.
        masks: per image and level, float32 (H*W,): 1 abnormal, 0 normal, -1 mixed or unknown, in no loss.
        known: how many of the images are known defects, the rest is pasted.
        config: for how many to draw.
    """

    features: Features
    masks: list[list[np.ndarray]]
    known: int
    config: BGADConfig

    def draw(self, normals: int, rng: np.random.Generator) -> np.ndarray:
        """Anomalous images to go with a group of normals: half known, half pasted, repeated as needed."""
        share = self.config.training.anomalous
        wanted = max(1, round(normals * share / (1 - share)))
        pasted = len(self.features) - self.known
        first = wanted if pasted == 0 else (wanted + 1) // 2
        chosen = _repeated(self.known, first, rng)
        return np.concatenate([chosen, self.known + _repeated(pasted, wanted - first, rng)]).astype(int)

    def rows(
        self, images: np.ndarray, level: int, cells: int | None, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(features, cells, mask) of one level: of each image all abnormal cells, and as many normal ones as drawn."""
        vectors, places, masks = [], [], []
        for index in images:
            mask = self.masks[index][level]
            abnormal, normal = np.flatnonzero(mask == 1), np.flatnonzero(mask == 0)
            limit = len(mask) if cells is None else cells
            chosen = np.concatenate([_some(abnormal, limit, rng), _some(normal, limit, rng)])
            vectors.append(self.features.level(int(index), level)[chosen])
            places.append(chosen)
            masks.append(mask[chosen])
        return np.concatenate(vectors), np.concatenate(places), np.concatenate(masks)


def known_anomalies(
    model: BGAD,
    normals: Sequence[Sample],
    anomalies: Sequence[Sample],
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> KnownAnomalies:
    """Extract the known defects and `pastes` RPAG images of each that has a mask; the same for the same seed.

    A defect without a mask trains on the share of its cells that phase 1 finds least likely; its other cells are
    unknown and enter no loss.
    """
    config = model.config
    if config.variant in ("nfad", "bgad-without"):
        anomalies = []
    images, masks = [], []
    for sample in anomalies:
        image = resized(read_image(sample.path), config.size)
        images.append(image)
        masks.append(None if sample.mask is None else _mask_at(sample, config.size))
    pasted = _pastes(images, masks, normals, config)
    images += [image for image, _ in pasted]
    masks += [mask for _, mask in pasted]
    vectors: list[np.ndarray] = []
    for start in range(0, len(images), BATCH):
        if should_stop():
            raise Cancelled("cancelled while extracting known defects")
        vectors += vectors_of(model.extractor, images[start : start + BATCH], config)
    features = Features(vectors, model.shapes)
    cells = [_cell_masks(model, features, index, mask) for index, mask in enumerate(masks)]
    return KnownAnomalies(features, cells, len(anomalies), config)


def cell_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A pixel mask (H, W) on a level's grid: 1 abnormal, 0 normal, -1 mixed, float32 (height * width,).

    A cell is abnormal when the mask covers half of it, normal when it covers nothing; what lies between mixes both and
    teaches neither. A scratch thinner than that everywhere keeps the cells that it covers most.
    """
    share = share_of_mask(mask, height, width).ravel()
    threshold = min(0.5, float(share.max()) / 2)
    cells = np.where(share > 0, IGNORED, 0.0).astype(np.float32)
    if threshold > 0:
        cells[share >= threshold] = 1.0
    return cells


def _cell_masks(model: BGAD, features: Features, index: int, mask: np.ndarray | None) -> list[np.ndarray]:
    if mask is not None:
        return [cell_mask(mask, height, width) for _, height, width in model.shapes]
    return [_least_likely(model, features, index, level) for level in range(len(model.shapes))]


def _least_likely(model: BGAD, features: Features, index: int, level: int) -> np.ndarray:
    import torch

    rows = torch.from_numpy(np.array(features.level(index, level))).to(model.device)
    log_p = model.eval().level_maps(level, rows[None]).cpu().numpy().ravel()
    count = max(1, round(UNMASKED_SHARE * log_p.size))
    cells = np.full(log_p.size, IGNORED, dtype=np.float32)
    cells[np.argsort(log_p, kind="stable")[:count]] = 1.0
    return cells


def _mask_at(sample: Sample, size: int) -> np.ndarray:
    """The sample's mask at (size, size), any coverage counting: a thin scratch stays whole."""
    image, mask = read_image(sample.path).shape[:2], sample.mask
    if mask is None or mask.shape != image:
        shape = "missing" if mask is None else f"{mask.shape[1]}x{mask.shape[0]}"
        raise MaskSizeError(
            f"mask is {shape} but {sample.path.name} is {image[1]}x{image[0]}: draw it on the full-size image"
        )
    return mask_at(mask, size, size)


def _pastes(
    images: list[np.ndarray], masks: list[np.ndarray | None], normals: Sequence[Sample], config: BGADConfig
) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng([config.seed, 4])
    rpag = RPAG(transforms=config.training.transforms)
    pasted = []
    for image, mask in zip(images, masks, strict=True):
        if mask is None or not mask.any():
            continue
        for _ in range(config.training.pastes):
            normal = resized(read_image(normals[int(rng.integers(len(normals)))].path), config.size)
            made = rpag.paste(normal, image, mask, rng=rng)
            if made.mask.any():
                pasted.append((made.image, made.mask))
    return pasted


def _repeated(count: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """`wanted` draws from range(count), each number once before any comes again."""
    if count == 0 or wanted <= 0:
        return np.empty(0, dtype=int)
    rounds = [rng.permutation(count) for _ in range(-(-wanted // count))]
    return np.concatenate(rounds)[:wanted]


def _some(places: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    return places if len(places) <= limit else np.sort(rng.choice(places, limit, replace=False))
