"""RandAugment-based Pseudo Anomaly Generation (Sec. 3.5): cut a known defect, change it, paste it onto a normal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bgad_core.data import Sample, mask_at, read_image
from bgad_core.errors import DatasetError, MaskSizeError
from bgad_core.labels import Label, label_of
from bgad_core.tiling import Layout, fitted
from bgad_core.transforms import TRANSFORMS

TRIES = 8
MIN_INSIDE = 0.5  # share of a piece that has to lie on the object for a place to be taken at once


@dataclass(frozen=True)
class Pasted:
    """A simulated defect.

    Attributes:
        image: uint8 (H, W, 3).
        mask: bool (H, W), exactly the pixels that differ from the normal image.
    """

    image: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True)
class RPAG:
    """Pseudo anomalies of known ones.

    Attributes:
        transforms: S, how many of the nine are applied to each.
    """

    transforms: int = 3

    def paste(
        self,
        normal: np.ndarray,
        defect: np.ndarray,
        mask: np.ndarray,
        *,
        rng: np.random.Generator,
        foreground: np.ndarray | None = None,
    ) -> Pasted:
        """Cut `mask` out of the changed `defect` and paste it at a drawn place of the object in `normal`.

        Args:
            normal, defect: uint8 RGB (H, W, 3); sizes may differ.
            mask: bool (H, W) of `defect`, True where abnormal.
            rng: every draw comes from it.
            foreground: bool (H, W) of `normal`, where to paste; None finds the object by its grey level.

        Returns:
            The new image, and the mask of exactly what changed, inside the foreground only. It is empty when the piece
            looks like what it would cover.

        Raises:
            MaskSizeError: a mask of another size than its image.
            DatasetError: the mask marks nothing.
        """
        _check(defect, mask, "the defect's mask")
        if not mask.any():
            raise DatasetError("the defect's mask marks no pixel: there is nothing to cut")
        if foreground is None:
            foreground = foreground_of(normal)
        _check(normal, foreground, "the foreground")
        image, piece = defect, mask
        for number in rng.permutation(len(TRANSFORMS))[: self.transforms]:
            image, piece = TRANSFORMS[number][1](image, piece, rng)
        if not piece.any():  # moved out of the picture: the defect as it was
            image, piece = defect, mask
        return _placed(normal, image, piece, foreground, rng)


@dataclass(frozen=True)
class Part:
    """A normal part to paste onto, or a defect to cut from.

    Attributes:
        image: uint8 (H, W, 3) at the layout's height and width.
        label: of the same size.
        foreground: bool (H, W), the user's; None where there is none.
        layout: how the image is cut into the model's inputs.
    """

    image: np.ndarray
    label: Label
    foreground: np.ndarray | None
    layout: Layout


def part_of(sample: Sample, lay: Callable[[tuple[int, int]], Layout]) -> Part:
    """Read a sample; `lay` gives the layout of an image of shape (H, W)."""
    image = read_image(sample.path)
    layout = lay(image.shape[:2])
    label = label_of(sample, image.shape[:2], layout.height, layout.width)
    drawn = sample.foreground
    foreground = None if drawn is None else mask_at(drawn, layout.height, layout.width)
    return Part(fitted(image, layout), label, foreground, layout)


def preview(
    normals: Sequence[Sample], anomalies: Sequence[Sample], *, size: int, count: int, seed: int, transforms: int = 3
) -> list[Pasted]:
    """`count` pastes of masked anomalies onto normals, as phase 2 would train on, at `size` pixels.

    Raises:
        DatasetError: no normals, or no anomaly with a mask.
    """
    masked = [sample for sample in anomalies if sample.mask is not None and sample.mask.any()]
    if not normals or not masked:
        raise DatasetError(f"{len(normals)} normals and {len(masked)} defects with a mask: a paste needs one of each")
    rng, rpag = np.random.default_rng([seed, 4]), RPAG(transforms)
    whole = Layout(size, size, size, (0,), (0,))
    made = []
    for number in range(count):
        defect = part_of(masked[number % len(masked)], lambda shape: whole)
        normal = part_of(normals[int(rng.integers(len(normals)))], lambda shape: whole)
        paste = rpag.paste(normal.image, defect.image, defect.label.mask, rng=rng, foreground=normal.foreground)
        made.append(paste)
    return made


def foreground_of(image: np.ndarray) -> np.ndarray:
    """The object's pixels, bool (H, W): Otsu's threshold, the side that fills less of the border.

    An image without two grey levels, or whose object would be nearly nothing, is all foreground: a texture.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    level, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    bright = grey > level
    if bright.all() or not bright.any() or abs(float(grey[bright].mean()) - float(grey[~bright].mean())) < 25:
        return np.ones(grey.shape, dtype=bool)
    border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    share = float(border.mean())
    if 0.25 < share < 0.75:  # both sides reach the border: no object on a ground
        return np.ones(grey.shape, dtype=bool)
    found = ~bright if share >= 0.75 else bright
    kernel = np.ones((5, 5), dtype=np.uint8)
    found = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, kernel).astype(bool)
    return found if found.mean() > 0.01 else np.ones(grey.shape, dtype=bool)


def _placed(
    normal: np.ndarray, image: np.ndarray, piece: np.ndarray, foreground: np.ndarray, rng: np.random.Generator
) -> Pasted:
    """Put the piece's centre on a drawn foreground pixel; the place with most of it on the object wins."""
    rows, columns = np.nonzero(piece)
    top, left = int(rows.min()), int(columns.min())
    cut = image[top : rows.max() + 1, left : columns.max() + 1]
    shape = piece[top : rows.max() + 1, left : columns.max() + 1]
    places = np.flatnonzero(foreground)
    if len(places) == 0:
        return Pasted(normal.copy(), np.zeros(normal.shape[:2], dtype=bool))
    best: tuple[int, Pasted] | None = None
    for _ in range(TRIES):
        row, column = divmod(int(places[rng.integers(len(places))]), foreground.shape[1])
        made = _pasted_at(normal, cut, shape, foreground, row - shape.shape[0] // 2, column - shape.shape[1] // 2)
        covered = int(made.mask.sum())
        if best is None or covered > best[0]:
            best = (covered, made)
        if covered >= MIN_INSIDE * shape.sum():
            break
    assert best is not None
    return best[1]


def _pasted_at(
    normal: np.ndarray, cut: np.ndarray, shape: np.ndarray, foreground: np.ndarray, top: int, left: int
) -> Pasted:
    height, width = normal.shape[:2]
    rows = slice(max(0, top), min(height, top + shape.shape[0]))
    columns = slice(max(0, left), min(width, left + shape.shape[1]))
    inner = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    image = normal.copy()
    where = shape[inner] & foreground[rows, columns]
    image[rows, columns][where] = cut[inner][where]
    return Pasted(image, (image != normal).any(axis=2))


def _check(image: np.ndarray, mask: np.ndarray, what: str) -> None:
    if mask.shape != image.shape[:2]:
        raise MaskSizeError(
            f"{what} is {mask.shape[1]}x{mask.shape[0]} but its image is {image.shape[1]}x{image.shape[0]}: "
            "draw it on the full-size image"
        )
