"""Masks as 1-bit PNGs: about 3 kB each, small enough to commit with their label."""

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

from storage.errors import BadMask

MAX_PIXELS = 64_000_000


def encode_mask(mask: np.ndarray) -> bytes:
    """A bool array (H, W), True = abnormal, as a 1-bit PNG."""
    if mask.ndim != 2 or mask.dtype != bool:
        raise BadMask(f"a mask is a bool array (H, W), this is {mask.dtype} {mask.shape}")
    out = io.BytesIO()
    Image.fromarray(mask).save(out, "PNG", compress_level=6)  # the best level takes 10 ms more to save 1 kB
    return out.getvalue()


def marking(data: bytes | None) -> bytes | None:
    """A stored mask, or None where it marks nothing: an empty mask would teach that a defect is good everywhere."""
    return data if data and Image.open(io.BytesIO(data), formats=["PNG"]).convert("1").getbbox() else None


def decode_mask(data: bytes, *, size: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A PNG as a bool array (H, W): True wherever a pixel is more than half white; arguments as for `decode_grey`."""
    return decode_grey(data, size=size, max_pixels=max_pixels) > 127


def decode_grey(data: bytes, *, size: tuple[int, int] | None = None, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A PNG as its grey values, uint8 (H, W).

    Args:
        data: the file's bytes.
        size: (width, height) of the image that the mask belongs to.
        max_pixels: the most that is decoded.

    Raises:
        BadMask: not a PNG, damaged, too large, or of another size than its image.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=["PNG"])
        if picture.width * picture.height > max_pixels:
            raise BadMask(f"mask is {picture.width}x{picture.height}, more than {max_pixels:,} pixels: make it smaller")
        if size is not None and picture.size != size:
            raise BadMask(
                f"mask is {picture.width}x{picture.height} but its image is {size[0]}x{size[1]}: "
                "draw it on the full-size image"
            )
        grey = _alpha_free(picture).convert("L")
    except UnidentifiedImageError:
        raise BadMask(f"the mask is no PNG ({len(data)} bytes): send a 1-bit PNG") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadMask(f"the mask is damaged ({error}): draw it again") from None
    return np.asarray(grey)


def _alpha_free(picture: Image.Image) -> Image.Image:
    """Transparent means unmarked, whatever colour lies under it."""
    if not picture.has_transparency_data:
        return picture
    rgba = picture.convert("RGBA")
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba  # as browsers send it: nothing to lay on black, which would take most of a save
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
