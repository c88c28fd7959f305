"""Label files as the reader process opens them, and their records on the way to the process that asked."""

import json
import math
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from app.services.label_formats import coco, cvat, labelstudio, tree
from app.services.label_formats.record import MAX_PIXELS, LabelRecord
from storage.models import Verdict

KINDS = ("bool", "uint8", "uint16", "int32")
READERS = {"coco": coco.read, "coco-polygons": coco.read, "cvat": cvat.read, "labelstudio": labelstudio.read}


def decoded(path: Path, format: str) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    """Each record of a file or tree as JSON and bytes, one at a time: masks of many parts never stand side by side."""
    records: Iterable[LabelRecord] = tree.read(path) if format == "mvtec" else READERS[format](path.read_bytes())
    for record in records:
        arrays: list[bytes] = []
        yield {field.name: _plain(getattr(record, field.name), arrays) for field in fields(record)}, arrays


@dataclass(frozen=True)
class Packed:
    """A record that has come over; small until it is opened."""

    facts: dict[str, Any]
    body: bytes

    def record(self) -> LabelRecord:
        """Raises ValueError when the bytes are not what the facts say."""
        return LabelRecord(**{name: _back(value, self.body) for name, value in self.facts.items()})


def _plain(value: Any, arrays: list[bytes]) -> Any:
    """A value as JSON knows it; an array becomes a note of where its bytes are."""
    if isinstance(value, np.ndarray):
        start = sum(map(len, arrays))
        arrays.append(zlib.compress(np.ascontiguousarray(value).tobytes(), 1))
        return {"dtype": value.dtype.name, "shape": list(value.shape), "at": start, "length": len(arrays[-1])}
    if isinstance(value, Verdict):
        return {"verdict": value.value}
    if isinstance(value, dict):
        return {"items": [[key, _plain(item, arrays)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays) for item in value]
    json.dumps(value)  # what JSON does not know fails here, where it can be mended
    return value


def _back(value: Any, body: bytes) -> Any:
    if isinstance(value, list):
        return [_back(item, body) for item in value]
    if not isinstance(value, dict):
        return value
    if "items" in value:
        return {key: _back(item, body) for key, item in value["items"]}
    if "verdict" in value:
        return Verdict(value["verdict"])
    kind, shape = value["dtype"], tuple(value["shape"])
    if kind not in KINDS or math.prod(shape) > MAX_PIXELS:
        raise ValueError(f"an array of {kind} {shape} is no mask")
    size = math.prod(shape) * np.dtype(kind).itemsize
    data = zlib.decompressobj().decompress(body[value["at"] : value["at"] + value["length"]], size)
    return np.frombuffer(data, kind).reshape(shape)
