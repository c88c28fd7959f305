"""A label from a file in the form that its row holds."""

from dataclasses import dataclass

import numpy as np

from app.services.errors import Refused
from app.services.kinds import marked
from app.services.label_formats.record import LabelRecord
from storage.masks import encode_mask
from storage.models import Verdict


@dataclass(frozen=True)
class Stored:
    """What `save_annotation` takes: 1-bit PNGs, None or missing where nothing is marked."""

    verdict: Verdict
    defect_type: str | None
    mask: bytes | None
    ignore: bytes | None
    typed: dict[str, bytes]


def stored(record: LabelRecord, *, width: int, height: int) -> Stored:
    """The record as the row of an image of this size.

    Raises:
        Refused: the file speaks of an image of another size.
    """
    assert record.verdict is not None
    if record.width and (record.width, record.height) != (width, height):
        raise Refused(
            f"the file speaks of an image of {record.width}x{record.height} and this one is {width}x{height}: "
            "label the full-size, upright image"
        )
    if record.verdict is Verdict.normal:
        return Stored(Verdict.normal, None, None, None, {})
    nothing = np.zeros((height, width), dtype=bool)
    mask = nothing if record.mask is None else record.mask
    typed = record.typed if record.verdict is Verdict.defect else {}
    for each in (mask, *typed.values()):
        if each.shape != (height, width):
            raise Refused(
                f"its mask is {each.shape[1]}x{each.shape[0]} and the image {width}x{height}: give the full-size mask"
            )
    drawn = marked(mask, record.defect_type if record.verdict is Verdict.defect else None, typed)
    ignore = nothing if record.ignore is None else record.ignore & ~drawn.mask
    return Stored(
        record.verdict,
        drawn.defect_type,
        _png(drawn.mask),
        _png(ignore),
        {name: encode_mask(part) for name, part in drawn.typed.items()},
    )


def _png(mask: np.ndarray) -> bytes | None:
    return encode_mask(mask) if mask.any() else None
