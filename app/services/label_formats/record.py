"""One label outside the database, and the run lengths that three formats share."""

from dataclasses import dataclass

import numpy as np

from app.services.errors import Refused
from storage.models import Verdict

MAX_PIXELS = 64_000_000  # of an image, as in `pictures`
DONT_CARE = "dont_care"  # the label name of pixels that nobody judges
UNTYPED = "defect"  # the label name of a defect without a type


@dataclass(frozen=True)
class LabelRecord:
    """What somebody said of one image.

    Attributes:
        name: the image's name in its project.
        sha256: of the image's file; "" where a format does not carry it, then the name decides.
        mask, ignore: bool (H, W), None where nothing is marked.
    """

    name: str
    sha256: str
    width: int
    height: int
    verdict: Verdict
    defect_type: str | None = None
    mask: np.ndarray | None = None
    ignore: np.ndarray | None = None


def sized(width: int, height: int) -> tuple[int, int]:
    """An image's size as a file claims it.

    Raises:
        Refused: no image here has such a size; nothing may be made of it.
    """
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise Refused(f"this file has an image of {width}x{height}: from 1x1 to {MAX_PIXELS // 10**6} million pixels")
    return width, height


def runs_of(flat: np.ndarray) -> list[int]:
    """Lengths of the runs of a flat bool array, beginning with one of False, which may be 0."""
    values = flat.astype(np.int8)
    edges = np.flatnonzero(np.diff(values)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [values.size]])).tolist()
    return [0, *lengths] if values.size and values[0] else lengths


def from_runs(runs: list[int], size: int) -> np.ndarray:
    """The flat bool array of these runs.

    Raises:
        Refused: they do not add up to `size`.
    """
    if any(run < 0 for run in runs):
        raise Refused(f"a mask has a run of {min(runs)} pixels: the file is damaged")
    if sum(runs) != size:
        raise Refused(f"the runs of a mask add up to {sum(runs)} pixels instead of {size}: the file is damaged")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)


def inside(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Pixels whose centre lies in a polygon (N, 2), even-odd, bool (H, W): as the mask editor fills it."""
    if not np.isfinite(points).all():
        raise ValueError("a corner of a polygon is no number")
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


def joined(masks: list[np.ndarray]) -> np.ndarray | None:
    """The union of masks; None of none, or where nothing is marked."""
    union = np.logical_or.reduce(masks) if masks else None
    return union if union is not None and union.any() else None
