"""Files from strangers into pixels that are safe to serve, train on and score: 8-bit RGB PNG and a thumbnail."""

import contextlib
import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from app.services.whole import Damaged, check_whole

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
# what Pillow raises of a damaged file
NOT_READ = (
    OSError,
    ValueError,
    TypeError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    MemoryError,
    LookupError,
    struct.error,
)
BEGINNINGS = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*")
MAX_BYTES = 128 * 2**20
MAX_PIXELS = 64_000_000
MIN_SIDE = 16
THUMB = 256
STRIP = 256


class BadPicture(Exception):
    """Why a file is no usable image or mask; the file's name is the caller's to add."""


class TooLarge(BadPicture):
    """More bytes or pixels than are read."""


class UnknownKind(BadPicture):
    """Not an image, or of a kind that is not read."""


@dataclass(frozen=True)
class Picture:
    """One image as it is kept.

    Attributes:
        png: the whole image, 8-bit RGB, upright.
        thumb: a JPEG of at most 256 pixels a side.
        width, height: of `png`, in pixels.
    """

    png: bytes
    thumb: bytes
    width: int
    height: int


def read_picture(data: bytes) -> Picture:
    """Decode, turn upright by EXIF, bring to 8-bit RGB, encode again; nothing of the original file is kept.

    Raises:
        BadPicture: empty, truncated, too large, too small, not one of `FORMATS`, or of several pages.
    """
    picture = _picture(data, MAX_PIXELS)
    picture.info = {}  # colour profiles and comments would travel on with the pixels
    png, thumb = io.BytesIO(), io.BytesIO()
    _small(picture).save(thumb, "JPEG", quality=85)
    picture.save(png, "PNG", compress_level=1)
    return Picture(png.getvalue(), thumb.getvalue(), picture.width, picture.height)


def read_pixels(data: bytes, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The pixels of `read_picture`'s PNG, uint8 (H, W, 3), without the detour: what a served model scores.

    Raises:
        BadPicture: as `read_picture`; `TooLarge` and `UnknownKind` where a server answers otherwise.
    """
    return np.asarray(_picture(data, max_pixels))


def _picture(data: bytes, max_pixels: int) -> Image.Image:
    picture = _to_rgb(upright(decode(data, FORMATS, max_pixels)))
    if min(picture.size) < MIN_SIDE:
        raise BadPicture(f"is {picture.width}x{picture.height} pixels: {MIN_SIDE}x{MIN_SIDE} is the least")
    return picture


def _small(picture: Image.Image) -> Image.Image:
    shrink = THUMB / max(picture.size)
    if shrink >= 1:
        return picture
    width, height = (max(1, round(side * shrink)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)


def decode(data: bytes, formats: tuple[str, ...], max_pixels: int = MAX_PIXELS) -> Image.Image:
    """A file's pixels as they are in it; raises BadPicture."""
    if not data:
        raise BadPicture("is empty (0 bytes)")
    if len(data) > MAX_BYTES:
        raise TooLarge(f"is larger than {MAX_BYTES // 2**20} MiB: save it smaller or compressed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=formats)
            _check(picture, max_pixels)
            check_whole(data, picture)
            picture.load()
    except UnidentifiedImageError:
        if data.startswith(BEGINNINGS):
            raise BadPicture(
                "is damaged or cut short (it begins as an image and cannot be read on): copy or save it again"
            ) from None
        raise UnknownKind(f"is not an image of a known kind ({', '.join(formats)})") from None
    except Image.DecompressionBombError:
        raise TooLarge(f"has more than {max_pixels / 10**6:g} million pixels: cut or shrink it") from None
    except BadPicture:
        raise
    except Damaged as damage:
        raise BadPicture(f"is damaged or cut short ({damage}): copy or save it again") from None
    except NOT_READ as error:
        raise BadPicture(
            f"is damaged or cut short ({str(error) or type(error).__name__}): copy or save it again"
        ) from None
    return picture


def _check(picture: Image.Image, max_pixels: int) -> None:
    if picture.width * picture.height > max_pixels:
        raise TooLarge(
            f"is {picture.width}x{picture.height} pixels, more than {max_pixels / 10**6:g} million: cut or shrink it"
        )
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:  # an MPO's first is the photograph itself
        raise BadPicture("has several pages or frames: save one image per file")


def upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says."""
    with contextlib.suppress(Exception):  # damaged EXIF says nothing of the pixels; Pillow raises many kinds here
        ImageOps.exif_transpose(picture, in_place=True)
    return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    """8-bit RGB: 16 bits lose their lower eight, transparency is laid on black."""
    if picture.mode == "F":
        raise BadPicture("has 32-bit float pixels, whose range is not known: save it with 8 or 16 bits")
    if picture.mode.startswith("I"):
        return _eight_bits(picture).convert("RGB")
    if picture.has_transparency_data:
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        ground = Image.new("RGB", picture.size)
        ground.paste(picture, mask=picture.getchannel("A"))
        return ground
    return picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """The upper eight of sixteen bits, strip by strip: the largest picture allowed fits the reader's memory."""
    values = np.asarray(picture)
    deep = picture.mode != "I" or values.max(initial=0) > 255
    out = np.empty(values.shape, np.uint8)
    for top in range(0, len(values), STRIP):
        strip = values[top : top + STRIP].astype(np.int64)
        out[top : top + STRIP] = strip.clip(0, 65535) >> 8 if deep else strip.clip(0, 255)
    return Image.fromarray(out)
