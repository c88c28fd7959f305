"""Several types of defect in one image: which of the marked pixels are of which."""

import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pictures

from app.services.errors import Refused
from storage.masks import decode_grey, decode_mask, encode_mask

OWN = 1  # the number of the pixels that are of the label's own type; the types of a list count from the next one
MOST = 255 - OWN


@dataclass(frozen=True)
class Marked:
    """What a label marks.

    Attributes:
        defect_type: the label's own type: the given one, or else the one that marks most; None for an untyped defect,
            such as one of which a part is of no type.
        mask: bool (H, W), all that is marked.
        typed: by type what is of it, the own type among them; empty where all is of the own type.
    """

    defect_type: str | None
    mask: np.ndarray
    typed: dict[str, np.ndarray]


def marked(mask: np.ndarray, defect_type: str | None, others: Mapping[str, np.ndarray]) -> Marked:
    """Bring a mask and the masks of single types to the form that is stored.

    What the mask marks and no other type claims is of the label's own type, and of none where it has none.

    Raises:
        Refused: a mask has no name of its type.
    """
    own = _clean(defect_type) if defect_type else ""
    found: dict[str, np.ndarray] = {}
    for name, part in others.items():
        if not (kind := _clean(name)):
            raise Refused("a mask has no name of its type: name the type, or leave the mask to the label's own")
        if part.any():
            found[kind] = found[kind] | part if kind in found else part
    claimed = np.logical_or.reduce([*found.values(), np.zeros_like(mask)])
    rest = mask & ~claimed
    if not own and found and not rest.any():
        own = max(sorted(found), key=lambda name: int(found[name].sum()))  # of equals always the same one
    if own and rest.any():
        found[own] = found[own] | rest if own in found else rest
    return Marked(own or None, mask | claimed, found if found.keys() - {own} else {})


def split(numbers: bytes, types: Sequence[str]) -> dict[str, bytes]:
    """The masks of the single types in a PNG of numbers, as 1-bit PNGs: its value `OWN` + k is of the k-th type.

    Raises:
        BadMask: not a PNG.
        Refused: it has a number that no type has.
    """
    values = decode_grey(numbers)
    present = [int(value) for value in np.unique(values) if value > OWN]
    if present and present[-1] - OWN > len(types):
        raise Refused(f"the mask has type {present[-1] - OWN} of {len(types)}: reload the page and draw it again")
    return {types[value - OWN - 1]: encode_mask(values == value) for value in present}


def painted(typed: Mapping[str, bytes], own: str | None, types: Sequence[str]) -> bytes | None:
    """The PNG of numbers that `split` reads; None where nothing is of another type than the label's own.

    A pixel that two types share shows as the later one of the list.
    """
    others = [(types.index(name), png) for name, png in typed.items() if name != own and types.index(name) < MOST]
    if not others:
        return None
    values = np.zeros(decode_mask(others[0][1]).shape, dtype=np.uint8)
    for place, png in sorted(others):
        values[decode_mask(png)] = OWN + 1 + place
    out = io.BytesIO()
    Pictures.fromarray(values).save(out, "PNG")
    return out.getvalue()


def _clean(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()
