"""Ingest: folders, zips and uploads, with every kind of file that people and enemies send."""

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from sqlalchemy import func, select

from app.ledger import Stopped
from app.services import pictures, sources
from app.services.authority import Actor, NotAllowed
from app.services.context import Context, open_context
from app.services.errors import Refused
from app.services.ingest import (
    create_project,
    ingest_reports,
    ingest_source,
    request_ingest,
    stage_upload,
)
from app.settings import Settings
from storage import annotations, images
from storage.masks import decode_mask
from storage.models import Annotation, Image, Role, Run, Verdict

ENGINEER = Actor("ann", Role.engineer)


@pytest.fixture
def context(database_url, tmp_path) -> Context:
    settings = Settings.from_environment({"BGAD_HOME": str(tmp_path / "home"), "BGAD_DATABASE_URL": database_url})
    opened = open_context(settings)
    create_project(opened, ENGINEER, name="tile", built_in=True)
    yield opened
    opened.database.dispose()


def png(seed: int, size=(64, 48), mode="RGB") -> bytes:
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    return encoded(Pillow.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)), "PNG")


def encoded(picture: Pillow.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def mask(size=(64, 48), box=(10, 10, 20, 20)) -> bytes:
    picture = Pillow.new("L", size)
    picture.paste(255, box)
    return encoded(picture, "PNG")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tree() -> dict[str, bytes]:
    """A small MVTec-style category."""
    return {
        **{f"tile/train/good/{i:03d}.png": png(i) for i in range(4)},
        "tile/test/good/000.png": png(10),
        "tile/test/crack/000.png": png(11),
        "tile/test/crack/001.png": png(12),
        "tile/ground_truth/crack/000_mask.png": mask(),
        "tile/ground_truth/crack/001_mask.png": mask(box=(0, 0, 1, 1)),
    }


def rows(context: Context) -> dict[str, Image]:
    with context.database.read() as session:
        return {row.name: row for row in session.scalars(select(Image).order_by(Image.id))}


def label_of(context: Context, image: Image) -> Annotation | None:
    with context.database.read() as session:
        return annotations.current_annotation(session, image.id)


def reasons(report) -> dict[str, str]:
    return {refusal.name: refusal.reason for refusal in report.refused}


@pytest.mark.parametrize("packing", ["folder", "zip"])
def test_an_mvtec_tree_brings_labels_types_masks_and_the_held_out_set(context, tmp_path, packing):
    source = write(tmp_path / "in", tree()) if packing == "folder" else packed(tmp_path / "in.zip", tree())
    report = ingest_source(context, ENGINEER, "tile", source)
    assert (report.added, report.duplicates, report.refused) == (7, 0, [])
    found = rows(context)
    train, good, crack = (found[f"tile/{n}"] for n in ("train/good/000.png", "test/good/000.png", "test/crack/001.png"))
    assert [image.held_out for image in (train, good, crack)] == [False, True, True]
    assert [label_of(context, image).verdict for image in (train, good)] == [Verdict.normal] * 2
    said = label_of(context, crack)
    assert (said.verdict, said.by) == (Verdict.defect, "import")
    expected = np.zeros((48, 64), dtype=bool)
    expected[0, 0] = True
    assert np.array_equal(decode_mask(said.mask), expected)
    with context.database.read() as session:
        assert [row.name for row in annotations.defect_types(session, crack.project_id)] == ["crack"]


def test_the_kept_pixels_are_those_of_the_file(context, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1), "b.png": png(2)})
    ingest_source(context, ENGINEER, "tile", source, content="unknown")
    image = rows(context)["b.png"]
    kept = np.asarray(Pillow.open(io.BytesIO(context.blobs.get(image.pixels))))
    assert np.array_equal(kept, np.asarray(Pillow.open(io.BytesIO(png(2)))))
    assert Pillow.open(io.BytesIO(context.blobs.get(image.thumb))).format == "JPEG"


def test_every_refused_file_is_named_with_its_reason_and_the_others_stay(context, tmp_path):
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
    report = ingest_source(context, ENGINEER, "tile", source, content="unknown")
    assert report.added == 1 and set(rows(context)) == {"good.png"}
    told = reasons(report)
    assert set(told) == set(bad)
    assert told["empty.png"] == "is empty (0 bytes)"
    assert told["tiny.png"].startswith("is 4x4 pixels")
    assert "cut short" in told["cut.png"] and "million" in told["huge.png"] and "pages" in told["pages.tiff"]
    assert all("known kind" in told[name] for name in ("text.png", "moving.gif.png"))
    with context.database.read() as session:
        kept = images.ingests(session, rows(context)["good.png"].project_id)[0]
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
    assert pictures.read_mask(mask(size=(48, 64)), width=48, height=64, of="a.jpg").sum() == 100


def test_a_mask_of_another_size_is_refused_by_name_and_its_image_stays_a_defect(context, tmp_path):
    files = {**tree(), "tile/ground_truth/crack/000_mask.png": mask(size=(8, 8), box=(1, 1, 2, 2))}
    report = ingest_source(context, ENGINEER, "tile", write(tmp_path / "in", files))
    assert reasons(report) == {
        "tile/ground_truth/crack/000_mask.png": (
            "mask is 8x8 but crack/000.png is 64x48: draw it on the full-size image"
        )
    }
    said = label_of(context, rows(context)["tile/test/crack/000.png"])
    assert said.verdict is Verdict.defect and said.mask is None


def test_the_same_content_is_kept_once_whatever_it_is_called(context, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1), "copy/of a.png": png(1), "b.png": png(2)})
    first = ingest_source(context, ENGINEER, "tile", source, content="unknown")
    second = ingest_source(context, ENGINEER, "tile", source, content="unknown")
    assert (first.added, first.duplicates) == (2, 1)
    assert (second.added, second.duplicates) == (0, 3)
    assert len(rows(context)) == 2


def test_a_stopped_ingest_keeps_what_it_confirmed_and_a_second_call_completes_it(context, tmp_path):
    source = write(tmp_path / "in", {f"{i:03d}.png": png(i) for i in range(40)})
    seen = []
    with pytest.raises(Stopped):
        ingest_source(
            context,
            ENGINEER,
            "tile",
            source,
            content="normal",
            progress=lambda done, total: seen.append((done, total)),
            should_stop=lambda: len(seen) == 25,
        )
    assert len(rows(context)) == 25 and seen[-1] == (25, 40)
    arrival = ingest_reports(context, ENGINEER, "tile")[0]
    report = ingest_source(context, ENGINEER, "tile", source, content="normal", ingest_id=arrival.id)
    assert (report.added, report.duplicates, len(rows(context))) == (40, 0, 40)
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == 40


def test_a_label_that_comes_later_is_added_but_never_over_a_persons(context, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1), "b.png": png(2)})
    ingest_source(context, ENGINEER, "tile", source, content="unknown")
    with context.database.write() as session:
        annotations.save_annotation(
            session, image_id=rows(context)["a.png"].id, verdict=Verdict.defect, defect_type="dent", mask=None,
            by="ann", client_id="c1", expected_revision=0, version_id=None, score=None,
        )  # fmt: skip
    ingest_source(context, ENGINEER, "tile", source, content="normal")
    assert label_of(context, rows(context)["a.png"]).verdict is Verdict.defect
    assert label_of(context, rows(context)["b.png"]).verdict is Verdict.normal


def test_a_hostile_zip_is_refused_entry_by_entry(context, tmp_path, monkeypatch):
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("../../escape.png", "/etc/escape.png", "C:/escape.png", "a/../../escape.png", "ok.png"):
            archive.writestr(name, png(7))
        link = zipfile.ZipInfo("link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb.png", b"\0" * (30 * 2**20))
    before = sorted(tmp_path.rglob("*escape*"))
    report = ingest_source(context, ENGINEER, "tile", path)
    assert report.added == 1 and list(rows(context)) == ["ok.png"]
    told = reasons(report)
    assert sum("leads out of the archive" in reason for reason in told.values()) == 4
    assert "link" in told["link.png"] and "times its size" in told["bomb.png"]
    assert sorted(tmp_path.rglob("*escape*")) == before == []
    monkeypatch.setattr(sources, "MAX_ENTRIES", 3)
    with pytest.raises(Refused, match="holds 7 files, more than 3"):
        ingest_source(context, ENGINEER, "tile", path)


def test_a_damaged_entry_of_a_zip_is_refused_and_the_others_stay(context, tmp_path):
    path = packed(tmp_path / "in.zip", {"a.png": png(1), "b.png": png(2)})
    data = bytearray(path.read_bytes())
    data[200] ^= 0xFF
    path.write_bytes(bytes(data))
    report = ingest_source(context, ENGINEER, "tile", path)
    assert report.added == 1 and "a.png" in reasons(report)


def test_links_and_pipes_in_a_folder_are_never_followed(context, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1)})
    write(tmp_path / "elsewhere", {"secret.png": png(2)})
    (source / "link.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    (source / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(source / "pipe.png")
    report = ingest_source(context, ENGINEER, "tile", source, content="unknown")
    assert report.added == 1 and list(rows(context)) == ["a.png"]
    assert reasons(report)["pipe.png"] == "is not a plain file" and "link" in reasons(report)["link.png"]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "nowhere", "does not exist"),
        (lambda folder: write(folder / "in", {"a.txt": b"x"}) / "a.txt", "neither a folder, a zip nor an image"),
        (lambda folder: write(folder / "in", {"a.txt": b"x"}), "holds no image that can be read"),
        (lambda folder: write(folder / "in", {**tree(), "wood/train/good/0.png": png(1)}), "holds 2 categories"),
    ],
)
def test_a_source_that_cannot_be_used_is_one_sentence(context, tmp_path, make, sentence):
    with pytest.raises(Refused, match=sentence):
        ingest_source(context, ENGINEER, "tile", make(tmp_path))


def test_an_unknown_project_is_named_with_those_that_there_are(context, tmp_path):
    with pytest.raises(Refused, match=r"no project 'tyle'.*tile"):
        ingest_source(context, ENGINEER, "tyle", tmp_path)


def test_an_upload_is_staged_under_numbers_and_queued(context, tmp_path):
    files = [("../../evil.png", png(1)), ("b.png", io.BytesIO(png(2))), ("<script>.png", png(3))]
    staged = stage_upload(context, ENGINEER, files)
    assert sorted(path.name for path in staged.iterdir()) == ["000000", "000001", "000002", "names.json"]
    run_id = request_ingest(context, ENGINEER, "tile", staged, "unknown")
    with context.database.read() as session:
        run = session.get_one(Run, run_id)
    assert run.kind == "ingest" and run.arguments["source"] == staged.name
    report = ingest_source(context, ENGINEER, "tile", staged, content="unknown")
    assert report.added == 3 and set(rows(context)) == {"../../evil.png", "b.png", "<script>.png"}
    with pytest.raises(Refused, match="no staged upload"):
        request_ingest(context, ENGINEER, "tile", tmp_path)


def test_an_uploaded_zip_is_unpacked(context, tmp_path):
    staged = stage_upload(context, ENGINEER, [("tile.zip", packed(tmp_path / "x.zip", tree()).read_bytes())])
    assert ingest_source(context, ENGINEER, "tile", staged).added == 7


@pytest.mark.parametrize("role", [Role.viewer, Role.inspector, Role.reviewer])
def test_below_engineer_nobody_ingests(context, tmp_path, role):
    actor = Actor("vic", role)
    for call in (
        lambda: ingest_source(context, actor, "tile", tmp_path),
        lambda: stage_upload(context, actor, [("a.png", png(1))]),
        lambda: request_ingest(context, actor, "tile", tmp_path),
        lambda: create_project(context, actor, name="x"),
    ):
        with pytest.raises(NotAllowed, match=f"vic is {role.name}, and this needs engineer"):
            call()
