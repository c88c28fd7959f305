"""Native resolution: an image in overlapping tiles, and their maps as one without a seam.

A defect of a few pixels on a part of a few thousand vanishes when the part is shrunk to 256. With `config.tile` the
part keeps its resolution: each tile of that many pixels becomes one input of `config.size`, and what the device holds
does not grow with the image. Without it, the whole image is one tile, squeezed to a square whatever its sides: the same
code.

Position: a tiled model gets no position embedding (all zeros). A place then has the same log-likelihood from whichever
tile it is seen, so that tiles may overlap anywhere, parts may differ in size, and a map has no seam; what is given up
is that a place may be normal here and not there, which the untiled model can learn of aligned parts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from bgad_core.config import BGADConfig
from bgad_core.data import FORMATS, resized
from bgad_core.errors import BadImageError

OVERLAP = 0.25  # of a tile's side, at least, when scoring and calibrating; training needs every place once
ORIENTATION, TURNED = 0x0112, range(5, 9)  # EXIF: the values that exchange width and height


@dataclass(frozen=True)
class Layout:
    """How one image is cut.

    Attributes:
        height, width: of the image as the tiles are cut from it, in pixels.
        size: side of a tile there, the model's input.
        tops, lefts: where tiles begin; each of the first with each of the second.
    """

    height: int
    width: int
    size: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    @property
    def places(self) -> list[tuple[int, int]]:
        """(top, left) of each tile, rows first."""
        return [(top, left) for top in self.tops for left in self.lefts]


def layout_of(shape: tuple[int, int], config: BGADConfig, multiple: int, *, overlap: float = OVERLAP) -> Layout:
    """The tiles of an image of `shape` (H, W).

    The image is scaled by size / tile, each side to the nearest multiple of `multiple` (the coarsest level's stride, so
    that all tiles' cells lie on one grid) and to one tile at least; tiles stand as evenly as that grid allows.

    Raises:
        ValueError: the size of the model's input is no such multiple.
    """
    size = config.size
    if config.tile is None:
        return Layout(size, size, size, (0,), (0,))
    if size % multiple:
        raise ValueError(f"size {size} is no multiple of {multiple}, the coarsest level's stride: tiles need one")
    sides = [max(size, round(side * size / config.tile / multiple) * multiple) for side in shape]
    return Layout(sides[0], sides[1], size, *(_starts(side, size, multiple, overlap) for side in sides))


def _starts(side: int, size: int, multiple: int, overlap: float) -> tuple[int, ...]:
    step = max(multiple, int(size * (1 - overlap)) // multiple * multiple)
    count = 1 + -(-(side - size) // step)
    spaces = max(1, count - 1)
    return tuple((side - size) * number // spaces // multiple * multiple for number in range(count))


def cut(plane: np.ndarray, layout: Layout) -> list[np.ndarray]:
    """The tiles (size, size, …) of an image or a plane that has the layout's height and width; views, no copies."""
    return [plane[top : top + layout.size, left : left + layout.size] for top, left in layout.places]


def fitted(image: np.ndarray, layout: Layout) -> np.ndarray:
    """uint8 (H, W, 3) at the layout's height and width; shrinking averages."""
    if (layout.height, layout.width) == (layout.size, layout.size):
        return resized(image, layout.size)
    shrinks = image.shape[0] > layout.height or image.shape[1] > layout.width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (layout.width, layout.height), interpolation=how)


class Seamless:
    """Adds tiles' maps up to the image's, each cell a mean whose weights fall to a tile's inner edges and sum to 1.

    Args:
        layout: of the image.
        cells: side of a tile's map.
        channels: maps per tile.
    """

    def __init__(self, layout: Layout, cells: int, channels: int) -> None:
        self.cells = cells
        stride = layout.size / cells
        self._rows = [round(top / stride) for top in layout.tops]
        self._columns = [round(left / stride) for left in layout.lefts]
        self._weights = [_weights(starts, cells) for starts in (self._rows, self._columns)]
        self.maps = np.zeros((channels, self._rows[-1] + cells, self._columns[-1] + cells), dtype=np.float32)

    def add(self, number: int, maps: np.ndarray) -> None:
        """The maps (channels, cells, cells) of tile `number` in the order of `Layout.places`."""
        row, column = divmod(number, len(self._columns))
        weights = np.outer(self._weights[0][row], self._weights[1][column]).astype(np.float32)
        top, left = self._rows[row], self._columns[column]
        self.maps[:, top : top + self.cells, left : left + self.cells] += weights * maps


def _weights(starts: Sequence[int], cells: int) -> np.ndarray:
    """(tiles, cells) along one axis: distance to the tile's nearest edge within the image, over the sum of all's."""
    last, places = starts[-1], np.arange(cells) + 0.5
    raw = np.zeros((len(starts), last + cells))
    for number, start in enumerate(starts):
        left = places if start > 0 else np.full(cells, float(cells))
        right = cells - places if start < last else np.full(cells, float(cells))
        raw[number, start : start + cells] = np.minimum(left, right)
    whole = raw / raw.sum(axis=0)
    return np.stack([whole[number, start : start + cells] for number, start in enumerate(starts)])


def shape_of(path: Path) -> tuple[int, int]:
    """(H, W) of an image file as `read_image` turns it, from its header alone.

    Raises:
        BadImageError: it is no image.
    """
    try:
        with Image.open(path, formats=FORMATS) as opened:
            turned = opened.getexif().get(ORIENTATION, 1) in TURNED
            return (opened.width, opened.height) if turned else (opened.height, opened.width)
    except (UnidentifiedImageError, OSError) as error:
        raise BadImageError(f"{path.name} cannot be read ({error}): save it again") from error


def in_batches(tiles: Sequence[np.ndarray], size: int) -> Iterator[tuple[int, list[np.ndarray]]]:
    """(number of the first, tiles) of at most `size` tiles each, in order."""
    for start in range(0, len(tiles), size):
        yield start, [np.ascontiguousarray(tile) for tile in tiles[start : start + size]]
