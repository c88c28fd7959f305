"""Whether a file's picture is whole: decoders fill what they cannot read with grey and say nothing.

Checked are the sums, lengths and ends that each format carries. What the bytes cannot tell is named in README.md.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator

import simplejpeg
from PIL import Image

SPARE = 10  # unread bytes at the end of a WebP stream that still are an encoder's padding
COEFFICIENTS = 64
HOLE = 16  # zero bytes: more coefficients of one value in a row than a picture has
NEXT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # the marker after a scan
PIECE = 2**14
OFFSETS = {273: 279, 324: 325}  # where strips and tiles begin, and the tag of their lengths


class Damaged(Exception):
    """What is missing or wrong in a file, as a short sentence."""


def check_whole(data: bytes, picture: Image.Image) -> None:
    """Say whether every part of the first picture in `data` is there and sound.

    Args:
        data: the file.
        picture: the same file, opened and not yet loaded.

    Raises:
        Damaged: with what is wrong.
    """
    if picture.format in ("JPEG", "MPO"):
        _jpeg(data)
    elif picture.format == "PNG":
        _png(data)
    elif picture.format == "WEBP":
        _webp(data)
    elif picture.format == "TIFF":
        _tiff(data, dict(getattr(picture, "tag_v2", {})))


def _jpeg(data: bytes) -> None:
    """Every warning of libjpeg is an error, every coefficient has come in its last bit, no scan has a hole of zeros."""
    try:
        space = simplejpeg.decode_jpeg_header(data, strict=False)[2]
        color = "CMYK" if space in ("CMYK", "YCCK") else "GRAY"
        # an eighth of the size reads all of the stream and keeps little of it
        simplejpeg.decode_jpeg(data, color, min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        if "subsampling level" not in str(error):  # an unusual one is no damage: what follows is all that is checked
            raise Damaged(str(error)) from None
    missing: dict[int, set[int]] = {}
    first_symbol: dict[int, int] = {}
    for marker, body, scan in _segments(data):
        if marker in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA):
            missing = {body[6 + 3 * i]: set(range(COEFFICIENTS)) for i in range(body[5])}
        elif marker == 0xC4:
            first_symbol |= _first_symbols(body)
        elif marker == 0xDA:
            _scan(body, scan, missing, first_symbol)
    if any(missing.values()):
        raise Damaged("scans are missing at the end")


def _scan(head: bytes, scan: bytes, missing: dict[int, set[int]], first_symbol: dict[int, int]) -> None:
    """Take what a scan brings from `missing`; zeros that spell the same coefficient on and on are a hole."""
    components, (first, last, bits) = head[0], head[1 + 2 * head[0] : 4 + 2 * head[0]]
    spelled = [first_symbol.get(head[2 + 2 * i] & 15, 0) & 15 for i in range(components)]
    if last and bits < 16 and any(spelled) and bytes(HOLE) in scan:
        raise Damaged(f"{HOLE} or more zero bytes stand where pixels should be")
    for i in range(components):
        if bits & 15 == 0:
            missing.get(head[1 + 2 * i], set()).difference_update(range(first, last + 1))


def _first_symbols(body: bytes) -> dict[int, int]:
    """What a run of zero bits stands for, by number of the Huffman table for AC coefficients."""
    symbols, at = {}, 0
    while at + 17 < len(body):
        if body[at] >> 4 == 1:
            symbols[body[at] & 15] = body[at + 17]
        at += 17 + sum(body[at + 1 : at + 17])
    return symbols


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(marker, its body, the coded pixels after it) of a JPEG, up to its end of image."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        marker = data[at + 1]
        if marker == 0xD9:
            return
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        after = NEXT.search(data, end) if marker == 0xDA else None
        stop = after.start() if after else end
        yield marker, data[at + 4 : end], data[end:stop]
        at = stop
    raise Damaged("the JPEG has no end of image")


def _png(data: bytes) -> None:
    """Each chunk by its CRC, up to IEND."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        name, end = data[at + 4 : at + 8], at + 8 + length
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise Damaged(f"the checksum of the PNG chunk {name!r} at byte {at} is wrong")
        if name == b"IEND":
            return
        at = end + 4
    raise Damaged("the PNG has no end (IEND)")


def _webp(data: bytes) -> None:
    """All of the stream is there and needed: a stream with a hole ends its picture before or after its last byte."""
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise Damaged("the WebP is shorter than it says")
    at = 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if name in (b"VP8 ", b"VP8L") and len(body) > 6 * SPARE and _decodes(name, body[:-SPARE]):
            raise Damaged(f"the last {SPARE} bytes of the WebP stream belong to no pixel")
        at += 8 + length + length % 2


def _decodes(name: bytes, body: bytes) -> bool:
    padded = body + bytes(len(body) % 2)
    file = b"RIFF" + struct.pack("<I", 12 + len(padded)) + b"WEBP" + name + struct.pack("<I", len(body)) + padded
    try:
        with Image.open(io.BytesIO(file), formats=("WEBP",)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError, EOFError):
        return False
    return True


def _tiff(data: bytes, tags: dict[int, object]) -> None:
    """Each strip or tile is within the file, and sound by the means of its compression."""
    for name, counts in OFFSETS.items():
        starts, lengths = _numbers(tags.get(name)), _numbers(tags.get(counts))
        for number, (start, length) in enumerate(zip(starts, lengths, strict=False), 1):
            if start + length > len(data):
                raise Damaged(f"part {number} of {len(starts)} of the TIFF ends after the file")
            _part(data[start : start + length], tags, f"part {number} of {len(starts)} of the TIFF")


def _numbers(value: object) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value) if isinstance(value, tuple) else ()


def _part(part: bytes, tags: dict[int, object], what: str) -> None:
    compression = tags.get(259, 1)
    if compression in (8, 32946):
        inflate = zlib.decompressobj()
        try:
            for at in range(0, len(part), PIECE):  # piece by piece: of what comes out nothing is kept
                inflate.decompress(part[at : at + PIECE])
        except zlib.error as error:
            raise Damaged(f"{what}: {error}") from None
        if not inflate.eof:
            raise Damaged(f"{what} has no end")
    elif compression == 7:
        tables = tags.get(347)
        joined = tables[:-2] + part[2:] if isinstance(tables, bytes) and len(tables) > 4 else part
        try:
            _jpeg(joined)
        except (ValueError, Damaged) as error:
            raise Damaged(f"{what}: {error}") from None
