"""Score a folder of files that are in no project, with a project's version: `bgad-inspect score`."""

import csv
import io
import json
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.services.cells import inert
from app.services.context import Context
from app.services.errors import Refused
from app.services.guard import guard
from app.services.heat import Scale, painted
from app.services.layout import NOT_AN_IMAGE, Refusal
from app.services.outfile import write_out
from app.services.pictures import BadPicture
from app.services.sources import Entry, opened
from app.worker.score import load_version, part_boundary
from bgad_core.model import BGAD
from bgad_core.scoring import ImageScore, score_files
from storage.models import Version

CHUNK = 32
LONGEST = 200  # bytes of a heatmap's name; file systems take 255, and a file that is being written has a longer one


@dataclass(frozen=True)
class FolderReport:
    """What `score_folder` wrote: how many images, which files were refused, and which scored images have no heatmap."""

    scored: int
    refused: list[Refusal]
    unpainted: list[Refusal]
    version: int


def score_folder(
    context: Context,
    version: Version,
    source: Path,
    out: Path,
    *,
    heatmaps: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FolderReport:
    """Score every image of a folder or zip with a version, and write `out` (.csv or .json).

    Raises:
        Refused: nothing to read, or `out` cannot be written.
    """
    model = load_version(context, version)
    if heatmaps is not None:
        heatmaps.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    unpainted: list[Refusal] = []
    with opened(source) as entries:
        images = [entry for entry in entries if entry.is_image]
        refused = [Refusal(entry.name, NOT_AN_IMAGE) for entry in entries if not entry.is_image]
        if not images:
            raise Refused(f"{source} holds no image: give a folder or a zip of images")
        for entry, picture, result in _results(model, images, refused, progress):
            rows.append({"name": entry.name, **_figures(result), "version": version.number})
            if heatmaps is not None:
                try:
                    _write_heatmap(heatmaps / f"{_flat(entry.name)}.png", picture, result, model)
                except Refused as why:  # its score stands, and the others go on
                    unpainted.append(Refusal(entry.name, str(why)))
    _write(out, model, version, rows, refused)
    return FolderReport(len(rows), refused, unpainted, version.number)


def _results(
    model: BGAD, images: list[Entry], refused: list[Refusal], progress: Callable[[int, int], None]
) -> Iterator[tuple[Entry, Path, ImageScore]]:
    """Scores in the order of `images`; each goes through the same decoding as an ingest, so it scores the same."""
    for start in range(0, len(images), CHUNK):
        with tempfile.TemporaryDirectory(prefix="bgad-score-") as folder:
            ready: list[tuple[Entry, Path]] = []
            for number, entry in enumerate(images[start : start + CHUNK]):
                path = Path(folder) / f"{number}.png"
                try:
                    path.write_bytes(guard().picture(entry.read()).png)
                    ready.append((entry, path))
                except BadPicture as bad:
                    refused.append(Refusal(entry.name, str(bad)))
            paths = [path for _, path in ready]
            scored = score_files(model, paths, batch_size=16, should_stop=lambda: False, progress=lambda *_: None)
            for (entry, path), result in zip(ready, scored, strict=True):
                yield entry, path, result
        progress(min(start + CHUNK, len(images)), len(images))


def _figures(result: ImageScore) -> dict[str, Any]:
    return {"score": float(result.score), "standing": result.standing, "lowest_log_p": float(result.lowest)}


def _write(out: Path, model: BGAD, version: Version, rows: list[dict[str, Any]], refused: list[Refusal]) -> None:
    """Whole or not at all. A CSV names what was refused in its last column."""
    file = io.StringIO(newline="")
    if out.suffix.lower() == ".json":
        boundary = part_boundary(model)
        content = {
            "version": version.number,
            "b_n": boundary.b_n,
            "b_a": boundary.b_a,
            "images": rows,
            "refused": [vars(refusal) for refusal in refused],
        }
        json.dump(content, file, indent=1)
    else:
        table = csv.DictWriter(file, ["name", "score", "standing", "lowest_log_p", "version", "refused"])
        table.writeheader()
        table.writerows({**row, "name": inert(row["name"])} for row in rows)
        table.writerows({"name": inert(refusal.name), "refused": refusal.reason} for refusal in refused)
    write_out(out, file.getvalue())


def _write_heatmap(path: Path, picture: Path, result: ImageScore, model: BGAD) -> None:
    """The image under its heat, on the scale that the label page uses."""
    boundary = part_boundary(model)
    image = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if image is None:
        raise Refused(f"{picture.name} vanished while it was scored: run it again")
    scale = Scale(boundary.median, boundary.b_n, boundary.b_a)
    heat = painted(result.fused.astype(np.float32), scale, (image.shape[1], image.shape[0]))
    opacity = heat[..., 3:] / 255.0
    done, data = cv2.imencode(".png", (image * (1 - opacity) + heat[..., :3] * opacity).astype(np.uint8))
    if not done:
        raise Refused(f"the heatmap of {picture.name} cannot be encoded ({image.shape[1]}x{image.shape[0]})")
    write_out(path, data.tobytes())


def _flat(name: str) -> str:
    """A file name of its own for every entry: folders become part of it, nothing leads anywhere."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name.replace("/", "__"))
    flat = safe.encode()[-LONGEST:].decode(errors="ignore").lstrip(".")
    return flat if flat == name else f"{flat}-{zlib.crc32(name.encode('utf-8', 'surrogateescape')):08x}"
