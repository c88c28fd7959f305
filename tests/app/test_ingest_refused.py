"""Files that cannot be taken, or not as they are: each is named with its reason, and the others arrive."""

import io
import os
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow

from app.services import mask_files, pictures, sources
from app.services.errors import Refused
from app.services.ingest import (
    ingest_source,
    stage_upload,
)
from storage import images
from storage.models import Verdict
from tests.app.arrivals import encoded, label_of, mask, packed, png, reasons, rows, tree, write
from tests.app.conftest import ENGINEER


def test_every_refused_file_is_named_with_its_reason_and_the_others_stay(tile, tmp_path):
    huge = png(3)[:16] + struct.pack(">II", 50_000, 50_000) + png(3)[24:29]
    huge += struct.pack(">I", zlib.crc32(huge[12:29])) + png(3)[33:]
    bad = {
        "empty.png": b"",
        "cut.png": png(1)[:-200],
        "text.png": b"no picture at all",
        "drawing.svg": b"<svg/>",
        "notes.txt": b"hello",
        "huge.png": huge,
        "tiny.png": png(4, size=(4, 4)),
        "float.tiff": encoded(Pillow.fromarray(np.zeros((48, 64), np.float32)), "TIFF"),
        "pages.tiff": encoded(
            Pillow.new("L", (64, 48)), "TIFF", save_all=True, append_images=[Pillow.new("L", (64, 48))]
        ),
        "moving.gif.png": encoded(Pillow.new("P", (64, 48)), "GIF"),
    }
    source = write(tmp_path / "in", {**bad, "good.png": png(5)})
    report = ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    assert report.added == 1 and set(rows(tile)) == {"good.png"}
    told = reasons(report)
    assert set(told) == set(bad)
    assert told["empty.png"] == "is empty (0 bytes)"
    assert told["tiny.png"].startswith("is 4x4 pixels")
    assert "cut short" in told["cut.png"] and "million" in told["huge.png"] and "pages" in told["pages.tiff"]
    assert all("known kind" in told[name] for name in ("text.png", "moving.gif.png"))
    with tile.database.read() as session:
        kept = images.ingests(session, rows(tile)["good.png"].project_id)[0]
    assert kept.finished_at and {row["name"] for row in kept.refused} == set(bad)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("deep.png", encoded(Pillow.fromarray(np.full((48, 64), 40_000, np.uint16)), "PNG")),
        ("grey.bmp", encoded(Pillow.new("L", (64, 48), 156), "BMP")),
        ("palette.png", encoded(Pillow.new("RGB", (64, 48), (156, 156, 156)).quantize(2), "PNG")),
        ("clear.png", encoded(Pillow.new("RGBA", (64, 48), (156, 156, 156, 255)), "PNG")),
        ("photo.webp", encoded(Pillow.new("RGB", (64, 48), (156, 156, 156)), "WEBP", lossless=True)),
        ("press.tiff", encoded(Pillow.new("CMYK", (64, 48), (0, 0, 0, 99)), "TIFF")),
    ],
)
def test_every_kind_of_pixel_becomes_8_bit_rgb(name, data):
    read = pictures.read_picture(data)
    pixels = np.asarray(Pillow.open(io.BytesIO(read.png)))
    assert pixels.shape == (48, 64, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - 156).max() <= 1, name


def test_a_photo_taken_sideways_stands_upright_and_its_mask_is_checked_against_that():
    exif = Pillow.Exif()
    exif[0x0112] = 6
    read = pictures.read_picture(encoded(Pillow.new("RGB", (64, 48)), "JPEG", exif=exif))
    assert (read.width, read.height) == (48, 64)
    assert mask_files.read_mask(mask(size=(48, 64)), width=48, height=64, of="a.jpg").sum() == 100


def test_a_mask_of_another_size_is_refused_by_name_and_its_image_stays_a_defect(tile, tmp_path):
    files = {**tree(), "tile/ground_truth/crack/000_mask.png": mask(size=(8, 8), box=(1, 1, 2, 2))}
    report = ingest_source(tile, ENGINEER, "tile", write(tmp_path / "in", files))
    assert reasons(report) == {
        "tile/ground_truth/crack/000_mask.png": (
            "mask is 8x8 but crack/000.png is 64x48: draw it on the full-size image"
        )
    }
    said = label_of(tile, rows(tile)["tile/test/crack/000.png"])
    assert said.verdict is Verdict.defect and said.mask is None


def test_a_hostile_zip_is_refused_entry_by_entry(tile, tmp_path, monkeypatch):
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("../../escape.png", "/etc/escape.png", "C:/escape.png", "a/../../escape.png", "ok.png"):
            archive.writestr(name, png(7))
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.png", b"\0" * (30 * 2**20))
    before = sorted(tmp_path.rglob("*escape*"))
    report = ingest_source(tile, ENGINEER, "tile", path)
    assert report.added == 1 and list(rows(tile)) == ["ok.png"]
    told = reasons(report)
    assert sum("leads out of the archive" in reason for reason in told.values()) == 4
    assert "link" in told["link.png"] and "times its size" in told["bomb.png"]
    assert sorted(tmp_path.rglob("*escape*")) == before == []
    monkeypatch.setattr(sources, "MAX_ENTRIES", 3)
    with pytest.raises(Refused, match="holds 7 files, more than 3"):
        ingest_source(tile, ENGINEER, "tile", path)


def test_a_damaged_entry_of_a_zip_is_refused_and_the_others_stay(tile, tmp_path):
    path = packed(tmp_path / "in.zip", {"a.png": png(1), "b.png": png(2)})
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(bytes(data))
    report = ingest_source(tile, ENGINEER, "tile", path)
    assert report.added == 1 and "a.png" in reasons(report)


def test_links_and_pipes_in_a_folder_are_never_followed(tile, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1)})
    write(tmp_path / "elsewhere", {"secret.png": png(2)})
    (source / "link.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    (source / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(source / "pipe.png")
    report = ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    assert report.added == 1 and list(rows(tile)) == ["a.png"]
    assert reasons(report)["pipe.png"] == "is not a plain file" and "link" in reasons(report)["link.png"]


def test_odd_names_are_shown_by_every_way_in_and_no_image_is_lost(tile, tmp_path):
    folder = write(tmp_path / "in", {"a\x01b.png": png(1), "caf\udce9.png": png(2)})
    ingest_source(tile, ENGINEER, "tile", folder, content="unknown")
    ingest_source(tile, ENGINEER, "tile", packed(tmp_path / "in.zip", {"z\x02.png": png(3)}), content="unknown")
    staged = stage_upload(tile, ENGINEER, [("n\0l.png", png(4)), ("half\ud800.png", png(5))])
    ingest_source(tile, ENGINEER, "tile", staged, content="unknown")
    assert list(rows(tile)) == ["a\\x01b.png", "caf\\xe9.png", "z\\x02.png", "n\\x00l.png", "half\\ud800.png"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "nowhere", "does not exist"),
        (lambda folder: write(folder / "in", {"a.txt": b"x"}) / "a.txt", "neither a folder, a zip nor an image"),
        (lambda folder: write(folder / "in", {"a.txt": b"x"}), "holds no image that can be read"),
        (lambda folder: write(folder / "in", {**tree(), "wood/train/good/0.png": png(1)}), "holds 2 categories"),
    ],
)
def test_a_source_that_cannot_be_used_is_one_sentence(tile, tmp_path, make, sentence):
    with pytest.raises(Refused, match=sentence):
        ingest_source(tile, ENGINEER, "tile", make(tmp_path))
