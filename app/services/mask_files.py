"""Masks in files of others: one rule of what they mark, for every way in."""

import cv2
import numpy as np
from PIL import Image

from app.services.pictures import BadPicture, decode, upright

FORMATS = ("PNG", "BMP", "TIFF")  # lossless: a mask is exact or it is none
MOST_VALUES = 16  # of a region that is drawn with hard edges; more are shades


def read_mask(data: bytes, *, width: int, height: int, of: str) -> np.ndarray:
    """Decode a mask for the image `of`: bool of shape (height, width).

    Whatever is not black is marked, however dark: in grey of any depth, in the colours of a palette, in colour. Where
    a mask has no colour at all its palette's numbers count, or else its opacity. A region with soft edges is marked
    above half of its own highest value: one with more than 16 values, or whose values but the highest are its rim.

    Raises:
        BadPicture: unreadable, of another size than its image, or without a single marked pixel.
    """
    picture = upright(decode(data, FORMATS))
    if picture.size != (width, height):
        raise BadPicture(
            f"mask is {picture.width}x{picture.height} but {of} is {width}x{height}: draw it on the full-size image"
        )
    mask = hardened(_values(picture))
    if not mask.any():
        raise BadPicture(f"mask of {of} marks nothing: paint the defect white on black")
    return mask


def _values(picture: Image.Image) -> np.ndarray:
    """How much each pixel is marked, (H, W), 0 for not at all."""
    if picture.mode in ("1", "L", "F") or picture.mode.startswith("I"):
        return np.asarray(picture)  # a 1 of 65535 marks as much as 65535 does
    rgba = np.asarray(picture.convert("RGBA"))
    colour, opacity = rgba[..., :3].max(axis=2), rgba[..., 3]
    shown: np.ndarray = np.where(opacity == 255, colour, colour.astype(np.uint16) * opacity // 255).astype(np.uint8)
    if shown.any():
        return shown
    if picture.mode == "P" and opacity.min() == 255:
        return np.asarray(picture)
    return opacity if opacity.min() < 255 else shown


def hardened(values: np.ndarray) -> np.ndarray:
    """What values mark, bool: all above 0, but for the soft edges of regions; see `read_mask`."""
    if values.dtype == bool:
        return values
    mask: np.ndarray = values > 0
    if len(np.unique(values[mask])) <= 2:
        return mask
    shades, block = _shades(values), np.ones((3, 3), np.uint8)
    flat = (cv2.erode(shades, block) == cv2.dilate(shades, block)) & mask
    _, regions, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    for number, (left, top, wide, high, _) in enumerate(boxes.tolist()[1:], start=1):
        place = slice(top, top + high), slice(left, left + wide)
        here = regions[place] == number
        found, plain = np.unique(shades[place][here]), np.unique(shades[place][here & flat[place]])
        if len(found) > MOST_VALUES or (len(found) > 2 and set(plain) <= {found[-1]}):
            mask[place] &= ~here | (values[place] > values[place][here].max() / 2)
    return mask


def _shades(values: np.ndarray) -> np.ndarray:
    """The same differences in a type that OpenCV compares."""
    if values.dtype in (np.uint8, np.uint16):
        return values
    top = float(values.max())
    return (values.clip(0) * (1.0 if top < 2**16 else 65535 / top)).astype(np.uint16)
