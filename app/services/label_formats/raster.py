"""Runs, polygons, turned boxes and ellipses as pixels: those whose centre lies inside are marked."""

import numpy as np

from app.services.label_formats.record import Unread

FARTHEST = 1e7  # pixels: what a corner of an honest file never exceeds


def runs_of(flat: np.ndarray) -> list[int]:
    """Lengths of the runs of a flat bool array, beginning with one of False, which may be 0."""
    values = flat.astype(np.int8)
    edges = np.flatnonzero(np.diff(values)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [values.size]])).tolist()
    return [0, *lengths] if values.size and values[0] else lengths


def from_runs(runs: list[int], size: int) -> np.ndarray:
    """The flat bool array of these runs.

    Raises:
        Unread: they do not add up to `size`.
    """
    if any(run < 0 for run in runs):
        raise Unread(f"has a run of {min(runs)} pixels: the mask is damaged")
    if sum(runs) != size:
        raise Unread(f"has runs that add up to {sum(runs)} pixels instead of {size}: the mask is damaged")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)


def inside(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels whose centre lies in a polygon (N, 2), even-odd, bool (H, W): as the mask editor fills it.

    Raises:
        Unread: fewer than three corners, or one that is no place near an image.
    """
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise Unread(f"has {len(points)} corners: a region has three at the least")
    if not (np.abs(points) < FARTHEST).all():
        raise Unread("has a corner that is no number or lies far outside of every image")
    mask = np.zeros((height, width), dtype=bool)
    columns = np.arange(width) + 0.5
    following = np.roll(points, -1, axis=0)
    for row in range(max(0, int(points[:, 1].min())), min(height, int(np.ceil(points[:, 1].max())))):
        y = row + 0.5
        spans = (points[:, 1] <= y) != (following[:, 1] <= y)
        (ax, ay), (bx, by) = points[spans].T, following[spans].T
        crossings = np.sort(ax + (y - ay) / (by - ay) * (bx - ax))
        mask[row] = np.searchsorted(crossings, columns, side="right") % 2 == 1
    return mask


def turned(points: np.ndarray, centre: tuple[float, float], degrees: float) -> np.ndarray:
    """Points (N, 2) turned clockwise, as an image shows it, about a centre."""
    angle = np.radians(_number(degrees))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (points - centre) @ turn + centre


def corners(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Those of a box, (4, 2). Raises Unread when it has no area."""
    if not (left < right and top < bottom):
        raise Unread(f"is a box from {left:g},{top:g} to {right:g},{bottom:g}: it has no area")
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], degrees: float, width: int, height: int
) -> np.ndarray:
    """Pixels whose centre lies in an ellipse that is turned clockwise about its centre, bool (H, W).

    Raises:
        Unread: it has no area, or lies nowhere near an image.
    """
    (x, y), (across, along) = (_number(value) for value in centre), (_number(value) for value in radii)
    if min(across, along) <= 0:
        raise Unread(f"is an ellipse of radii {across:g} and {along:g}: it has no area")
    angle = np.radians(_number(degrees))
    columns, rows = np.arange(width) + 0.5 - x, np.arange(height)[:, None] + 0.5 - y
    u = (columns * np.cos(angle) + rows * np.sin(angle)) / across
    v = (rows * np.cos(angle) - columns * np.sin(angle)) / along
    return np.asarray(u * u + v * v <= 1.0)


def _number(value: float) -> float:
    number = float(value)
    if not abs(number) < FARTHEST:
        raise Unread(f"has the number {number:g}, which is no place near an image")
    return number
