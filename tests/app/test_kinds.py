"""Several types of defect in one image: kept, shown, taken back, learnt from and handed on, each with its own mask."""

import io
import json
import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pillow

from app.services.annotation.label_export import FORMATS, export_labels
from app.services.annotation.label_import import import_labels
from app.services.errors import Refused
from app.services.ingest import create_project, ingest_source
from app.services.kinds import marked, painted, split
from app.services.label import label_view, save_verdict, undo
from app.services.label_history import label_history, restore
from app.services.retrain import retrain_preview, training_data
from app.services.score import ranked_queue
from app.worker.samples import defect_sample, label_digest, types_of
from storage import audit, images, typed_masks
from storage.masks import decode_mask, encode_mask
from storage.models import Verdict
from storage.scores import Narrow
from tests.app.conftest import ENGINEER, part

SIDE = 64
ONE, TWO, THREE = (np.zeros((SIDE, SIDE), bool) for _ in range(3))
ONE[4:20, 4:20] = TWO[10:40, 30:50] = THREE[50:60, 2:30] = True
masks = arrays(bool, (5, 7))


@pytest.fixture
def image(context, tmp_path):
    """The id of an image without a label in the project "tile"."""
    (tmp_path / "pool").mkdir()
    for number in range(6):
        (tmp_path / "pool" / f"{number}.png").write_bytes(part(number, size=SIDE))
    for name in ("tile", "other"):
        create_project(context, ENGINEER, name=name, built_in=True, size=SIDE)
        ingest_source(context, ENGINEER, name, tmp_path / "pool", content="unknown")
    with context.database.read() as session:
        return images.images_for(session, images.project_by_slug(session, "tile").id)[0].id


def save(context, image_id, *, kind="scratch", mask=ONE, others=None, verdict=Verdict.defect, revision=0):
    return save_verdict(
        context, ENGINEER, image_id, verdict=verdict, defect_type=kind, mask_png=encode_mask(mask),
        typed_png={name: encode_mask(part) for name, part in (others or {}).items()}, client_id=str(uuid.uuid4()),
        expected_revision=revision,
    )  # fmt: skip


def said(context, image_id, slug="tile"):
    found = label_view(context, ENGINEER, slug, image_id).said
    return found.defect_type, decode_mask(found.mask), {name: decode_mask(png) for name, png in found.typed.items()}


@given(mask=masks, a=masks, b=masks, own=st.sampled_from([None, "a", "c", " a "]))
def test_every_marked_pixel_is_of_the_type_that_was_said_and_none_is_made_up(mask, a, b, own):
    found, said = marked(mask, own, {"a": a, "b": b}), own.strip() if own else None
    rest = mask & ~a & ~b
    assert np.array_equal(found.mask, mask | a | b)
    if said is None and (a | b).any() and not rest.any():
        said = "a" if a.sum() >= b.sum() else "b"
    assert found.defect_type == said
    given = {name: part | rest if name == said else part for name, part in (("a", a), ("b", b))}
    given |= {"c": rest} if said == "c" else {}
    given = {name: part for name, part in given.items() if part.any()}
    expected = given if given.keys() - {said} else {}
    assert {name: part.tolist() for name, part in found.typed.items()} == {n: p.tolist() for n, p in expected.items()}


@given(numbers=arrays(np.uint8, (6, 9), elements=st.integers(0, 4)))
def test_numbers_from_the_browser_and_masks_by_type_say_the_same(numbers):
    types = ["scratch", "dent", "stain"]
    picture = io.BytesIO()
    Pillow.fromarray(np.repeat(numbers[..., None], 3, 2)).save(picture, "PNG")  # as a canvas gives them
    found = split(picture.getvalue(), types)
    assert {name: decode_mask(png).tolist() for name, png in found.items()} == {
        name: (numbers == 2 + place).tolist() for place, name in enumerate(types) if (numbers == 2 + place).any()
    }
    again = painted(found, None, types)
    assert (again is None) == (not found)
    if again:
        assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(again))), np.where(numbers > 1, numbers, 0))


def test_a_number_without_a_type_and_a_mask_without_a_name_are_refused():
    picture = io.BytesIO()
    Pillow.fromarray(np.full((4, 4), 5, np.uint8)).save(picture, "PNG")
    with pytest.raises(Refused, match="type 4 of 1: reload the page"):
        split(picture.getvalue(), ["scratch"])
    with pytest.raises(Refused, match="no name of its type"):
        marked(ONE, None, {"  ": TWO})


def test_a_label_keeps_each_type_with_its_mask(context, image):
    save(context, image, others={"dent": TWO, "stain": THREE})
    kind, mask, typed = said(context, image)
    assert kind == "scratch" and np.array_equal(mask, ONE | TWO | THREE)
    assert {name: part.tolist() for name, part in typed.items()} == {
        "scratch": ONE.tolist(), "dent": TWO.tolist(), "stain": THREE.tolist(),
    }  # fmt: skip


def test_one_type_alone_has_no_masks_of_its_own(context, image):
    row = save(context, image, kind=None, others={"dent": ONE})
    assert said(context, image)[0] == "dent" and said(context, image)[2] == {}
    save(context, image, revision=row.revision, verdict=Verdict.unsure, others={"dent": TWO})
    kind, mask, typed = said(context, image)
    assert (kind, typed) == (None, {}) and np.array_equal(mask, ONE | TWO)


def test_a_chosen_type_that_marks_nothing_takes_no_pixel_from_those_that_do(context, image):
    save(context, image, kind="scratch", mask=TWO, others={"dent": TWO})
    kind, _, typed = said(context, image)
    assert kind == "scratch" and typed.keys() == {"dent"} and np.array_equal(typed["dent"], TWO)


def test_undo_and_restore_bring_the_types_back(context, image):
    save(context, image, others={"dent": TWO})
    save(context, image, revision=1)
    undo(context, ENGINEER, image, expected_revision=2)
    assert np.array_equal(said(context, image)[2]["dent"], TWO)
    given = {"revision": 2, "expected_revision": 3, "client_id": "back"}
    restore(context, ENGINEER, image, **given)
    assert said(context, image)[2] == {}
    assert [entry.types for entry in label_history(context, ENGINEER, image)] == [
        ("scratch",), ("scratch", "dent"), ("scratch",), ("scratch", "dent"),
    ]  # fmt: skip


def test_the_trail_vouches_for_the_mask_of_every_type(context, image):
    save(context, image, others={"dent": TWO})
    with context.database.write() as session:
        told = audit.entries(session, action="label", limit=1)[0]
    assert set(told.details["types"]) == {"scratch", "dent"} and told.details["type"] == "scratch"


def test_a_retrain_counts_every_type_and_a_sample_knows_them(context, image):
    row = save(context, image, others={"dent": TWO})
    preview = retrain_preview(context, ENGINEER, "tile")
    assert (preview.anomalies, preview.known) == (1, {"dent": 1, "scratch": 1})
    with context.database.read() as session:
        found, label = training_data(session, row.project_id).anomalies[0]
        types, names = types_of(session, row.project_id), typed_masks.names_of(session, row.project_id)
    sample = defect_sample(context, found, label, types, names[label.id])
    assert sample.types == {"scratch", "dent"} and np.array_equal(sample.mask, ONE | TWO)
    assert label_digest(label, types, {"dent": b"1"}) != label_digest(label, types, {"dent": b"2"})


@pytest.mark.parametrize("format", FORMATS)
def test_types_go_from_one_project_to_another_byte_for_byte(context, image, tmp_path, format):
    save(context, image, others={"dent": TWO, "stain": THREE})
    save(context, image + 1, mask=THREE)
    save(context, image + 2, mask=THREE, others={"dent": THREE})
    save(context, image + 3, mask=ONE, kind=None, others={"dent": TWO})  # a part of it is of no type
    out = tmp_path / "labels"
    export_labels(context, ENGINEER, "tile", out, format=format)
    assert len(import_labels(context, ENGINEER, "other", out, format=format).new) == 4
    with context.database.read() as session:
        twin = images.images_for(session, images.project_by_slug(session, "other").id)[0].id
    for place in range(4):
        given, got = (
            label_view(context, ENGINEER, *at).said for at in (("tile", image + place), ("other", twin + place))
        )
        assert (got.defect_type, got.mask, got.typed) == (given.defect_type, given.mask, given.typed)
    assert not import_labels(context, ENGINEER, "other", out, format=format).new  # once more changes nothing


def test_types_may_share_pixels_in_a_file_and_keep_them(context, image, tmp_path):
    rows = [(1, ONE), (2, ONE | TWO)]
    content = {
        "images": [{"id": 1, "file_name": "pool/0.png", "width": SIDE, "height": SIDE}],
        "categories": [{"id": 1, "name": "scratch"}, {"id": 2, "name": "dent"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": n, "segmentation": {"size": [SIDE, SIDE], "counts": runs(mask)}}
            for n, mask in rows
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert len(import_labels(context, ENGINEER, "tile", tmp_path / "a.json", format="coco").new) == 1
    kind, _, typed = said(context, image)
    assert kind == "dent" and np.array_equal(typed["scratch"], ONE) and np.array_equal(typed["dent"], ONE | TWO)


def runs(mask):
    flat, found, value = mask.ravel(order="F").tolist(), [0], False
    for pixel in flat:
        if pixel != value:
            found.append(0)
            value = pixel
        found[-1] += 1
    return found


def test_the_gallery_finds_an_image_by_any_of_its_types(trained):
    item = ranked_queue(trained, ENGINEER, "tile", show="unlabelled").items[0]
    save(trained, item.image_id, others={"dent": TWO})
    for name, there in (("scratch", True), ("dent", True), ("stain", False)):
        found = ranked_queue(trained, ENGINEER, "tile", narrow=Narrow(defect_type=name)).items
        assert (item.image_id in [each.image_id for each in found]) == there
