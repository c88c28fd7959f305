"""COCO: one segmentation per label, as run lengths or as polygons. Both keep every pixel."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.raster import corners, from_runs, inside, runs_of
from app.services.label_formats.record import BROKEN, LabelRecord, Marks, Remark, Unread, sized
from storage.models import Verdict
from storage.type_names import DONT_CARE, type_name

Shape = Literal["rle", "polygons"]


def write(records: list[LabelRecord], *, shape: Shape) -> bytes:
    """A COCO file; verdict and hash ride as extra keys of the image, which other readers pass over."""
    names = sorted({name for record in records for name, _ in record.layers} | {DONT_CARE})
    numbers = {name: number for number, name in enumerate(names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, record in enumerate(records, start=1):
        assert record.verdict is not None
        facts = {"width": record.width, "height": record.height, "sha256": record.sha256}
        said = {"verdict": record.verdict.value, "defect_type": record.defect_type}
        images.append({"id": number, "file_name": record.name, **facts, **said})
        for name, mask in record.layers:
            annotations.append(_annotation(len(annotations) + 1, number, numbers[name], mask, shape))
    categories = [{"id": number, "name": name} for name, number in numbers.items()]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}).encode()


def read(data: bytes) -> Iterator[LabelRecord | Remark]:
    """Labels of a COCO file; an image with a segmentation is a defect unless the file says otherwise.

    Raises:
        Refused: not a COCO file.
    """
    images, rows, names = _content(data)
    by_image: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    counts = Counter(_key(image.get("id")) for image in images)
    for place, row in enumerate(rows, start=1):
        item = f"annotation {row['id']!r:.40}" if isinstance(row, dict) and "id" in row else f"annotation no. {place}"
        of = _key(row.get("image_id")) if isinstance(row, dict) else None
        if of is None or of not in counts:
            yield Remark("", item, "is of an image that the file does not list" if of else "names no image")
        else:
            by_image.setdefault(of, []).append((item, row))
    for image in images:
        key, name = _key(image.get("id")), image.get("file_name")
        if not isinstance(name, str) or not name:
            yield Remark("", f"image {image.get('id')!r:.40}", "has no file_name")
        elif key is None or counts[key] > 1:
            why = f"shares its id {key} with another image: which annotations are whose?" if key else "has no id"
            yield Remark(name, "", why)
        else:
            yield from _image(name, image, by_image.get(key, []), names)


def _content(data: bytes) -> tuple[list[dict[str, Any]], list[Any], dict[str, Any]]:
    """(images, annotations, names of the categories by their ids)."""
    try:
        content = json.loads(data)
        images, rows, categories = (content[name] for name in ("images", "annotations", "categories"))
        if not all(isinstance(each, list) for each in (images, rows, categories)):
            raise ValueError("images, annotations and categories are no lists")
        if not all(isinstance(each, dict) for each in [*images, *categories]):
            raise ValueError("an image or a category is no object")
    except BROKEN as error:
        raise Refused(
            f"this is no COCO file ({type(error).__name__}: {error}): it needs images, annotations, categories"
        ) from error
    return images, rows, {key: row.get("name") for row in categories if (key := _key(row.get("id"))) is not None}


def _key(given: object) -> str | None:
    """An id as it is compared: some tools write their numbers as texts in one place and not in another."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    return str(int(given)) if isinstance(given, float) and given.is_integer() else str(given).strip() or None


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


def _image(
    name: str, image: dict[str, Any], rows: list[tuple[str, dict[str, Any]]], names: dict[str, Any]
) -> Iterator[LabelRecord | Remark]:
    marks, record = Marks(name), None
    with marks.item(""):
        size = sized(image["width"], image["height"]) if "width" in image or "height" in image else None
        sha256, own = image.get("sha256") or "", image.get("defect_type")
        if not isinstance(sha256, str):
            raise Unread(f"has the hash {sha256!r:.40}: it is a text of 64 digits")
        if "verdict" in image:
            marks.say(Verdict(image["verdict"]))
        for item, row in rows:
            with marks.item(item):
                if (category := _key(row.get("category_id"))) not in names:
                    raise Unread(f"is of category {row.get('category_id')!r:.40}, which the file does not list")
                mask = _mask(row, size)
                size = size or mask.shape[::-1]
                marks.mark(names[category], mask)
        record = marks.record(sha256, *(size or (0, 0)), own=None if own is None else type_name(own))
    yield from marks.remarks
    yield record or marks.lost()


def _mask(row: dict[str, Any], size: tuple[int, int] | None) -> np.ndarray:
    """What an annotation marks; runs tell their size themselves, and it has to be the image's."""
    shape = row["segmentation"] if "segmentation" in row else _box(row["bbox"])
    if isinstance(shape, dict):
        height, width = (int(side) for side in shape["size"])
        if size is not None and size != (width, height):
            raise Unread(f"is a mask of {width}x{height} and its image is {size[0]}x{size[1]} in the file")
        sized(width, height)
        counts = shape["counts"]
        if isinstance(counts, str) and counts.startswith("b'"):
            raise Unread("has its counts as bytes written as a text (b'…'): decode them before they are written")
        runs = unpacked(counts) if isinstance(counts, str) else [int(run) for run in counts]
        return from_runs(runs, width * height).reshape((height, width), order="F")
    if not shape or not isinstance(shape, list):
        raise Unread("has an empty segmentation")
    if size is None:
        raise Unread("is drawn on an image whose width and height the file does not tell")
    polygons: list[Any] = shape if isinstance(shape[0], list) else [shape]
    return np.logical_or.reduce([inside(_points(flat), *size) for flat in polygons])


def _points(flat: list[float]) -> np.ndarray:
    if len(flat) % 2:
        raise Unread(f"has a polygon of {len(flat)} numbers, and each corner has two")
    return np.array(flat, dtype=float).reshape(-1, 2)


def _box(box: list[float]) -> list[list[float]]:
    left, top, width, height = box
    return [corners(left, top, left + width, top + height).ravel().tolist()]


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
