"""What phase 2 learns from besides normals: the known defects, and those that RPAG pastes onto normals (Sec. 3.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bgad_core.config import NORMALS_ONLY, BGADConfig
from bgad_core.data import Sample, read_image, resized
from bgad_core.errors import Cancelled
from bgad_core.feature_cache import Features, vectors_of
from bgad_core.labels import Label, cells_of, label_of, pick_least_likely
from bgad_core.model import BGAD
from bgad_core.rpag import RPAG, normal_of

BATCH = 16


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
    """Extract the known defects and `pastes` RPAG images of those that have a mask; the same for the same seed.

    A defect that nobody drew trains on its least likely cells under phase 1: of its box, or of the whole image where it
    has none; the other cells there are unknown and enter no loss.
    """
    config = model.config
    if config.variant in NORMALS_ONLY:
        anomalies = []
    images, labels = [], []
    for sample in anomalies:
        image = read_image(sample.path)
        images.append(resized(image, config.size))
        labels.append(label_of(sample, image.shape[:2], config.size, config.size))
    pasted = _pastes(images, labels, normals, config)
    images += [image for image, _ in pasted]
    labels += [label for _, label in pasted]
    vectors: list[np.ndarray] = []
    for start in range(0, len(images), BATCH):
        if should_stop():
            raise Cancelled("cancelled while extracting known defects")
        vectors += vectors_of(model.extractor, images[start : start + BATCH], config)
    features = Features(vectors, model.shapes)
    cells = [_cell_masks(model, features, index, label) for index, label in enumerate(labels)]
    return KnownAnomalies(features, cells, len(anomalies), config)


def _cell_masks(model: BGAD, features: Features, index: int, label: Label) -> list[np.ndarray]:
    grids = [(height, width) for _, height, width in model.shapes]
    masks = [cells_of(label, *grid) for grid in grids]
    if not label.places.any():
        return masks
    log_p = [_log_p(model, features, index, level) for level in range(len(grids))]
    return [
        pick_least_likely(mask, label, values, *grid) for mask, values, grid in zip(masks, log_p, grids, strict=True)
    ]


def _log_p(model: BGAD, features: Features, index: int, level: int) -> np.ndarray:
    rows = torch.from_numpy(np.array(features.level(index, level))).to(model.device)
    return model.eval().level_maps(level, rows[None]).cpu().numpy().ravel()


def _pastes(
    images: list[np.ndarray], labels: list[Label], normals: Sequence[Sample], config: BGADConfig
) -> list[tuple[np.ndarray, Label]]:
    """`pastes` in all, the drawn defects in turns; what nobody cares about is neither cut out nor learnt as normal."""
    rng = np.random.default_rng([config.seed, 4])
    rpag = RPAG(transforms=config.training.transforms)
    drawn = [(image, label) for image, label in zip(images, labels, strict=True) if label.mask.any()]
    wanted = len(drawn) if config.training.pastes is None else config.training.pastes
    pasted = []
    for number in range(wanted if drawn else 0):
        image, label = drawn[number % len(drawn)]
        normal, foreground, said = normal_of(normals[int(rng.integers(len(normals)))], config.size)
        made = rpag.paste(normal, image, label.mask, rng=rng, foreground=foreground)
        if made.mask.any():
            pasted.append((made.image, replace(said, mask=made.mask & ~said.ignore)))
    return pasted


def _repeated(count: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """`wanted` draws from range(count), each number once before any comes again."""
    if count == 0 or wanted <= 0:
        return np.empty(0, dtype=int)
    rounds = [rng.permutation(count) for _ in range(-(-wanted // count))]
    return np.concatenate(rounds)[:wanted]


def _some(places: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    return places if len(places) <= limit else np.sort(rng.choice(places, limit, replace=False))
