"""Labels out and in again, in every format: the masks that come back are the same bytes."""

import json
import uuid
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from app.services.annotation.label_export import FORMATS, LabelExport, export_labels
from app.services.annotation.label_import import import_labels
from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.ingest import create_project, ingest_source
from app.services.label import label_view, save_verdict
from app.services.label_formats import coco, cvat, labelstudio
from app.services.label_formats.raster import from_runs, inside, runs_of
from app.services.label_formats.record import LabelRecord, Unread
from storage import annotations, images
from storage.blobs import path_of
from storage.masks import decode_mask, encode_mask
from storage.models import Role, Verdict
from storage.type_names import DONT_CARE
from tests.app.conftest import ENGINEER, part

REVIEWER = Actor("rita", Role.reviewer)


def rough(seed, shape=(37, 53)):
    """A mask with holes, specks and pixels at every border."""
    rng = np.random.default_rng(seed)
    return rng.random(shape) < (0.5 if seed % 2 else 0.03)


MASKS = [rough(1), rough(2), np.ones((37, 53), bool), np.eye(37, 53, dtype=bool)]


def records():
    made = [
        LabelRecord(
            f"a/{i}.png", f"{i:064x}", 53, 37, Verdict.defect, "thread side" if i else None, mask, MASKS[1] & ~mask
        )
        for i, mask in enumerate(MASKS)
    ]
    made = [r if r.ignore.any() else LabelRecord(**{**vars(r), "ignore": None}) for r in made]
    return [
        *made,
        LabelRecord("n.png", "e" * 64, 53, 37, Verdict.normal),
        LabelRecord("u.png", "f" * 64, 53, 37, Verdict.unsure, None, MASKS[3], None),
    ]


def same(a, b):
    return (a is None) == (b is None) and (a is None or np.array_equal(a, b))


@pytest.mark.parametrize(
    ("write", "read", "keeps_hash"),
    [
        (lambda r: coco.write(r, shape="rle"), coco.read, True),
        (lambda r: coco.write(r, shape="polygons"), coco.read, True),
        (cvat.write, cvat.read, False),
        (labelstudio.write, labelstudio.read, True),
    ],
    ids=["coco", "coco-polygons", "cvat", "labelstudio"],
)
def test_every_format_gives_back_what_it_was_given(write, read, keeps_hash):
    given = records()
    for before, after in zip(given, list(read(write(given))), strict=True):
        assert (before.name, before.width, before.height, before.verdict, before.defect_type) == (
            after.name, after.width, after.height, after.verdict, after.defect_type,
        )  # fmt: skip
        assert same(before.mask, after.mask) and same(before.ignore, after.ignore)
        assert after.sha256 == (before.sha256 if keeps_hash else "")


def test_coco_runs_go_down_the_columns_and_begin_with_background():
    content = json.loads(coco.write(records()[3:4], shape="rle"))
    counts = content["annotations"][0]["segmentation"]["counts"]
    flat, value = [], 0
    for run in counts:  # by hand, as its specification says
        flat += [value] * run
        value = 1 - value
    assert np.array_equal(np.array(flat).reshape(53, 37).T, MASKS[3])


def test_coco_rectangles_cover_each_marked_pixel_once():
    hits = np.zeros((37, 53), int)
    for left, top, right, _, _, bottom, *_ in coco.rectangles(MASKS[0]):
        hits[top:bottom, left:right] += 1
    assert np.array_equal(hits, MASKS[0].astype(int))


def test_cocos_compressed_runs_are_read():
    def packed(runs):
        text = ""
        for i, run in enumerate(runs):
            value = run - runs[i - 2] if i > 2 else run
            more = True
            while more:
                letter = value & 31
                value >>= 5
                more = value != -1 if letter & 16 else value != 0
                text += chr((letter | (32 if more else 0)) + 48)
        return text

    for mask in MASKS:
        runs = runs_of(mask.ravel(order="F"))
        assert coco.unpacked(packed(runs)) == runs


def test_cvat_keeps_runs_along_the_rows_of_a_box():
    image = ET.fromstring(cvat.write(records()[3:4])).find("image/mask")
    left, top, wide, high = (int(image.get(name)) for name in ("left", "top", "width", "height"))
    flat = np.concatenate([np.full(int(run), i % 2) for i, run in enumerate(image.get("rle").split(","))])
    assert np.array_equal(flat.reshape(high, wide), MASKS[3][top : top + high, left : left + wide])


def test_cvats_polygons_and_boxes_are_filled_by_pixel_centres():
    xml = b"""<annotations><image id="0" name="a.png" width="12" height="9">
      <polygon label="dent" points="1,1;9.5,1;9.5,4;1,4"/><box label="dent" xtl="2" ytl="6" xbr="5.5" ybr="8"/>
    </image></annotations>"""
    (record,) = cvat.read(xml)
    expected = np.zeros((9, 12), bool)
    expected[1:4, 1:9] = expected[6:8, 2:5] = True
    assert np.array_equal(record.mask, expected) and record.defect_type == "dent"


def test_label_studios_code_is_read_with_literal_packets_too():
    bits = f"{4 * 2:032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "0" + "00" + f"{3:03b}" + "11111111" * 4  # four bytes as they are: the first pixel
    bits += "1" + "01" + f"{3:04b}" + "00000000"  # a run of four: the second
    bits += "0" * (-len(bits) % 8)
    code = list(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    assert labelstudio.decode(code, 2, 1).tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (coco.read, b"[]"), (coco.read, b"no json"), (cvat.read, b"<html/>"), (cvat.read, b"<broken"),
        (cvat.read, b'<!DOCTYPE a [<!ENTITY b "c">]><annotations/>'), (labelstudio.read, b'{"a": 1}'),
    ],
)  # fmt: skip
def test_what_is_not_of_the_format_is_a_sentence(read, data):
    with pytest.raises(Refused, match=r"export it|no COCO"):
        list(read(data))


def test_runs_that_do_not_fill_the_image_are_refused():
    with pytest.raises(Unread, match="5 pixels instead of 6"):
        from_runs([2, 3], 6)
    assert inside(np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]]), 3, 3).sum() == 4


def stored(context, slug):
    """(verdict, type, mask bytes, ignore bytes) by content hash."""
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        kinds = {kind.id: kind.name for kind in annotations.defect_types(session, project.id)}
        by_id = {image.id: image.pixels for image in images.images_for(session, project.id)}
        return {
            by_id[row.image_id]: (row.verdict, kinds.get(row.defect_type_id or 0), row.mask, row.ignore)
            for row in annotations.current_annotations(session, project.id)
        }


@pytest.fixture
def pools(context, tmp_path):
    """Two projects with the same four images; the first has labels with rough masks."""
    (tmp_path / "pool").mkdir()
    for i in range(4):
        (tmp_path / "pool" / f"{i}.png").write_bytes(part(i))
    slugs = [create_project(context, ENGINEER, name=name, built_in=True, size=64).slug for name in ("one", "two")]
    for slug in slugs:
        ingest_source(context, ENGINEER, slug, tmp_path / "pool", content="unknown")
    with context.database.read() as session:
        ids = [image.id for image in images.images_for(session, images.project_by_slug(session, "one").id)]
    for i, (image_id, verdict) in enumerate(zip(ids, (Verdict.defect, Verdict.defect, Verdict.normal), strict=False)):
        mask, ignore = rough(2 * i + 1, (64, 64)), rough(2 * i + 2, (64, 64))
        save_verdict(
            context, REVIEWER, image_id, verdict=verdict, defect_type="dent", mask_png=encode_mask(mask),
            ignore_png=encode_mask(ignore), client_id=str(uuid.uuid4()), expected_revision=0,
        )  # fmt: skip
    return slugs


@pytest.mark.parametrize("format", FORMATS)
def test_labels_go_from_one_project_to_another_byte_for_byte(context, pools, tmp_path, format):
    one, two = pools
    out = tmp_path / "labels"
    assert export_labels(context, REVIEWER, one, out, format=format) == LabelExport(3, [])
    done = import_labels(context, REVIEWER, two, out, format=format)
    assert (len(done.new), len(done.changes), done.remarks) == (3, 3, [])
    assert stored(context, two) == stored(context, one)
    again = import_labels(context, REVIEWER, two, out, format=format)
    assert (len(again.new), len(again.changes)) == (0, 3)


def test_one_label_that_cannot_be_written_is_named_and_the_others_are_there(context, pools, tmp_path):
    with context.database.read() as session:
        found = images.images_for(session, images.project_by_slug(session, "one").id)
    for image, kind in ((found[0], "🔩" * 80), (found[1], "dent")):  # the first is 320 bytes long, and a name has 255
        save_verdict(
            context, REVIEWER, image.id, verdict=Verdict.defect, defect_type=kind,
            mask_png=encode_mask(rough(5, (64, 64))), client_id=str(uuid.uuid4()), expected_revision=1,
        )  # fmt: skip
    done = export_labels(context, REVIEWER, "one", tmp_path / "long", format="mvtec")
    assert done.written == 2 and [(row.image, row.item) for row in done.left_out] == [("0.png", "🔩" * 80)]
    assert {path.parent.name for path in (tmp_path / "long/test").rglob("*.png")} == {"dent"}
    key = found[1].pixels
    (context.settings.home / "objects" / path_of(key)).unlink()
    done = export_labels(context, REVIEWER, "one", tmp_path / "gone", format="mvtec")
    assert done.written == 1 and {row.image for row in done.left_out} == {"0.png", "1.png"}
    assert export_labels(context, REVIEWER, "one", tmp_path / "a.json", format="coco").written == 3
    (context.settings.home / "objects" / path_of(found[2].pixels)).unlink()
    with pytest.raises(Refused, match=r"no label can be written: \d\.png: "):
        export_labels(context, REVIEWER, "one", tmp_path / "none", format="mvtec")
    assert not list(tmp_path.glob("*none*"))


def test_what_cannot_be_matched_is_told_and_the_rest_goes_in(context, pools, tmp_path):
    content = json.loads(coco.write([*records()[4:5]], shape="rle"))
    (tmp_path / "a.json").write_text(json.dumps(content))
    done = import_labels(context, REVIEWER, "two", tmp_path / "a.json", format="coco")
    assert not done.changes and "no image of this project has the content of its hash" in done.skipped[0].text
    with pytest.raises(Refused, match="format 'yolo' is not known"):
        export_labels(context, REVIEWER, "one", tmp_path / "b", format="yolo")
    with pytest.raises(NotAllowed):
        import_labels(context, Actor("ida", Role.inspector), "two", tmp_path / "a.json", format="coco")


def test_where_mask_and_dont_care_meet_the_mask_wins(context, pools):
    with context.database.read() as session:
        first = images.images_for(session, images.project_by_slug(session, "one").id)[0].id
    said = label_view(context, REVIEWER, "one", first).said
    assert not (decode_mask(said.mask) & decode_mask(said.ignore)).any() and DONT_CARE
