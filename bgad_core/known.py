"""What phase 2 learns from besides normals: the known defects, and those that RPAG pastes onto normals (Sec. 3.5)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
import torch

from bgad_core.config import NORMALS_ONLY, BGADConfig
from bgad_core.data import Sample
from bgad_core.errors import Cancelled
from bgad_core.feature_cache import Features, vectors_of
from bgad_core.labels import Label, cells_of, pick_least_likely, tiles_of
from bgad_core.model import BGAD
from bgad_core.pipeline import ahead
from bgad_core.rpag import RPAG, Part, part_of
from bgad_core.tiling import Layout, cut, in_batches, layout_of

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
            vectors.append(self.features.take(int(index), level, chosen))
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
    lay = partial(layout_of, config=config, multiple=max(model.extractor.strides), overlap=0.0)
    parts = [part_of(sample, lay) for sample in anomalies]
    vectors: list[np.ndarray] = []
    masks: list[list[np.ndarray]] = []
    known = 0
    groups = _grouped(chain(parts, _pastes(parts, normals, config, lay)))
    extracted = ahead(partial(_extracted, model, should_stop=should_stop), groups)
    for number, (part, found) in enumerate(chain.from_iterable(extracted)):
        cells = _cell_masks(model, Features(found, model.shapes), tiles_of(part.label, part.layout))
        for vector, mask in zip(found, cells, strict=True):
            if config.tile is None or any((level == 1).any() for level in mask):  # a tile without a defect is a normal
                vectors.append(vector)
                masks.append(mask)
                known += number < len(anomalies)
    return KnownAnomalies(Features(vectors, model.shapes), masks, known, config)


def _grouped(parts: Iterator[Part]) -> Iterator[list[Part]]:
    """As many parts as a batch has tiles, so that whole images, one tile each, pass the backbone together."""
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if sum(len(each.layout.places) for each in group) >= BATCH:
            yield group
            group = []
    if group:
        yield group


def _extracted(
    model: BGAD, group: list[Part], *, should_stop: Callable[[], bool]
) -> list[tuple[Part, list[np.ndarray]]]:
    """Each part of a group with its tiles' features; the next group is pasted meanwhile."""
    vectors: list[np.ndarray] = []
    for _, tiles in in_batches([tile for part in group for tile in cut(part.image, part.layout)], BATCH):
        if should_stop():
            raise Cancelled("cancelled while extracting known defects")
        vectors += vectors_of(model.extractor, tiles, model.config)
    following = iter(vectors)
    return [(part, [next(following) for _ in part.layout.places]) for part in group]


def _cell_masks(model: BGAD, features: Features, tiles: list[Label]) -> list[list[np.ndarray]]:
    """Per tile of one image and level: 1 abnormal, 0 normal, -1 in no loss."""
    levels = []
    for level, (_, height, width) in enumerate(model.shapes):
        cells = [cells_of(tile, height, width) for tile in tiles]
        if any(tile.places.any() for tile in tiles):
            log_p = [_log_p(model, features, index, level) for index in range(len(tiles))]
            cells = pick_least_likely(cells, tiles, log_p, height, width)
        levels.append(cells)
    return [list(masks) for masks in zip(*levels, strict=True)]


def _log_p(model: BGAD, features: Features, index: int, level: int) -> np.ndarray:
    rows = torch.from_numpy(np.array(features.level(index, level))).to(model.device)
    return model.eval().level_maps(level, rows[None]).cpu().numpy().ravel()


def _pastes(
    parts: Sequence[Part], normals: Sequence[Sample], config: BGADConfig, lay: Callable[[tuple[int, int]], Layout]
) -> Iterator[Part]:
    """`pastes` in all, the drawn defects in turns; what nobody cares about is neither cut out nor learnt as normal."""
    rng = np.random.default_rng([config.seed, 4])
    rpag = RPAG(transforms=config.training.transforms)
    drawn = [part for part in parts if part.label.mask.any()]
    wanted = len(drawn) if config.training.pastes is None else config.training.pastes
    for number in range(wanted if drawn else 0):
        part = drawn[number % len(drawn)]
        normal = part_of(normals[int(rng.integers(len(normals)))], lay)
        made = rpag.paste(normal.image, part.image, part.label.mask, rng=rng, foreground=normal.foreground)
        if made.mask.any():
            label = replace(normal.label, mask=made.mask & ~normal.label.ignore)
            yield replace(normal, image=made.image, label=label)


def _repeated(count: int, wanted: int, rng: np.random.Generator) -> np.ndarray:
    """`wanted` draws from range(count), each number once before any comes again."""
    if count == 0 or wanted <= 0:
        return np.empty(0, dtype=int)
    rounds = [rng.permutation(count) for _ in range(-(-wanted // count))]
    return np.concatenate(rounds)[:wanted]


def _some(places: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    return places if len(places) <= limit else np.sort(rng.choice(places, limit, replace=False))
