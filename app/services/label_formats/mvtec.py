"""MVTec AD's tree: images by type, masks as 1-bit PNGs beside them. What it writes, `layout` reads.

Where an image has several types, each has a mask of its own in a folder that MVTec's tree does not know.
"""

from collections.abc import Callable
from pathlib import Path

from app.services.label_formats.folders import folders_of
from app.services.label_formats.record import LabelRecord
from storage.masks import encode_mask
from storage.models import Verdict
from storage.type_names import UNSURE, UNTYPED

MASK, IGNORE, TYPES = "ground_truth", "dont_care", "types"


def write(records: list[LabelRecord], folder: Path, pixels: Callable[[LabelRecord], bytes]) -> None:
    """Write images and masks; `pixels` gives an image's PNG. Doubtful images go to test/unsure."""
    named = folders_of({record.defect_type or UNTYPED for record in records} | {n for r in records for n in r.typed})
    for number, record in enumerate(records, start=1):
        normal = record.verdict is Verdict.normal
        kind = named[record.defect_type or UNTYPED] if record.verdict is Verdict.defect else UNSURE
        place, stem = Path("train/good") if normal else Path("test") / kind, f"{number:06d}"
        _put(folder / place / f"{stem}.png", pixels(record))
        if record.mask is not None:
            _put(folder / MASK / kind / f"{stem}_mask.png", encode_mask(record.mask))
        if record.ignore is not None:
            _put(folder / IGNORE / kind / f"{stem}_mask.png", encode_mask(record.ignore))
        for name, mask in record.typed.items():
            _put(folder / TYPES / kind / stem / f"{named[name]}.png", encode_mask(mask))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
