"""RandAugment-based Pseudo Anomaly Generation (Sec. 3.5): cut a known defect, change it, paste it onto a normal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bgad_core.data import Sample, mask_at, read_image, resized
from bgad_core.errors import DatasetError, MaskSizeError
from bgad_core.labels import Label, label_of

Pair = tuple[np.ndarray, np.ndarray]  # image uint8 (H, W, 3), mask bool (H, W)
Transform = Callable[[np.ndarray, np.ndarray, np.random.Generator], Pair]
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


def normal_of(sample: Sample, size: int) -> tuple[np.ndarray, np.ndarray | None, Label]:
    """A normal part to paste onto: uint8 (size, size, 3), the user's foreground if there is one, and its label."""
    image = read_image(sample.path)
    label = label_of(sample, image.shape[:2], size, size)
    foreground = None if sample.foreground is None else mask_at(sample.foreground, size, size)
    return resized(image, size), foreground, label


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
    made = []
    for number in range(count):
        sample = masked[number % len(masked)]
        normal, foreground, _ = normal_of(normals[int(rng.integers(len(normals)))], size)
        image = read_image(sample.path)
        piece = label_of(sample, image.shape[:2], size, size).mask
        made.append(rpag.paste(normal, resized(image, size), piece, rng=rng, foreground=foreground))
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


def _warp(image: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> Pair:
    height, width = mask.shape
    moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    where = cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
    return moved, where.astype(bool)


def flip(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Left and right, up and down, or both."""
    axes = [(1,), (0,), (0, 1)][int(rng.integers(3))]
    return np.ascontiguousarray(np.flip(image, axes)), np.ascontiguousarray(np.flip(mask, axes))


def rotate(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """By any angle about the piece's centre, so that it stays in the picture."""
    rows, columns = np.nonzero(mask)
    centre = (float(columns.mean()), float(rows.mean()))
    return _warp(image, mask, cv2.getRotationMatrix2D(centre, float(rng.uniform(-180, 180)), 1.0))


def transpose(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Rows become columns."""
    return np.ascontiguousarray(image.transpose(1, 0, 2)), np.ascontiguousarray(mask.T)


def noise(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Gaussian noise of a drawn strength."""
    grain = rng.normal(0.0, rng.uniform(4.0, 16.0), image.shape)
    return np.clip(image + grain, 0, 255).astype(np.uint8), mask


def distortion(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """A smooth field of displacements of a few pixels."""
    height, width = mask.shape
    field = rng.uniform(-1.0, 1.0, (2, 5, 5)).astype(np.float32) * max(height, width) * 0.03
    shift = [cv2.resize(axis, (width, height), interpolation=cv2.INTER_CUBIC) for axis in field]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    maps = (columns + shift[0], rows + shift[1])
    moved = cv2.remap(image, *maps, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return moved, cv2.remap(mask.astype(np.uint8), *maps, interpolation=cv2.INTER_NEAREST).astype(bool)


def brightness(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Darker or brighter by up to 40 %."""
    return np.clip(image * rng.uniform(0.6, 1.4), 0, 255).astype(np.uint8), mask


def sharpness(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Between half blurred and twice as sharp."""
    soft = cv2.GaussianBlur(image, (0, 0), 1.5).astype(np.float32)
    return np.clip(soft + rng.uniform(0.5, 2.5) * (image - soft), 0, 255).astype(np.uint8), mask


def translate(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """By up to an eighth of the picture."""
    height, width = mask.shape
    shift = rng.uniform(-0.125, 0.125, 2) * (width, height)
    return _warp(image, mask, np.array([[1.0, 0.0, shift[0]], [0.0, 1.0, shift[1]]]))


def blur(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Gaussian, of a drawn width."""
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.4))), mask


TRANSFORMS: tuple[tuple[str, Transform], ...] = (
    ("flip", flip),
    ("rotate", rotate),
    ("transpose", transpose),
    ("noise", noise),
    ("distortion", distortion),
    ("brightness", brightness),
    ("sharpness", sharpness),
    ("translate", translate),
    ("blur", blur),
)
