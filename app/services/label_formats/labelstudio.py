"""Label Studio (JSON): brush labels in its own run-length code, the verdict as a choice."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.raster import corners, ellipse, inside, turned
from app.services.label_formats.record import BROKEN, LabelRecord, Marks, Remark, Unread, sized
from app.services.pictures import SUFFIXES
from storage.models import Verdict
from storage.type_names import UNTYPED, type_name

SHAPES = ("brush", "rectangle", "polygon", "ellipse")
LENGTHS = (3, 4, 8, 16)  # bits of a run's length; ours are all of the last
LONGEST = 2 ** LENGTHS[-1]


def write(records: list[LabelRecord]) -> bytes:
    """A list of tasks with one annotation each; the image's hash rides in the task's data."""
    return json.dumps([_task(record) for record in records]).encode()


def read(data: bytes) -> Iterator[LabelRecord | Remark]:
    """Labels of a Label Studio export, a task at a time.

    Of several annotations of a task the ground truth counts, or else the latest; cancelled ones never do.

    Raises:
        Refused: not such a file.
    """
    try:
        tasks = json.loads(data)
        if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
            raise ValueError("it is no list of tasks")
    except BROKEN as error:
        raise Refused(f"this is no Label Studio export ({type(error).__name__}: {error}): export it as JSON") from error
    if tasks and not any("data" in task for task in tasks):
        raise Refused("this is no Label Studio export of whole tasks (JSON-MIN?): export it as JSON")
    for place, task in enumerate(tasks, start=1):
        yield from _task_read(task, f"task {task['id']!r:.40}" if "id" in task else f"task no. {place}")


def encode(mask: np.ndarray) -> list[int]:
    """Label Studio's run-length code of a mask: each pixel as four equal bytes, in runs."""
    flat = mask.ravel()
    edges = np.concatenate([[0], np.flatnonzero(np.diff(flat.astype(np.int8))) + 1, [flat.size]])
    bits = [f"{4 * flat.size:032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in LENGTHS)]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        value, left = f"{255 if flat[start] else 0:08b}", 4 * (end - start)
        while left:
            part = min(left, LONGEST)
            bits.append(f"111{part - 1:016b}{value}")  # a run, of the longest kind of length
            left -= part
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def decode(code: list[int], width: int, height: int) -> np.ndarray:
    """The mask of a code, bool (H, W): marked where the last of a pixel's four bytes is more than half.

    Raises:
        Unread: it is of another size than the image, or ends too soon.
    """
    bits = np.unpackbits(np.array(code, dtype=np.uint8))
    at = 0

    def take(count: int) -> int:
        nonlocal at
        part = bits[at : at + count]
        if part.size < count:
            raise Unread("is a brush whose code ends too soon")
        at += count
        return int("".join(map(str, part.tolist())), 2)

    size, word = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in LENGTHS]
    if size != 4 * width * height:
        raise Unread(f"is a brush of {size // 4} pixels and its image is {width}x{height}")
    out = np.zeros(size, dtype=np.uint8)
    done = 0
    while done < size:
        is_run = take(1)
        end = done + 1 + take(lengths[take(2)])
        out[done:end] = take(word) if is_run else [take(word) for _ in range(end - done)]
        done = end
    return out[3::4].reshape(height, width) > 127


def _task(record: LabelRecord) -> dict[str, Any]:
    size = {"original_width": record.width, "original_height": record.height, "image_rotation": 0, "to_name": "image"}
    assert record.verdict is not None
    choice = {"choices": [record.verdict.value], "type": record.defect_type}
    result: list[dict[str, Any]] = [{**size, "type": "choices", "from_name": "verdict", "value": choice}]
    for name, mask in record.layers:
        value = {"format": "rle", "rle": encode(mask), "brushlabels": [name]}
        result.append({**size, "type": "brushlabels", "from_name": "tag", "value": value})
    return {"data": {"image": record.name, "sha256": record.sha256}, "annotations": [{"result": result}]}


def _task_read(task: dict[str, Any], item: str) -> Iterator[LabelRecord | Remark]:
    data = task.get("data")
    name = _image_of(data) if isinstance(data, dict) else None
    if name is None:
        yield Remark("", item, "names no image in its data")
        return
    marks, record = Marks(name), None
    with marks.item(""):
        sha256 = data.get("sha256") or "" if isinstance(data, dict) else ""
        if not isinstance(sha256, str):
            raise Unread(f"has the hash {sha256!r:.40}: it is a text of 64 digits")
        chosen = _chosen(task.get("annotations") or [], marks)
        rows = chosen["result"] if chosen is not None else []
        if not all(isinstance(row, dict) for row in rows):
            raise Unread("has a result that is no list of regions")
        size, own = _gather(rows, marks)
        record = marks.record(sha256, *(size or (0, 0)), own=own)
    yield from marks.remarks
    yield record or marks.lost()


def _image_of(data: dict[str, Any]) -> str | None:
    """The image's name: its usual key, or else the one text of the task that names an image."""
    if isinstance(usual := data.get("image"), str) and usual:
        return usual
    named = [each for each in data.values() if isinstance(each, str) and each.lower().endswith(SUFFIXES)]
    return named[0] if len(named) == 1 else None


def _chosen(annotations: list[dict[str, Any]], marks: Marks) -> dict[str, Any] | None:
    """The annotation that counts; None of none."""
    kept = [each for each in annotations if not each.get("was_cancelled")]
    if annotations and not kept:
        marks.leave_out("", "has only annotations that were cancelled")
    truths = [each for each in kept if each.get("ground_truth")]
    places = list(enumerate(truths or kept))
    places.sort(key=lambda each: (str(each[1].get("updated_at") or each[1].get("created_at") or ""), each[0]))
    if not places:
        return None
    chosen = places[-1][1]
    if len(kept) > 1:
        why = "it is the ground truth" if truths else "it is the latest"
        marks.note(f"annotation {chosen.get('id', '?')!r:.40}", f"is taken of {len(kept)}: {why}")
    return chosen


def _gather(rows: list[dict[str, Any]], marks: Marks) -> tuple[tuple[int, int] | None, str | None]:
    """Into `marks` what the rows of a result say; (the image's size in the file, the label's own type if told)."""
    labels = {row.get("id"): row["value"].get("labels") for row in rows if row.get("type") == "labels"}
    size: tuple[int, int] | None = None
    own: str | None = None
    for place, row in enumerate(rows, start=1):
        kind = str(row.get("type"))
        with marks.item(f"{kind} {row['id']!r:.40}" if "id" in row else f"{kind} no. {place}"):
            shape = kind.removesuffix("labels")
            if kind == "labels":
                if not any(other.get("id") == row.get("id") for other in rows if other is not row):
                    raise Unread("labels a region that the file does not have")
            elif kind == "choices":
                own = _choose(row["value"], marks) or own
                if "original_width" in row:
                    size = _shared(size, row)
            elif shape in SHAPES:
                given = row["value"].get(kind) if kind != shape else labels.get(row.get("id"), [UNTYPED])
                size = _region(row, shape, given, size, marks)
            else:
                raise Unread(f"is a {kind}, which is not read: {', '.join(SHAPES)} and choices are")
    return size, own


def _choose(value: dict[str, Any], marks: Marks) -> str | None:
    """A choice for the whole image; (our own files') type beside it."""
    ours = "type" in value
    for word in value["choices"]:
        if ours:
            marks.say(Verdict(word))
        else:
            marks.tag(word)
    return type_name(value["type"]) if ours and value["type"] is not None else None


def _region(
    row: dict[str, Any], shape: str, given: Any, size: tuple[int, int] | None, marks: Marks
) -> tuple[int, int] | None:
    """Into `marks` what one region marks, under each of its labels; the image's size, which all regions share."""
    here = _shared(size, row)
    if row.get("image_rotation"):
        raise Unread(f"is drawn on the image turned by {row['image_rotation']} degrees, which is not read")
    if not given or not isinstance(given, list):
        raise Unread("has no label")
    mask = _drawn(row["value"], shape, *here)
    for name in given:
        marks.mark(name, mask)
    return here


def _shared(size: tuple[int, int] | None, row: dict[str, Any]) -> tuple[int, int]:
    """The image's size in a row. Raises Unread when it is another than in the rows before it."""
    here = sized(row.get("original_width"), row.get("original_height"))
    if size is not None and size != here:
        raise Unread(f"is of an image of {here[0]}x{here[1]}, the ones before it of {size[0]}x{size[1]}")
    return here


def _drawn(value: dict[str, Any], shape: str, width: int, height: int) -> np.ndarray:
    if shape == "brush":
        if value.get("format", "rle") != "rle":
            raise Unread(f"is a brush in the format {value['format']!r:.20}: rle is read")
        return decode(value["rle"], width, height)
    whole = np.array([width, height]) / 100  # everything else is given in percent of the image
    if shape == "polygon":
        return inside(np.array(value["points"], dtype=float) * whole, width, height)
    x, y = (float(value["x"]), float(value["y"])) * whole
    if shape == "ellipse":
        radii = (float(value["radiusX"]), float(value["radiusY"])) * whole
        return ellipse((x, y), (radii[0], radii[1]), value.get("rotation") or 0, width, height)
    wide, high = (float(value["width"]), float(value["height"])) * whole
    return inside(turned(corners(x, y, x + wide, y + high), (x, y), value.get("rotation") or 0), width, height)
