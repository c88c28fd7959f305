"""RPAG's nine transforms (Sec. 3.5): each changes a defect and keeps its mask with it.

Each holds for every mask, the empty one too: an earlier transform may have moved the whole piece out of the picture.
"""

from collections.abc import Callable

import cv2
import numpy as np

Pair = tuple[np.ndarray, np.ndarray]  # image uint8 (H, W, 3), mask bool (H, W)
Transform = Callable[[np.ndarray, np.ndarray, np.random.Generator], Pair]


def _warp(image: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> Pair:
    height, width = mask.shape
    if not np.isfinite(matrix).all():  # OpenCV would reflect at the border for ever
        raise ValueError(f"the matrix {matrix.tolist()} is not finite: an affine transform needs six numbers")
    moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    where = cv2.warpAffine(mask.astype(np.uint8), matrix, (width, height), flags=cv2.INTER_NEAREST)
    return moved, where.astype(bool)


def _centre(mask: np.ndarray) -> tuple[float, float]:
    """Column and row of the piece's centre; of the picture's, when an earlier transform moved all of it out."""
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return (mask.shape[1] - 1) / 2, (mask.shape[0] - 1) / 2
    return float(columns.mean()), float(rows.mean())


def flip(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """Left and right, up and down, or both."""
    axes = [(1,), (0,), (0, 1)][int(rng.integers(3))]
    return np.ascontiguousarray(np.flip(image, axes)), np.ascontiguousarray(np.flip(mask, axes))


def rotate(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> Pair:
    """By any angle about the piece's centre, so that it stays in the picture."""
    return _warp(image, mask, cv2.getRotationMatrix2D(_centre(mask), float(rng.uniform(-180, 180)), 1.0))


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
