"""Small machined discs, drawn: for the demo and the tests. Normal ones vary; defects are scratches, spots and dents."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

OVERSAMPLE = 2


@dataclass(frozen=True)
class Part:
    """A drawn part: image uint8 (S, S, 3), mask bool (S, S) of what is wrong with it, its defect's type or None."""

    image: np.ndarray
    mask: np.ndarray
    defect_type: str | None


def make_parts(folder: Path, *, normals: int, defects: int, seed: int = 0, size: int = 256) -> None:
    """Write an MVTec-style tree: train/good, test/good, test/<type>, ground_truth/<type>/*_mask.png.

    Args:
        folder: made when missing.
        normals: images in train/good; test/good gets a quarter as many, at least two.
        defects: images over all types in test/.
        seed: the same seed writes the same bytes.
        size: side in pixels.
    """
    rng = np.random.default_rng(seed)
    for number in range(normals):
        _write(folder / "train/good" / f"{number:03d}.png", draw_part(rng, size=size).image)
    for number in range(max(2, normals // 4)):
        _write(folder / "test/good" / f"{number:03d}.png", draw_part(rng, size=size).image)
    kinds = list(DEFECTS)
    for number in range(defects):
        kind = kinds[number % len(kinds)]
        part = draw_part(rng, size=size, defect_type=kind)
        _write(folder / "test" / kind / f"{number:03d}.png", part.image)
        _write(folder / "ground_truth" / kind / f"{number:03d}_mask.png", part.mask.astype(np.uint8) * 255)


def draw_part(rng: np.random.Generator, *, size: int = 256, defect_type: str | None = None) -> Part:
    """One brushed metal flange with six holes under soft light; turned, shifted and lit a little differently each time.

    Raises:
        KeyError: no such type of defect.
    """
    side = size * OVERSAMPLE
    pose = _Pose.draw(rng, side)
    canvas = _metal(rng, pose, side)
    mask = np.zeros((side, side), dtype=np.float32)
    if defect_type is not None:
        canvas, mask = DEFECTS[defect_type](canvas, pose, rng)
    grain = rng.normal(0.0, 2.0, (size, size, 1)).astype(np.float32)
    small = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA) + grain
    covered = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA) > 0.25
    return Part(np.clip(small, 0, 255).astype(np.uint8), covered, defect_type)


@dataclass(frozen=True)
class _Pose:
    x: float
    y: float
    radius: float
    angle: float

    @classmethod
    def draw(cls, rng: np.random.Generator, side: int) -> "_Pose":
        x, y = side / 2 + rng.normal(0.0, 0.008 * side, 2)
        return cls(x, y, 0.40 * side * rng.uniform(0.985, 1.015), rng.uniform(-6.0, 6.0))

    def at(self, angle: float, distance: float) -> tuple[int, int]:
        """A point by its angle in degrees and its distance as a share of the radius."""
        turn = np.deg2rad(angle + self.angle)
        return (
            round(self.x + distance * self.radius * float(np.cos(turn))),
            round(self.y + distance * self.radius * float(np.sin(turn))),
        )


def _metal(rng: np.random.Generator, pose: _Pose, side: int) -> np.ndarray:
    """The part without its defect, float32 (side, side, 3)."""
    columns, rows = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    across, down = columns - pose.x, rows - pose.y
    distance = np.hypot(across, down) / pose.radius
    angle = np.arctan2(down, across)
    rings = rng.normal(0.0, 1.0, 4096).astype(np.float32)
    turned = cv2.GaussianBlur(rings[None], (0, 0), 1.2)[0] * 9.0
    lathe = turned[np.clip(distance * 900, 0, 4095).astype(int)]
    sheen = 16.0 * np.cos(2 * (angle - np.deg2rad(35 + pose.angle))) * np.clip(distance, 0, 1)
    light = rng.uniform(0.94, 1.06) * (1.0 + 0.08 * (across + down) / side)
    face = (158.0 + lathe + sheen) * light
    face = np.where(distance > 0.80, face * 0.86 + 8, face)  # the outer step
    face -= 45.0 * np.exp(-(((distance - 0.80) / 0.012) ** 2)) - 30.0 * np.exp(-(((distance - 0.965) / 0.014) ** 2))
    ground = 34.0 + 6.0 * cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 3)
    shadow = 1.0 - 0.55 * np.exp(-(np.maximum(np.hypot(across - 9, down - 12) / pose.radius - 0.98, 0) / 0.05))
    edge = np.clip((1.0 - distance) * pose.radius, 0, 1)
    grey = edge * face + (1 - edge) * ground * shadow
    grey = _hole(grey, pose.at(0, 0), 0.24 * pose.radius, columns, rows)
    for number in range(6):
        grey = _hole(grey, pose.at(60 * number + 15, 0.58), 0.085 * pose.radius, columns, rows)
    return grey[..., None] * np.array([0.97, 1.0, 1.04], dtype=np.float32)


def _hole(
    grey: np.ndarray, centre: tuple[int, int], radius: float, columns: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    distance = np.hypot(columns - centre[0], rows - centre[1])
    inside = np.clip(radius - distance, 0, 1)
    rim = np.exp(-(((distance - radius * 1.06) / (0.05 * radius + 1.5)) ** 2))
    lit = np.where(rows < centre[1], -26.0, 30.0)
    holed: np.ndarray = (1 - inside) * (grey + rim * lit) + inside * (22.0 + 10.0 * (rows - centre[1]) / radius)
    return holed


def _spot_on_face(pose: _Pose, rng: np.random.Generator) -> tuple[int, int]:
    """Somewhere on the flat ring between the holes."""
    number = int(rng.integers(6))
    return pose.at(60 * number + 45 + rng.uniform(-12, 12), rng.uniform(0.40, 0.72))


def _scratch(canvas: np.ndarray, pose: _Pose, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A thin bright line with a dark edge, a little bent."""
    side = canvas.shape[0]
    start = np.array(_spot_on_face(pose, rng), dtype=np.float64)
    turn, bend, length = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5), rng.uniform(0.10, 0.22) * side
    steps = np.linspace(-0.5, 0.5, 40)
    points = start + length * np.stack(
        [steps * np.cos(turn + bend * steps), steps * np.sin(turn + bend * steps)], axis=1
    )
    line = np.zeros((side, side), dtype=np.float32)
    width = int(rng.integers(2, 5))
    cv2.polylines(line, [np.round(points * 8).astype(np.int32)], False, 1.0, width, cv2.LINE_AA, shift=3)
    dark = np.roll(line, (2, 2), axis=(0, 1))
    strength = rng.uniform(35.0, 80.0)
    return canvas + (strength * line - 0.7 * strength * dark * (1 - line))[..., None], np.maximum(line, dark * 0.6)


def _stain(canvas: np.ndarray, pose: _Pose, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A brownish patch with a soft, ragged edge."""
    side = canvas.shape[0]
    x, y = _spot_on_face(pose, rng)
    columns, rows = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    ragged = cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 6) * 3.0
    distance = np.hypot(columns - x, (rows - y) * rng.uniform(0.8, 1.3)) / (rng.uniform(0.022, 0.045) * side)
    patch = np.clip(1.6 - distance + ragged, 0, 1)
    patch[distance > 2.2] = 0
    tint = np.array([-38.0, -52.0, -66.0], dtype=np.float32) * rng.uniform(0.7, 1.2)
    return canvas + patch[..., None] * tint, patch


def _dent(canvas: np.ndarray, pose: _Pose, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A chip out of the rim: the ground shows, with a bright broken edge."""
    side = canvas.shape[0]
    x, y = pose.at(rng.uniform(0, 360), rng.uniform(0.97, 1.0))
    radius = rng.uniform(0.025, 0.05) * side
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    reach = radius * rng.uniform(0.7, 1.25, 12)
    outline = np.stack([x + reach * np.cos(turns), y + reach * np.sin(turns)], axis=1)
    chip = np.zeros((side, side), dtype=np.float32)
    cv2.fillPoly(chip, [np.round(outline * 8).astype(np.int32)], 1.0, cv2.LINE_AA, shift=3)
    columns, rows = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))
    part = np.hypot(columns - pose.x, rows - pose.y) < pose.radius
    chip *= part
    edge = (cv2.dilate(chip, np.ones((5, 5), dtype=np.uint8)) - chip) * part
    hurt = canvas * (1 - chip[..., None]) + chip[..., None] * 40.0 + edge[..., None] * 45.0
    return hurt, np.maximum(chip, edge)


DEFECTS: dict[str, Callable[[np.ndarray, _Pose, np.random.Generator], tuple[np.ndarray, np.ndarray]]] = {
    "scratch": _scratch,
    "stain": _stain,
    "dent": _dent,
}


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    if not cv2.imwrite(str(path), stored):
        raise OSError(f"{path} cannot be written: free some space or mend the folder's rights")
