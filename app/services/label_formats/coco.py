"""COCO: one segmentation per label, as run lengths or as polygons. Both keep every pixel."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.record import (
    DONT_CARE,
    LabelRecord,
    from_runs,
    inside,
    joined,
    own_type,
    runs_of,
    sized,
    typed_of,
)
from storage.models import Verdict

Shape = Literal["rle", "polygons"]


def write(records: list[LabelRecord], *, shape: Shape) -> bytes:
    """A COCO file; verdict and hash ride as extra keys of the image, which other readers pass over."""
    names = sorted({name for record in records for name, _ in record.layers} | {DONT_CARE})
    numbers = {name: number for number, name in enumerate(names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, record in enumerate(records, start=1):
        facts = {"width": record.width, "height": record.height, "sha256": record.sha256}
        said = {"verdict": record.verdict.value, "defect_type": record.defect_type}
        images.append({"id": number, "file_name": record.name, **facts, **said})
        for name, mask in record.layers:
            annotations.append(_annotation(len(annotations) + 1, number, numbers[name], mask, shape))
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


def read(data: bytes) -> Iterator[LabelRecord]:
    """Labels of a COCO file; an image with a segmentation is a defect unless the file says otherwise.

    Raises:
        Refused: not a COCO file.
    """
    try:
        content = json.loads(data)
        names = {row["id"]: str(row["name"]) for row in content["categories"]}
        by_image: dict[Any, list[dict[str, Any]]] = {}
        for row in content["annotations"]:
            by_image.setdefault(row["image_id"], []).append(row)
        for image in content["images"]:
            yield _record(image, by_image.get(image["id"], []), names)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused(
            f"this is no COCO file ({type(error).__name__}: {error}): it needs images, annotations, categories"
        ) from error


def _annotation(number: int, image: int, category: int, mask: np.ndarray, shape: Shape) -> dict[str, Any]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = [int(columns[0]), int(rows[0]), int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1]
    facts = {"id": number, "image_id": image, "category_id": category, "area": int(mask.sum()), "bbox": box}
    if shape == "rle":
        runs = {"size": list(mask.shape), "counts": runs_of(mask.ravel(order="F"))}
        return {**facts, "iscrowd": 1, "segmentation": runs}
    return {**facts, "iscrowd": 0, "segmentation": rectangles(mask)}


def rectangles(mask: np.ndarray) -> list[list[int]]:
    """A mask as rectangles with whole corners, [x, y, x, y, …], that do not overlap: COCO's polygons know no holes."""
    open_runs: dict[tuple[int, int], int] = {}
    found: list[list[int]] = []
    for row in range(mask.shape[0] + 1):
        line = mask[row] if row < mask.shape[0] else np.zeros(mask.shape[1], dtype=bool)
        ends = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(np.int8), [0]])))
        runs = {(int(a), int(b)) for a, b in zip(ends[::2], ends[1::2], strict=True)}
        for run in [run for run in open_runs if run not in runs]:
            (left, right), top = run, open_runs.pop(run)
            found.append([left, top, right, top, right, row, left, row])
        open_runs |= {run: row for run in runs if run not in open_runs}
    return found


def _record(image: dict[str, Any], rows: list[dict[str, Any]], names: dict[Any, str]) -> LabelRecord:
    width, height = sized(int(image["width"]), int(image["height"]))
    marked = [(names[row["category_id"]], _mask(row["segmentation"], width, height)) for row in rows]
    own = image["defect_type"] if "defect_type" in image else own_type([name for name, _ in marked])
    verdict = Verdict(image["verdict"]) if "verdict" in image else Verdict.defect if marked else Verdict.normal
    return LabelRecord(
        str(image["file_name"]),
        str(image.get("sha256", "")),
        width,
        height,
        verdict,
        own,
        joined([mask for name, mask in marked if name != DONT_CARE]),
        joined([mask for name, mask in marked if name == DONT_CARE]),
        typed_of(marked, own),
    )


def _mask(segmentation: Any, width: int, height: int) -> np.ndarray:
    if isinstance(segmentation, list):
        shapes = [inside(np.array(flat, dtype=float).reshape(-1, 2), width, height) for flat in segmentation]
        return np.logical_or.reduce([*shapes, np.zeros((height, width), dtype=bool)])
    counts = segmentation["counts"]
    runs = unpacked(counts) if isinstance(counts, str) else [int(run) for run in counts]
    return from_runs(runs, width * height).reshape((height, width), order="F")


def unpacked(text: str) -> list[int]:
    """COCO's compressed run lengths: six-bit letters, little end first, each run less the one two before it."""
    runs: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            letter = ord(text[at]) - 48
            if shift > 40:
                raise ValueError("a run of more than 40 bits")
            value |= (letter & 31) << shift
            shift, at, more = shift + 5, at + 1, bool(letter & 32)
            if not more and letter & 16:
                value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
    return runs
