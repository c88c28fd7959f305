"""Labels as they come: masks, boxes, polygons, image-level verdicts, and pixels that nobody wants judged."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgad_core.data import Sample, mask_at, share_of_mask
from bgad_core.errors import DatasetError, MaskSizeError
from bgad_core.tiling import Layout, cut

UNMASKED_SHARE = 0.01  # of an image's cells that count as its defect when nobody drew one
BOX_SHARE = 0.2  # of a box's cells: a box is drawn around a defect, so it holds more of it than the image does


@dataclass(frozen=True)
class Label:
    """What is known of each pixel of an image, at the size that the model works on; every plane is (H, W).

    Attributes:
        mask: bool, True where a defect was drawn.
        unknown: bool, True where a defect may lie that nobody drew: in no loss, but for what `places` picks.
        places: int, 0, or the number of the place that holds one undrawn defect: its least likely cells train.
        share: of a place's cells that are picked, at least one.
        ignore: bool, True for "don't care": in no loss, whatever else is said of the pixel.
    """

    mask: np.ndarray
    unknown: np.ndarray
    places: np.ndarray
    share: float
    ignore: np.ndarray

    @property
    def left_out(self) -> np.ndarray:
        """Pixels that a metric cannot judge: ignored, or in a box beside what was drawn, bool (H, W)."""
        pixels: np.ndarray = self.ignore | (self.unknown & ~self.mask)
        return pixels


def polygon_mask(polygons: Sequence[np.ndarray], height: int, width: int) -> np.ndarray:
    """Rings as a mask, bool (height, width): a pixel belongs where its centre lies inside.

    Args:
        polygons: each (N, 2) corners as (x, y) in pixels, the image's corner at (0, 0); closed by themselves. Inside is
            by even-odd over all of them together: a ring within another is its hole. A centre exactly on an outline
            belongs to the pixel on its right or below, so that polygons that share an edge share no pixel.

    Raises:
        ValueError: a ring of fewer than three corners, or a corner that is not finite.
    """
    flips = np.zeros((height, width + 1), dtype=bool)
    for ring in polygons:
        corners = np.asarray(ring, dtype=np.float64)
        if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
            raise ValueError(f"a polygon of shape {corners.shape} is no ring: give three or more finite (x, y)")
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            top, bottom = sorted((y0, y1))
            rows = np.arange(max(0, int(np.ceil(top - 0.5))), min(height, int(np.ceil(bottom - 0.5))))
            crossed = x0 + (rows + 0.5 - y0) * (x1 - x0) / ((y1 - y0) or 1.0)
            flips[rows, np.clip(np.ceil(crossed - 0.5), 0, width).astype(int)] ^= True
    return np.logical_xor.accumulate(flips, axis=1)[:, :width]


def label_of(sample: Sample, shape: tuple[int, int], height: int, width: int) -> Label:
    """What a sample says of each pixel, brought from its image's `shape` (H, W) to (height, width).

    A defect with neither mask nor box may be anywhere: all of it is unknown and one place. A box without a drawn pixel
    is a place; one with drawn pixels holds them, and its rest is unknown.

    Raises:
        MaskSizeError: a mask of another size than the image.
        DatasetError: a box that is empty or leaves the image.
    """
    check_sizes(sample, shape)
    empty = np.zeros((height, width), dtype=bool)
    mask = empty if sample.mask is None else mask_at(sample.mask, height, width)
    ignore = empty if sample.ignore is None else share_of_mask(sample.ignore, height, width) > 0
    places = np.zeros((height, width), dtype=np.int32)
    unknown = empty.copy()
    if sample.abnormal and sample.mask is None and not sample.boxes:
        return Label(mask, ~empty, places + 1, UNMASKED_SHARE, ignore)
    for number, (left, top, right, bottom) in enumerate(sample.boxes, start=1):
        rows = slice(top * height // shape[0], -(-bottom * height // shape[0]))
        columns = slice(left * width // shape[1], -(-right * width // shape[1]))
        unknown[rows, columns] = True
        if not mask[rows, columns].any():
            places[rows, columns] = number
    return Label(mask & ~ignore, unknown, places, BOX_SHARE, ignore)


def check_sizes(sample: Sample, shape: tuple[int, int]) -> None:
    """A label has to fit its image of `shape` (H, W).

    Raises:
        MaskSizeError, DatasetError: it does not.
    """
    for what, plane in (("mask", sample.mask), ("don't-care mask", sample.ignore), ("foreground", sample.foreground)):
        if plane is not None and plane.shape != shape:
            raise MaskSizeError(
                f"{what} is {plane.shape[1]}x{plane.shape[0]} but {sample.path.name} is {shape[1]}x{shape[0]}: "
                "draw it on the full-size image"
            )
    for left, top, right, bottom in sample.boxes:
        if not (0 <= left < right <= shape[1] and 0 <= top < bottom <= shape[0]):
            raise DatasetError(
                f"box {(left, top, right, bottom)} does not lie in {sample.path.name} of {shape[1]}x{shape[0]}: "
                "give left, top, right, bottom in pixels, right and bottom outside of it"
            )


def cell_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A pixel mask (H, W) on a level's grid: 1 abnormal, 0 normal, -1 mixed, float32 (height * width,).

    A cell is abnormal when the mask covers half of it, normal when it covers nothing; what lies between mixes both and
    teaches neither. A scratch thinner than that everywhere keeps the cells that it covers most.
    """
    share = share_of_mask(mask, height, width).ravel()
    threshold = min(0.5, float(share.max()) / 2)
    cells = np.where(share > 0, -1.0, 0.0).astype(np.float32)
    if threshold > 0:
        cells[share >= threshold] = 1.0
    return cells


def touched(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """The cells of a grid that a plane (H, W) touches at all, bool (height * width,)."""
    return share_of_mask(plane, height, width).ravel() > 0


def cells_of(label: Label, height: int, width: int) -> np.ndarray:
    """A label on a level's grid before anything is picked: 1 abnormal, 0 normal, -1 in no loss, float32 (H*W,)."""
    cells = cell_mask(label.mask, height, width)
    cells[touched(label.unknown, height, width) & (cells != 1.0)] = -1.0
    cells[touched(label.ignore, height, width)] = -1.0
    return cells


def pick_least_likely(
    cells: Sequence[np.ndarray], tiles: Sequence[Label], log_p: Sequence[np.ndarray], height: int, width: int
) -> list[np.ndarray]:
    """`cells_of` with the least likely cells of each place of an image made abnormal (1).

    Args:
        cells: per tile of the image, float32 (H*W,) of the level's grid.
        tiles: the label's tiles; a place may reach over several.
        log_p: per tile, of each cell (H*W,), under a model that has seen normals only; higher is more normal.
    """
    joined, values = np.concatenate(cells), np.concatenate(log_p)
    free = ~np.concatenate([touched(tile.ignore, height, width) for tile in tiles])
    for number in range(1, max(int(tile.places.max(initial=0)) for tile in tiles) + 1):
        inside = np.concatenate([touched(tile.places == number, height, width) for tile in tiles])
        candidates = np.flatnonzero(inside & free)
        if len(candidates):
            count = max(1, round(tiles[0].share * len(candidates)))
            joined[candidates[np.argsort(values[candidates], kind="stable")[:count]]] = 1.0
    return np.split(joined, len(cells))


def tiles_of(label: Label, layout: Layout) -> list[Label]:
    """A label of the layout's height and width, cut as its image is."""
    planes = (cut(plane, layout) for plane in (label.mask, label.unknown, label.places, label.ignore))
    return [
        Label(mask, unknown, places, label.share, ignore) for mask, unknown, places, ignore in zip(*planes, strict=True)
    ]


def digest_of(sample: Sample) -> str:
    """Names everything that is said of an image: what trained on other labels is another training."""
    digest = hashlib.sha256(json.dumps([sample.abnormal, sample.boxes]).encode())
    for plane in (sample.mask, sample.ignore, sample.foreground):
        digest.update(b"-" if plane is None else np.packbits(plane).tobytes() + repr(plane.shape).encode())
    return digest.hexdigest()
