"""Images as the method takes them, and what is known of each."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bgad_core.errors import BadImageError, MaskSizeError

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MAX_PIXELS = 64_000_000


Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom lie outside


@dataclass(frozen=True)
class Sample:
    """One image with its label.

    Attributes:
        path: the image file.
        abnormal: True for a known defect.
        mask: bool (H, W) of the image's full size, True where abnormal; None where nobody drew one.
        defect_type: the defect's name, where known.
        sha256: digest of the file's bytes: the identity of the image.
        boxes: coarse regions of the full-size image, each with a defect in it; `labels.label_of` says how they train.
        ignore: bool (H, W), True where nobody cares: such pixels enter no loss, no paste and no metric. Or None.
        foreground: bool (H, W) of a normal part, where RPAG may paste; None finds the object by its grey level.
        other_types: names of further types of defect in the same image.
    """

    path: Path
    abnormal: bool
    mask: np.ndarray | None
    defect_type: str | None
    sha256: str
    boxes: tuple[Box, ...] = ()
    ignore: np.ndarray | None = None
    foreground: np.ndarray | None = None
    other_types: tuple[str, ...] = ()

    @property
    def types(self) -> frozenset[str]:
        """Every type of defect in the image that is known by name."""
        return frozenset(filter(None, (self.defect_type, *self.other_types)))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def sample_of(
    path: Path,
    *,
    abnormal: bool = False,
    mask: np.ndarray | None = None,
    defect_type: str | None = None,
    boxes: tuple[Box, ...] = (),
    ignore: np.ndarray | None = None,
    foreground: np.ndarray | None = None,
) -> Sample:
    """A sample whose digest is taken from its file."""
    return Sample(path, abnormal, mask, defect_type, sha256_of(path), boxes, ignore, foreground)


def read_image(path: Path) -> np.ndarray:
    """Decode an image, upright, as uint8 RGB of shape (H, W, 3).

    16 bits are scaled to 8, palettes and CMYK converted, transparency laid on black.

    Raises:
        BadImageError: missing, damaged, too large, or of a kind that is not read.
    """
    try:
        with Image.open(path, formats=FORMATS) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise BadImageError(
                    f"{path.name} is {opened.width}x{opened.height}, more than {MAX_PIXELS:,} pixels: make it smaller"
                )
            return _rgb(ImageOps.exif_transpose(opened))
    except UnidentifiedImageError:
        raise BadImageError(f"{path.name} is no image of the kinds {', '.join(FORMATS)}: convert it") from None
    except FileNotFoundError:
        raise BadImageError(f"{path} does not exist: check the path") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadImageError(f"{path.name} is damaged ({error}): save it again") from error


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64)
        shift = 8 if image.mode != "I" or grey.max(initial=0) > 255 else 0
        return np.repeat((grey.clip(0, 65535) >> shift).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("32-bit float pixels have no known range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("RGB"))


def read_mask(path: Path, *, image: Path) -> np.ndarray:
    """Decode a mask as bool (H, W), True where abnormal.

    Raises:
        BadImageError: it cannot be read.
        MaskSizeError: its size is not its image's.
    """
    mask = read_image(path).any(axis=2)
    with Image.open(image) as opened:
        width, height = ImageOps.exif_transpose(opened).size
    if mask.shape != (height, width):
        raise MaskSizeError(
            f"mask is {mask.shape[1]}x{mask.shape[0]} but {'/'.join(image.parts[-2:])} is {width}x{height}: "
            "draw it on the full-size image"
        )
    return mask


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """An image (H, W, 3) as a square of `size` pixels; shrinking averages, so that thin defects leave a trace."""
    shrinks = image.shape[0] > size or image.shape[1] > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def share_of_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """How much of each cell of a (height, width) grid the mask covers, float32 in [0, 1]."""
    return np.clip(cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA), 0.0, 1.0)


def mask_at(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """A mask at another size, bool (height, width): where it covers half a pixel; one thinner than that, any pixel."""
    share = share_of_mask(mask, height, width)
    marked = share >= 0.5
    return marked if marked.any() else share > 0
