"""A picture that is damaged is refused, or its pixels are those of the whole one: nothing half-read is taken."""

import io
import os

import numpy as np
import pytest
from PIL import Image

from app.services.ingest import ingest_source
from app.services.pictures import BadPicture, read_pixels
from tests.app.arrivals import reasons, rows, write
from tests.app.conftest import ENGINEER
from tests.app.damaged_pictures import DAMAGES, KINDS, cut, drawn, encoded_as, ended_early, hole, zero_tail

SOAK = os.environ.get("SOAK") == "1"
CASES = 2000 if SOAK else 60
# Nothing in these files tells: neither a sum over the bytes nor a code that would break.
BARE = {(kind, damage) for kind in ("bmp", "tif") for damage in ("zero tail", "hole", "flipped")}
UNTOLD = BARE | {
    (kind, "flipped")
    for kind in ("jpg", "progressive.jpg", "restart.jpg", "jpeg.tif", "lzw.tif", "webp", "lossless.webp")
}
UNTOLD |= {("progressive.jpg", "hole")}


def taken(data):
    try:
        return read_pixels(data)
    except BadPicture as bad:
        assert "damaged or cut short" in str(bad) or "known kind" in str(bad) or "pixels" in str(bad)
        return None


def test_no_damaged_picture_is_taken_with_other_pixels_where_its_file_can_tell():
    rng = np.random.default_rng(20)
    told = [(kind, damage) for kind in KINDS for damage in DAMAGES if (kind, damage) not in UNTOLD]
    wrong = []
    for number in range(CASES):
        kind, damage = told[number % len(told)]
        whole = encoded_as(kind, drawn(rng))
        expected = read_pixels(whole)
        got = taken(DAMAGES[damage](rng, whole))
        if got is not None and not np.array_equal(got, expected):
            wrong.append((number, kind, damage))
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_whole_pictures_of_every_kind_are_taken_flat_ones_too(kind):
    rng = np.random.default_rng(3)
    for picture in (drawn(rng), Image.new("RGB", (300, 200), (255, 255, 255)), Image.new("RGB", (64, 64))):
        data = encoded_as(kind, picture)
        assert read_pixels(data).shape == (picture.height, picture.width, 3)


@pytest.mark.parametrize("options", [{"progressive": True}, {"optimize": True}, {"quality": 5}, {"subsampling": 0}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_whole_whatever_its_colours_and_whatever_stands_after_its_end(mode, options):
    file = io.BytesIO()
    drawn(np.random.default_rng(4)).convert(mode).save(file, "JPEG", **options)
    for after in (b"", bytes(64), b"\xff" * 3, b"maker's notes"):
        assert taken(file.getvalue() + after) is not None


def test_a_progressive_jpeg_that_ends_after_a_scan_is_refused():
    whole = encoded_as("progressive.jpg", drawn(np.random.default_rng(5)))
    last_scan = whole.rindex(b"\xff\xda")
    with pytest.raises(BadPicture, match=r"damaged or cut short \(scans are missing"):
        read_pixels(whole[: whole.rindex(b"\xff\xc4", 0, last_scan)] + b"\xff\xd9")


def test_a_picture_of_several_views_is_taken_by_its_first():
    rng, file = np.random.default_rng(6), io.BytesIO()
    first, second = (drawn(rng).resize((96, 64)) for _ in range(2))
    first.save(file, "MPO", save_all=True, append_images=[second], quality=95)
    got = read_pixels(file.getvalue()).astype(int)
    assert np.abs(got - np.asarray(first)).mean() < np.abs(got - np.asarray(second)).mean() / 2


def test_ingest_names_each_damaged_picture_with_what_to_do_and_takes_the_others(tile, tmp_path):
    rng = np.random.default_rng(7)
    picture = drawn(rng)
    bad = {
        "zerotail.jpg": zero_tail(rng, encoded_as("jpg", picture)),
        "early.jpg": ended_early(rng, encoded_as("jpg", picture)),
        "cut.jpg": cut(rng, encoded_as("jpg", picture)),
        "zerotail.webp": zero_tail(rng, encoded_as("webp", picture)),
        "hole.tif": hole(rng, encoded_as("deflate.tif", picture)),
    }
    source = write(tmp_path / "in", {**bad, "good.jpg": encoded_as("jpg", picture)})
    report = ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    assert set(rows(tile)) == {"good.jpg"}
    told = reasons(report)
    assert set(told) == set(bad)
    assert all("is damaged or cut short" in why and "copy or save it again" in why for why in told.values())
