"""Label Studio (JSON): brush labels in its own run-length code, the verdict as a choice."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.record import DONT_CARE, LabelRecord, joined, own_type, sized, typed_of
from storage.models import Verdict

LENGTHS = (3, 4, 8, 16)  # bits of a run's length; ours are all of the last
BROKEN = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError)
LONGEST = 2 ** LENGTHS[-1]


def write(records: list[LabelRecord]) -> bytes:
    """A list of tasks with one annotation each; the image's hash rides in the task's data."""
    return json.dumps([_task(record) for record in records]).encode()


def read(data: bytes) -> Iterator[LabelRecord]:
    """Labels of a Label Studio export; tasks without an annotation are left out, the last annotation of each counts.

    Raises:
        Refused: not such a file.
    """
    try:
        tasks = json.loads(data)
        for task in tasks:
            if task.get("annotations"):
                yield _record(task)
    except BROKEN as error:
        raise Refused(f"this is no Label Studio export ({type(error).__name__}: {error}): export it as JSON") from error


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
        ValueError: it is of another size than the image.
    """
    bits = np.unpackbits(np.array(code, dtype=np.uint8))
    at = 0

    def take(count: int) -> int:
        nonlocal at
        part = bits[at : at + count]
        if part.size < count:
            raise ValueError("a brush's code ends too soon")
        at += count
        return int("".join(map(str, part.tolist())), 2)

    size, word = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in LENGTHS]
    if size != 4 * width * height:
        raise ValueError(f"a brush has {size // 4} pixels, its image {width}x{height}")
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
    choice = {"choices": [record.verdict.value], "type": record.defect_type}
    result: list[dict[str, Any]] = [{**size, "type": "choices", "from_name": "verdict", "value": choice}]
    for name, mask in record.layers:
        value = {"format": "rle", "rle": encode(mask), "brushlabels": [name]}
        result.append({**size, "type": "brushlabels", "from_name": "tag", "value": value})
    return {"data": {"image": record.name, "sha256": record.sha256}, "annotations": [{"result": result}]}


def _record(task: dict[str, Any]) -> LabelRecord:
    result = task["annotations"][-1]["result"]
    width, height = sized(int(result[0]["original_width"]), int(result[0]["original_height"]))
    choice: dict[str, Any] = next((row["value"] for row in result if row["type"] == "choices"), {})
    brushes = [
        (row["value"]["brushlabels"][0], decode(row["value"]["rle"], width, height))
        for row in result
        if row["type"] == "brushlabels"
    ]
    own = choice["type"] if "type" in choice else own_type([name for name, _ in brushes])
    verdict = Verdict(choice["choices"][0]) if choice else Verdict.defect if brushes else Verdict.normal
    return LabelRecord(
        str(task["data"]["image"]),
        str(task["data"].get("sha256", "")),
        width,
        height,
        verdict,
        own,
        joined([mask for name, mask in brushes if name != DONT_CARE]),
        joined([mask for name, mask in brushes if name == DONT_CARE]),
        typed_of(brushes, own),
    )
