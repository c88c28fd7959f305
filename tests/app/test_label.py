"""Labels: what the page is told of an image, and saves that are what they say."""

import io
import uuid

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from app.services import heat
from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.label import heatmap_png, image_bytes, label_view, save_verdict, undo
from app.services.score import ranked_queue
from storage.errors import BadMask, BadName, BadText, Conflict, NotFound
from storage.masks import decode_mask
from storage.models import Role, Standing, Verdict
from tests.app.conftest import encode, scratch_mask

IDA = Actor("ida", Role.inspector)
OTTO = Actor("otto", Role.inspector)
VIC = Actor("vic", Role.viewer)


@pytest.fixture
def first(trained):
    """The most abnormal image without a label."""
    return ranked_queue(trained, IDA, "tile", show="unlabelled").items[0].image_id


def save(context, actor, image_id, verdict=Verdict.defect, *, revision=0, client_id=None, **more):
    client_id = client_id or str(uuid.uuid4())
    return save_verdict(
        context, actor, image_id, verdict=verdict, client_id=client_id, expected_revision=revision, **more
    )


def test_the_page_is_told_where_the_image_stands(trained, first):
    view = label_view(trained, VIC, "tile", first)
    reading = view.reading
    assert (view.width, view.height, view.said.revision, view.said.verdict) == (64, 64, 0, None)
    assert reading.scale.b_a < reading.scale.b_n < reading.scale.median
    assert (reading.standing is Standing.normal) == (reading.lowest >= reading.scale.b_n) == (reading.score <= 0.5)
    assert bool(reading.isolines["b_n"]) == (reading.regions > 0) == (reading.standing is not Standing.normal)
    assert reading.levels == ["fused", "1", "2", "3"]
    assert sum(reading.places) == (64 // 4) ** 2  # every cell of the finest level is counted once


def test_an_image_of_another_project_or_of_none_is_refused(trained, first, tmp_path):
    from app.services.ingest import create_project

    create_project(trained, Actor("ann", Role.engineer), name="screw", built_in=True)
    with pytest.raises(Refused, match="not in screw"):
        label_view(trained, IDA, "screw", first)
    with pytest.raises(NotFound, match="99999"):
        label_view(trained, IDA, "tile", 99999)


def test_a_saved_defect_carries_type_mask_author_and_what_was_seen(trained, first):
    reading = label_view(trained, IDA, "tile", first).reading
    row = save(
        trained, IDA, first, defect_type="scratch", mask_png=scratch_mask(),
        version_id=reading.version_id, score=reading.score,
    )  # fmt: skip
    said = label_view(trained, IDA, "tile", first).said
    assert (said.verdict, said.defect_type, said.by, said.revision) == (Verdict.defect, "scratch", "ida", 1)
    assert (row.version_id, row.score) == (reading.version_id, reading.score)
    assert np.array_equal(decode_mask(said.mask), decode_mask(scratch_mask()))


def test_the_same_save_twice_is_one_revision(trained, first):
    one = save(trained, IDA, first, client_id="click")
    assert save(trained, IDA, first, client_id="click").id == one.id


def test_two_people_on_one_image_see_each_other(trained, first):
    save(trained, IDA, first, Verdict.normal)
    with pytest.raises(Conflict, match="ida said normal in between"):
        save(trained, OTTO, first, Verdict.defect)


def test_a_normal_part_keeps_no_mask_and_an_empty_mask_is_none(trained, first):
    assert save(trained, IDA, first, Verdict.normal, mask_png=scratch_mask()).mask is None
    empty = encode(Pillow.new("L", (64, 64)))
    assert save(trained, IDA, first, Verdict.defect, mask_png=empty, revision=1).mask is None


@pytest.mark.parametrize(
    ("png", "says"),
    [
        (encode(Pillow.new("L", (8, 8), 255)), "mask is 8x8 but its image is 64x64"),
        (b"GIF89a", "no PNG"),
        (b"", "no PNG"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_and_nothing_is_saved(trained, first, png, says):
    with pytest.raises(BadMask, match=says):
        save(trained, IDA, first, mask_png=png)
    assert label_view(trained, IDA, "tile", first).said.revision == 0


@pytest.mark.parametrize("kind", ["Good", "unsure", "dont_care", "x" * 81, "a\x00b"])
def test_a_type_that_means_something_else_is_refused_where_it_is_made_and_nothing_is_saved(trained, first, kind):
    with pytest.raises((BadName, BadText), match=r"type|text"):
        save(trained, IDA, first, defect_type=kind)
    assert label_view(trained, IDA, "tile", first).said.revision == 0


def test_viewers_look_and_do_not_label(trained, first):
    with pytest.raises(NotAllowed, match="needs inspector"):
        save(trained, VIC, first)
    with pytest.raises(NotAllowed, match="needs inspector"):
        undo(trained, VIC, first, expected_revision=0)


def test_undo_brings_back_what_stood_before(trained, first):
    save(trained, IDA, first, Verdict.defect, defect_type="scratch", mask_png=scratch_mask())
    save(trained, IDA, first, Verdict.normal, revision=1)
    undo(trained, IDA, first, expected_revision=2)
    said = label_view(trained, IDA, "tile", first).said
    assert (said.verdict, said.defect_type, said.revision) == (Verdict.defect, "scratch", 3) and said.mask
    assert first not in [item.image_id for item in ranked_queue(trained, IDA, "tile", show="unlabelled").items]


def test_undo_of_the_first_label_puts_the_image_back_into_the_queue(trained, first):
    save(trained, IDA, first)
    undo(trained, IDA, first, expected_revision=1)
    assert first in [item.image_id for item in ranked_queue(trained, IDA, "tile", show="unlabelled").items]
    with pytest.raises(Refused, match="no label"):
        undo(trained, IDA, first, expected_revision=2)


def test_nobody_takes_back_another_persons_label(trained, first):
    save(trained, IDA, first)
    with pytest.raises(Refused, match="the label is ida's"):
        undo(trained, OTTO, first, expected_revision=1)


def test_images_are_served_as_they_were_re_encoded(trained, first):
    pixels, media = image_bytes(trained, VIC, first, thumb=False)
    assert media == "image/png" and Pillow.open(io.BytesIO(pixels)).size == (64, 64)
    thumb, media = image_bytes(trained, VIC, first, thumb=True)
    assert media == "image/jpeg" and Pillow.open(io.BytesIO(thumb)).size == (64, 64)


def test_a_heatmap_is_hottest_where_the_log_likelihood_is_lowest(trained, first):
    reading = label_view(trained, VIC, "tile", first).reading
    for level in reading.levels:
        data = heatmap_png(trained, VIC, first, reading.version_id, level)
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture.shape == (64, 64, 4)
    with pytest.raises(Refused, match="no level '9'"):
        heatmap_png(trained, VIC, first, reading.version_id, "9")


SCALE = heat.Scale(median=0.0, b_n=-1.0, b_a=-2.0)


def test_heat_is_an_absolute_scale_with_the_boundary_in_its_middle():
    assert heat.heat_of(np.array([3.0, 0.0, -1.0, -2.0, -50.0]), SCALE).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_calm_places_are_clear_and_hot_ones_leave_the_part_visible():
    plane = np.array([[0.0, -9.0]], dtype=np.float32)
    painted = heat.painted(plane, SCALE, (2, 1))
    assert painted[0, 0, 3] == 0 and painted[0, 1, 3] == int(0.85 * 255)


def test_isolines_close_around_what_lies_below_also_at_the_edge():
    plane = np.zeros((8, 8), dtype=np.float32)
    plane[0:2, 0:3] = -5.0  # at the image's corner
    plane[5, 5] = -5.0
    rings = heat.isolines(plane, -1.0, (80, 80))
    assert len(rings) == heat.regions(plane, -1.0) == 2
    mask = np.zeros((80, 80), np.uint8)
    for ring in rings:
        points = np.array(ring).reshape(-1, 2)
        assert points.min() >= 0 and points.max() <= 80
        cv2.fillPoly(mask, [points.round().astype(np.int32)], 1)
    assert mask[5, 5] and mask[55, 55] and not mask[40, 10]
    assert heat.isolines(plane, -9.0, (80, 80)) == []
