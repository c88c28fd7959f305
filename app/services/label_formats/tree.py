"""MVTec AD's tree: images by type, masks as 1-bit PNGs beside them. What it writes can be ingested again.

Where an image has several types, each has a mask of its own in a folder that MVTec's tree does not know.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from app.services.errors import Refused
from app.services.label_formats.record import UNTYPED, LabelRecord
from storage.images import slug_of
from storage.masks import decode_mask, encode_mask
from storage.models import Verdict

MASK, IGNORE, TYPES = "ground_truth", "dont_care", "types"


def write(records: list[LabelRecord], folder: Path, pixels: Callable[[LabelRecord], bytes]) -> None:
    """Write images and masks; `pixels` gives an image's PNG. Doubtful images go to test/unsure, which has no masks.

    The names of types become names of folders by their letters and digits alone; nothing given by a user is a path.
    """
    for number, record in enumerate(records, start=1):
        kind = "good" if record.verdict is Verdict.normal else _folder_of(record)
        split = "train" if record.verdict is Verdict.normal else "test"
        stem = f"{number:06d}"
        _put(folder / split / kind / f"{stem}.png", pixels(record))
        if record.mask is not None:
            _put(folder / MASK / kind / f"{stem}_mask.png", encode_mask(record.mask))
        if record.ignore is not None:
            _put(folder / IGNORE / kind / f"{stem}_mask.png", encode_mask(record.ignore))
        for name, mask in record.typed.items():
            _put(folder / TYPES / kind / stem / f"{slug_of(name) or UNTYPED}.png", encode_mask(mask))


def read(folder: Path) -> Iterator[LabelRecord]:
    """Labels of a tree, one by one.

    Raises:
        Refused: it holds no image where the tree has them.
    """
    found = sorted([*folder.glob("train/good/*.png"), *folder.glob("test/*/*.png")])
    if not found:
        raise Refused(f"{folder} has no train/good/*.png and no test/*/*.png: give the folder of one category")
    for path in found:
        kind = path.parent.name
        verdict = {"good": Verdict.normal, "unsure": Verdict.unsure}.get(kind, Verdict.defect)
        mask, ignore = (_mask(folder / layer / kind / f"{path.stem}_mask.png") for layer in (MASK, IGNORE))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        sized = mask if mask is not None else ignore
        height, width = sized.shape if sized is not None else (0, 0)
        named = kind if verdict is Verdict.defect and kind != UNTYPED else None
        types = sorted((folder / TYPES / kind / path.stem).glob("*.png"))
        typed = {part.stem: decode_mask(part.read_bytes()) for part in types}
        yield LabelRecord("/".join(path.parts[-3:]), digest, width, height, verdict, named, mask, ignore, typed)


def _folder_of(record: LabelRecord) -> str:
    if record.verdict is Verdict.unsure:
        return "unsure"
    return slug_of(record.defect_type or UNTYPED) or UNTYPED


def _mask(path: Path) -> np.ndarray | None:
    return decode_mask(path.read_bytes()) if path.is_file() else None


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
