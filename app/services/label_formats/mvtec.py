"""MVTec AD's tree: images by type, masks as 1-bit PNGs beside them. What it writes, `layout` reads.

Where an image has several types, each has a mask of its own in a folder that MVTec's tree does not know.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from app.services.label_formats.folders import folders_of
from app.services.label_formats.record import LabelRecord, Remark
from storage.errors import DamagedObject, NotFound
from storage.masks import encode_mask
from storage.models import Verdict
from storage.type_names import UNSURE, UNTYPED

MASK, IGNORE, TYPES = "ground_truth", "dont_care", "types"
NO_NAME = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL)  # a name that this file system cannot hold


def write(records: list[LabelRecord], folder: Path, pixels: Callable[[LabelRecord], bytes]) -> list[Remark]:
    """Write images and masks; `pixels` gives an image's PNG. Doubtful images go to test/unsure.

    Returns the labels that are not in it, each with why: its picture is damaged or gone, or its type is no name here.
    """
    named = folders_of({record.defect_type or UNTYPED for record in records} | {n for r in records for n in r.typed})
    left_out = []
    for number, record in enumerate(records, start=1):
        begun: list[Path] = []
        try:
            for place, data in _files(record, f"{number:06d}", named, pixels):
                begun.append(folder / place)
                _put(folder / place, data)
        except (NotFound, DamagedObject, OSError) as error:
            if isinstance(error, OSError) and error.errno not in NO_NAME:
                raise
            for path in begun:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            why = f"cannot be written ({error.strerror})" if isinstance(error, OSError) else str(error)
            left_out.append(Remark(record.name, record.defect_type or "", why))
    return left_out


def _files(
    record: LabelRecord, stem: str, named: dict[str, str], pixels: Callable[[LabelRecord], bytes]
) -> Iterator[tuple[Path, bytes]]:
    """(place in the tree, content) of an image and of its masks."""
    normal = record.verdict is Verdict.normal
    kind = named[record.defect_type or UNTYPED] if record.verdict is Verdict.defect else UNSURE
    yield (Path("train/good") if normal else Path("test") / kind) / f"{stem}.png", pixels(record)
    if record.mask is not None:
        yield Path(MASK) / kind / f"{stem}_mask.png", encode_mask(record.mask)
    if record.ignore is not None:
        yield Path(IGNORE) / kind / f"{stem}_mask.png", encode_mask(record.ignore)
    for name, mask in record.typed.items():
        yield Path(TYPES) / kind / stem / f"{named[name]}.png", encode_mask(mask)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
