"""From a log-likelihood map to what people see: heat on one absolute scale, and the boundary's isolines.

A higher log-likelihood is more normal; heat turns that round. The scale belongs to the version, not to the image, so
that two images that look alike are alike: 0 at the boundary's median and above, 0.5 exactly at b_n.
"""

import io
from dataclasses import dataclass

import cv2
import numpy as np
from contourpy import LineType, contour_generator

from app.services.context import Context
from storage.models import Version

FUSED = "fused"
STRONGEST = 0.85  # opacity of the hottest place: the part stays visible below it


@dataclass(frozen=True)
class Scale:
    """The three log-likelihoods that a map is read against; b_a < b_n < median."""

    median: float
    b_n: float
    b_a: float


def scale_of(version: Version, level: str = FUSED) -> Scale:
    """The scale of a level; the fused map is read against the part boundary, which a good part's worst place meets."""
    name = "part" if level == FUSED else level
    found = next(row for row in version.boundaries if row["level"] == name)
    return Scale(found["median"], found["b_n"], found["b_a"])


def levels_of(version: Version) -> list[str]:
    """The maps that a version has: the fused one, then its feature levels from fine to coarse."""
    return [FUSED, *(row["level"] for row in version.boundaries if row["level"] not in (FUSED, "part"))]


def read_map(context: Context, key: str, level: str, levels: list[str]) -> np.ndarray:
    """One stored log-likelihood map, float32 (h, w)."""
    with np.load(io.BytesIO(context.blobs.get(key)), allow_pickle=False) as maps:
        plane = maps["fused"] if level == FUSED else maps["levels"][levels.index(level) - 1]
        return plane.astype(np.float32)


def heat_of(log_p: np.ndarray, scale: Scale) -> np.ndarray:
    """Heat in [0, 1]: 0 at the median and above, 0.5 at b_n, 1 twice as far from the median as b_n."""
    return ((scale.median - log_p) / max(2 * (scale.median - scale.b_n), 1e-9)).clip(0.0, 1.0)


def painted(log_p: np.ndarray, scale: Scale, size: tuple[int, int]) -> np.ndarray:
    """Heat as uint8 BGRA (height, width, 4): inferno, as opaque as it is hot; `size` is (width, height)."""
    heat = heat_of(cv2.resize(log_p, size, interpolation=cv2.INTER_LINEAR), scale)
    colour = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    opacity = (heat * STRONGEST * 255).astype(np.uint8)
    return np.dstack([colour, opacity])


def png_of(log_p: np.ndarray, scale: Scale, size: tuple[int, int]) -> bytes:
    """`painted` as a PNG with transparency."""
    done, data = cv2.imencode(".png", painted(log_p, scale, size), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise ValueError(f"a heatmap of {size[0]}x{size[1]} could not be encoded")
    return data.tobytes()


def isolines(log_p: np.ndarray, level: float, size: tuple[int, int]) -> list[list[float]]:
    """Closed outlines of all places below `level`, each [x, y, x, y, …] in pixels of an image of (width, height).

    The map is framed with normal cells first, so that a region at the image's edge closes along it.
    """
    if not (log_p < level).any():
        return []
    width, height = size
    framed = np.pad(log_p.astype(np.float64), 1, constant_values=level + abs(level) + 1.0)
    rows, columns = log_p.shape
    rings = []
    for line in map(np.asarray, contour_generator(z=framed, line_type=LineType.Separate).lines(level)):
        x = ((line[:, 0] - 0.5) * width / columns).clip(0, width)
        y = ((line[:, 1] - 0.5) * height / rows).clip(0, height)
        rings.append([round(float(value), 1) for pair in zip(x, y, strict=True) for value in pair])
    return sorted(rings, key=len, reverse=True)


def regions(log_p: np.ndarray, level: float) -> int:
    """How many separate places lie below `level`, counted with diagonal neighbours."""
    return int(cv2.connectedComponents((log_p < level).astype(np.uint8), connectivity=8)[0]) - 1


def region_boxes(log_p: np.ndarray, level: float, size: tuple[int, int], *, most: int = 12) -> list[list[int]]:
    """[x, y, width, height] in pixels of an image of (width, height) of each place below `level`, the lowest first."""
    below = (log_p < level).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(below, connectivity=8)
    lowest = [float(log_p[labels == number].min()) for number in range(1, count)]
    scale = np.array([size[0] / log_p.shape[1], size[1] / log_p.shape[0]] * 2)
    order = sorted(range(1, count), key=lambda number: lowest[number - 1])[:most]
    return [[round(float(value)) for value in stats[number, :4] * scale] for number in order]
