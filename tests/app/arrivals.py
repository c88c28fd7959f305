"""What is brought in: small pictures, masks, trees and zips, and what became of them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image as Pillow
from sqlalchemy import select

from app.services.context import Context
from storage import annotations
from storage.models import Annotation, Image


def png(seed: int, size=(64, 48), mode="RGB") -> bytes:
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    return encoded(Pillow.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)), "PNG")


def encoded(picture: Pillow.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def mask(size=(64, 48), box=(10, 10, 20, 20)) -> bytes:
    picture = Pillow.new("L", size)
    picture.paste(255, box)
    return encoded(picture, "PNG")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tree() -> dict[str, bytes]:
    """A small MVTec-style category."""
    return {
        **{f"tile/train/good/{i:03d}.png": png(i) for i in range(4)},
        "tile/test/good/000.png": png(10),
        "tile/test/crack/000.png": png(11),
        "tile/test/crack/001.png": png(12),
        "tile/ground_truth/crack/000_mask.png": mask(),
        "tile/ground_truth/crack/001_mask.png": mask(box=(0, 0, 1, 1)),
    }


def rows(context: Context) -> dict[str, Image]:
    with context.database.read() as session:
        return {row.name: row for row in session.scalars(select(Image).order_by(Image.id))}


def label_of(context: Context, image: Image) -> Annotation | None:
    with context.database.read() as session:
        return annotations.current_annotation(session, image.id)


def reasons(report) -> dict[str, str]:
    return {refusal.name: refusal.reason for refusal in report.refused}
