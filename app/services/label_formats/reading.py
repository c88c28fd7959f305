"""Label files as the reader process opens them, and their records on the way to the process that asked."""

import json
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.services.errors import Refused, shortly
from app.services.label_formats import coco, cvat, labelstudio
from app.services.label_formats.record import MAX_PIXELS, LabelRecord, Remark
from app.services.zips import BROKEN, parts_of, refusal_of, silent
from storage.models import Verdict

KINDS = ("bool", "uint8", "uint16", "int32")
READERS = {"coco": coco.read, "coco-polygons": coco.read, "cvat": cvat.read, "labelstudio": labelstudio.read}


SUFFIXES = {"coco": ".json", "coco-polygons": ".json", "cvat": ".xml", "labelstudio": ".json"}
MAX_LABELS = 512 * 2**20  # bytes of a file of labels, in a zip or not


def decoded(path: Path, format: str) -> Iterator[tuple[dict[str, Any], list[bytes]]]:
    """Each record and remark as JSON and bytes, one at a time: masks of many parts never stand side by side.

    Raises:
        Refused: nothing of the file can be read.
    """
    for data in _files(path, SUFFIXES[format]):
        for read in READERS[format](data):
            if isinstance(read, Remark):
                read = replace(read, text=shortly(read.text))
            arrays: list[bytes] = []
            kind = "remark" if isinstance(read, Remark) else "record"
            yield (
                {"kind": kind, **{each.name: _plain(getattr(read, each.name), arrays) for each in fields(read)}},
                arrays,
            )


def _files(path: Path, suffix: str) -> Iterator[bytes]:
    """The file itself, or those of a zip that have the format's suffix: as the tools pack them."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield _whole(file.read(MAX_LABELS + 1), path.name)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            named = [info for info in archive.infolist() if info.filename.lower().endswith(suffix)]
            named = [info for info in named if not silent(parts_of(info.filename))]
            if not named:
                raise Refused(f"{path.name} is a zip without a {suffix} file: give what the tool exported")
            for info in named:
                if (reason := refusal_of(info)) is not None:
                    raise Refused(f"{info.filename} in {path.name} {reason}")
                with archive.open(info) as entry:
                    yield _whole(entry.read(MAX_LABELS + 1), info.filename)
    except BROKEN as error:
        raise Refused(f"{path.name} is no readable zip ({error}): pack it again") from error


def _whole(data: bytes, name: str) -> bytes:
    if len(data) > MAX_LABELS:
        raise Refused(f"{name} is larger than {MAX_LABELS // 2**20} MiB: export the labels in parts")
    return data


@dataclass(frozen=True)
class Packed:
    """A record that has come over; small until it is opened."""

    facts: dict[str, Any]
    body: bytes

    def opened(self) -> LabelRecord | Remark:
        """Raises ValueError when the bytes are not what the facts say."""
        kind = Remark if self.facts["kind"] == "remark" else LabelRecord
        return kind(**{name: _back(value, self.body) for name, value in self.facts.items() if name != "kind"})


def _plain(value: Any, arrays: list[bytes]) -> Any:
    """A value as JSON knows it; an array becomes a note of where its bytes are."""
    if isinstance(value, np.ndarray):
        start = sum(map(len, arrays))
        arrays.append(zlib.compress(np.ascontiguousarray(value).tobytes(), 1))
        return {"dtype": value.dtype.name, "shape": list(value.shape), "at": start, "length": len(arrays[-1])}
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # half a character is shown, and matches nothing
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
