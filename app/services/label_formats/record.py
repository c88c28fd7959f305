"""One label outside the database, and the run lengths that three formats share."""

from dataclasses import dataclass, field

import numpy as np

from app.services.errors import Refused
from storage.models import Verdict

MAX_PIXELS = 64_000_000  # of an image, as in `pictures`
DONT_CARE = "dont_care"  # the label name of pixels that nobody judges
UNTYPED = "defect"  # the label name of a defect without a type
Layer = tuple[str, np.ndarray]  # a name in a file, and what it marks: bool (H, W)


@dataclass(frozen=True)
class LabelRecord:
    """What somebody said of one image.

    Attributes:
        name: the image's name in its project.
        sha256: of the image's file; "" where a format does not carry it, then the name decides.
        mask, ignore: bool (H, W), None where nothing is marked.
        typed: masks of single types by name, where some are not of `defect_type`; `mask` has them all.
    """

    name: str
    sha256: str
    width: int
    height: int
    verdict: Verdict
    defect_type: str | None = None
    mask: np.ndarray | None = None
    ignore: np.ndarray | None = None
    typed: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def layers(self) -> list[Layer]:
        """What is marked, by its name in a file: what is of the label's own type first, then of others, and don't care.

        Only what no other type claims is of no type.
        """
        own = self.defect_type or UNTYPED
        found = dict(self.typed)
        rest = self.mask
        for mask in found.values():
            rest = None if rest is None else rest & ~mask
        if rest is not None and rest.any() and own not in found:
            found[own] = rest
        layers = sorted(found.items(), key=lambda layer: layer[0] != own)
        return [*layers, *([(DONT_CARE, self.ignore)] if self.ignore is not None else [])]


def own_type(names: list[str]) -> str | None:
    """The type of a label that is not told by itself: the first one, or none where the first mark has none."""
    marked = [name for name in names if name != DONT_CARE]
    return marked[0] if marked and marked[0] != UNTYPED else None


def typed_of(layers: list[Layer], own: str | None) -> dict[str, np.ndarray]:
    """Masks by type where the layers of a file are of others than the label's own; layers of one type are one mask."""
    names = dict.fromkeys(name for name, _ in layers if name not in (DONT_CARE, UNTYPED))
    found = {each: joined([mask for name, mask in layers if name == each]) for each in names}
    typed = {name: mask for name, mask in found.items() if mask is not None}
    return typed if typed.keys() - {own} else {}


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
