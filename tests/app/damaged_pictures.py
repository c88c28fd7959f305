"""Small pictures in every kind of file that is read, and the same files damaged as copies and disks damage them."""

import io

import numpy as np
from PIL import Image

KINDS = {
    "jpg": {"format": "JPEG", "quality": 92},
    "progressive.jpg": {"format": "JPEG", "quality": 92, "progressive": True},
    "restart.jpg": {"format": "JPEG", "quality": 92, "restart_marker_blocks": 4},
    "png": {"format": "PNG"},
    "bmp": {"format": "BMP"},
    "tif": {"format": "TIFF"},
    "lzw.tif": {"format": "TIFF", "compression": "tiff_lzw"},
    "deflate.tif": {"format": "TIFF", "compression": "tiff_adobe_deflate"},
    "jpeg.tif": {"format": "TIFF", "compression": "jpeg"},
    "webp": {"format": "WEBP", "quality": 92},
    "lossless.webp": {"format": "WEBP", "lossless": True},
}


def drawn(rng: np.random.Generator) -> Image.Image:
    """A shaded part with grain, 64 to 160 pixels a side."""
    height, width = rng.integers(64, 160, size=2)
    rows, columns = np.mgrid[:height, :width]
    shade = 110 + 60 * np.sin(columns / rng.uniform(5, 20)) * np.cos(rows / rng.uniform(5, 20))
    image = shade[..., None] + rng.normal(0, 6, (height, width, 3)) + rng.integers(-20, 20, 3)
    return Image.fromarray(image.clip(0, 255).astype(np.uint8))


def encoded_as(kind: str, picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, **KINDS[kind])
    return file.getvalue()


def cut(rng: np.random.Generator, data: bytes) -> bytes:
    return data[: int(len(data) * rng.uniform(0.2, 0.98))]


def ended_early(rng: np.random.Generator, data: bytes) -> bytes:
    return cut(rng, data) + b"\xff\xd9"


def zero_tail(rng: np.random.Generator, data: bytes) -> bytes:
    kept = cut(rng, data)
    return kept + bytes(len(data) - len(kept))


def hole(rng: np.random.Generator, data: bytes) -> bytes:
    start = int(len(data) * rng.uniform(0.2, 0.9))
    size = min(int(rng.integers(64, 600)), len(data) - start)
    return data[:start] + bytes(size) + data[start + size :]


def flipped(rng: np.random.Generator, data: bytes) -> bytes:
    wrong = bytearray(data)
    for at in rng.integers(len(data) // 5, len(data), size=int(rng.integers(1, 4))):
        wrong[at] ^= 1 << int(rng.integers(8))
    return bytes(wrong)


DAMAGES = {"cut": cut, "ended early": ended_early, "zero tail": zero_tail, "hole": hole, "flipped": flipped}
