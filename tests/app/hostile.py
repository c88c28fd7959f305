"""Files that nobody sends by accident, made by hand: name -> bytes. The suffix says how each is opened."""

import io
import json
import stat
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image as Pillow
from PIL import PngImagePlugin

SIZE = (64, 48)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def encoded(picture: Pillow.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def grain(mode: str = "RGB") -> Pillow.Image:
    pixels = np.random.default_rng(1).integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    return Pillow.fromarray(pixels).convert(mode)


def png(**options) -> bytes:
    return encoded(grain(), "PNG", **options)


def jpeg(**options) -> bytes:
    return encoded(grain(), "JPEG", **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claimed(width: int, height: int) -> bytes:
    """A PNG whose header claims a size, with a right checksum and the pixels of a small one."""
    data = png()
    return data[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]


def with_chunk(kind: bytes, data: bytes) -> bytes:
    whole = png()
    return whole[:33] + chunk(kind, data) + whole[33:]


def texts() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "<script>alert(1)</script>", zip=True)
    return png(pnginfo=info, icc_profile=b"profile")


def tiff(width: int, height: int, following: int = 0) -> bytes:
    """A TIFF by hand: one directory, whose successor may be itself."""
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    tags += [(277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, min(width * height, 2**32 - 1))]
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + body + struct.pack("<I", following)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def packed(files: dict[str, bytes], **options) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **({"compression": zipfile.ZIP_DEFLATED} | options)) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def linked() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data and len(old) == len(new)
    return data.replace(old, new)


def lying(size: int) -> bytes:
    """A zip whose directory claims another size for its entry."""
    data = bytearray(packed({"a.png": png()}, compression=zipfile.ZIP_STORED))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = struct.pack("<I", size)
    return bytes(data)


def coco(image: dict, *segmentations: object) -> bytes:
    rows = [{"image_id": 1, "category_id": 1, "segmentation": each} for each in segmentations]
    facts = {"id": 1, "file_name": "a.png", "width": SIZE[0], "height": SIZE[1]} | image
    return json.dumps({"images": [facts], "annotations": rows, "categories": [{"id": 1, "name": "dent"}]}).encode()


def cvat(body: str, size: tuple[int, int] = SIZE) -> bytes:
    image = f'<image id="0" name="a.png" width="{size[0]}" height="{size[1]}">{body}</image>'
    return f"<annotations><version>1.1</version>{image}</annotations>".encode()


def brush(code: list, size: tuple[int, int] = SIZE) -> bytes:
    facts = {"original_width": size[0], "original_height": size[1], "type": "brushlabels"}
    value = {"format": "rle", "rle": code, "brushlabels": ["dent"]}
    return json.dumps([{"data": {"image": "a.png"}, "annotations": [{"result": [{**facts, "value": value}]}]}]).encode()


LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha">' + "".join(
    f'<!ENTITY b{n} "{("&b%s;" % (n - 1 if n else "")) * 10}">' for n in range(9)
) + "]><annotations>&b8;</annotations>"  # fmt: skip
TOP = '<mask label="d" rle="1" left="0" top="0" width="{}" height="{}"/>'


def corpus() -> dict[str, bytes]:
    """All of them; those in `HARMLESS` are taken, and what is kept of them is pixels alone."""
    one = packed({"a.png": png()})
    files = {
        "empty.png": b"",
        "signature-only.png": png()[:8],
        "cut.png": png()[:-300],
        "claims-2-billion.png": claimed(50_000, 50_000),
        "claims-nothing.png": claimed(0, 0),
        "claims-4-billion-wide.png": claimed(2**31 - 1, 1),
        "text-bomb.png": with_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 2**27, 9)),
        "profile-bomb.png": with_chunk(b"iCCP", b"p\0\0" + zlib.compress(b"a" * 2**27, 9)),
        "pixel-bomb.png": encoded(Pillow.new("L", (8000, 8000)), "PNG"),
        "moving.png": encoded(grain(), "PNG", save_all=True, append_images=[grain("L").convert("RGB")]),
        "script-in-text.png": texts(),
        "zip-behind.png": png() + one,
        "drawing.png": SVG,
        "page.png": b"<html><script>alert(1)</script></html>",
        "program.png": b"MZ" + b"\0" * 200,
        "postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        "gif.png": encoded(grain("P"), "GIF"),
        "script-in-comment.jpg": jpeg(comment=b"<script>alert(1)</script>"),
        "cut.jpg": jpeg()[:-400],
        "claims-much.jpg": jpeg().replace(struct.pack(">HH", SIZE[1], SIZE[0]), struct.pack(">HH", 65000, 65000), 1),
        "bad-exif.jpg": jpeg(exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
        "claims-much.tif": tiff(60_000, 60_000),
        "circle.tif": tiff(64, 48, following=8),
        "far-strips.tif": tiff(64, 48),
        "claims-much.bmp": bmp(30_000, 30_000),
        "upside-down.bmp": bmp(64, -(2**31)),
        "cut.webp": encoded(grain(), "WEBP")[:-50],
        "slip.zip": packed({"../../a.png": png(), "..\\..\\b.png": png(), "/etc/c.png": png(), "C:/d.png": png()}),
        "nul.zip": patched(packed({"aXb.png": png()}), b"aXb.png", b"a\0b.png"),
        "link.zip": linked(),
        "bomb.zip": packed({"a.png": b"\0" * 2**25}),
        "nested.zip": packed({"b.zip": one, "c.zip": one}),
        "locked.zip": patched(one, b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        "cut.zip": one[:-30],
        "lying-small.zip": lying(10),
        "lying-large.zip": lying(2**31),
        "nothing.zip": packed({}),
        "many.zip": packed({f"{n}.png": b"" for n in range(1500)}),
        "huge-image.coco": coco({"width": 10**9, "height": 10**9}, [[0, 0, 9, 0, 9, 9]]),
        "negative-image.coco": coco({"width": -4, "height": -4}, [[0, 0, 9, 0, 9, 9]]),
        "huge-run.coco": coco({}, {"counts": [10**18], "size": [48, 64]}),
        "endless-run.coco": coco({}, {"counts": "o" * 10**6, "size": [48, 64]}),
        "negative-runs.coco": coco({}, {"counts": [-5, 3077], "size": [48, 64]}),
        "not-a-number.coco": coco({}, [[float("nan"), 0, float("inf"), 0, 9, 9]]),
        "a-million-corners.coco": coco({}, [[0, 0, 64, 48] * 250_000]),
        "deep.coco": b"[" * 100_000,
        "long-number.coco": b'{"images": [' + b"9" * 10**6 + b"]}",
        "laughs.cvat": LAUGHS.encode(),
        "laughs-in-utf-16.cvat": LAUGHS.encode("utf-16"),
        "reads-a-file.cvat": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><annotations>&b;</annotations>',
        "huge-image.cvat": cvat(TOP.format(10**5, 10**5), (10**6, 10**6)),
        "outside.cvat": cvat(TOP.format(65, 48)),
        "negative.cvat": cvat(TOP.format(-1, -1)),
        "deep.cvat": b"<annotations>" + b"<a>" * 200_000,
        "huge-image.labelstudio": brush([0] * 100, (10**6, 10**6)),
        "cut-code.labelstudio": brush([0, 0, 48, 0]),
        "no-bytes.labelstudio": brush([300, -1, "x"]),
        "nothing.labelstudio": b'[{"annotations": [{"result": []}]}]',
    }
    return files


HARMLESS = {"pixel-bomb.png", "script-in-text.png", "zip-behind.png",
            "script-in-comment.jpg", "bad-exif.jpg",
            "nothing.zip", "nul.zip"}  # fmt: skip
SEEDS = {
    "a.png": png(),
    "b.jpg": jpeg(progressive=True),
    "c.tif": encoded(grain(), "TIFF", compression="tiff_lzw"),
    "d.webp": encoded(grain(), "WEBP"),
    "e.bmp": encoded(grain("P"), "BMP"),
    "f.zip": packed({"a.png": png(), "b/c.png": png()}),
    "g.coco": coco({}, [[1, 1, 9, 1, 9, 9]], {"counts": [5, 3067], "size": [48, 64]}),
    "h.cvat": cvat(TOP.format(1, 1) + '<polygon label="e" points="1,1;9,1;9,9"/>'),
    "i.labelstudio": brush([0, 0, 48, 0, 58, 55, 64]),
}  # fmt: skip


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A file as a bad cable or a bad mind changes it."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        place, length = int(rng.integers(0, len(out) + 1)), int(rng.integers(1, 40))
        what = rng.integers(0, 5)
        if what == 0:
            del out[place : place + length]
        elif what == 1:
            out[place:place] = rng.bytes(length)
        elif what == 2:
            out[place : place + length] = out[:length]
        elif what == 3:
            out[place : place + length] = bytes([int(rng.choice([0, 255, 127, 48]))]) * length
        elif place < len(out):
            out[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(out)
