"""What a label is before it is written to a file and after it was read is the same, whatever its types are called."""

import io
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from app.services.annotation.image_matching import path_of, spellings
from app.services.kinds import marked
from app.services.label_formats import coco, cvat, labelstudio, mvtec
from app.services.label_formats.folders import folders_of, type_of
from app.services.label_formats.raster import ellipse, inside
from app.services.label_formats.record import LabelRecord, Remark
from app.services.label_formats.stored import stored
from app.services.layout import arrange, label_of
from app.services.mask_files import hardened
from app.services.sources import opened
from storage.errors import BadName
from storage.models import Verdict
from storage.type_names import RESERVED, folded, type_name

SIZE = (20, 17)
NOTHING = np.zeros(SIZE[::-1], dtype=bool)
ODD = ["日本", "Scratch", "scratch", "a/b", "..", "con", "50%", "%41", "a b", "x.", ".x", "é", "Kratzer & Co <1>", "🔩"]


def is_name(text):
    try:
        return type_name(text) == text
    except BadName:
        return False


names = st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=12).filter(is_name))
masks = arrays(bool, SIZE[::-1])


@st.composite
def records(draw):
    """A label in any state that one can have here, in the form that its row has."""
    verdict, mask = draw(st.sampled_from(Verdict)), draw(masks)
    ignore = draw(masks) & ~mask
    if verdict is Verdict.normal:
        return LabelRecord("a.png", "0" * 64, *SIZE, verdict)
    others = draw(st.dictionaries(names, masks, max_size=3)) if verdict is Verdict.defect else {}
    own = draw(st.one_of(st.none(), names)) if verdict is Verdict.defect else None
    found = marked(mask, own, others)
    return LabelRecord(
        "a.png", "0" * 64, *SIZE, verdict, found.defect_type, found.mask if found.mask.any() else None,
        ignore & ~found.mask if (ignore & ~found.mask).any() else None, found.typed,
    )  # fmt: skip


def picture(number):
    out = io.BytesIO()
    Image.fromarray(np.full((*SIZE[::-1], 3), number, np.uint8)).save(out, "PNG")
    return out.getvalue()


def through_a_tree(label):
    with tempfile.TemporaryDirectory() as folder:
        mvtec.write([label], Path(folder) / "tree", lambda _: picture(1))
        (Path(folder) / "tree" / "train" / "good").mkdir(parents=True, exist_ok=True)
        (Path(folder) / "tree" / "train" / "good" / "x.png").write_bytes(picture(2))
        with opened(Path(folder) / "tree") as entries:
            candidates, refused = arrange(entries, "auto")
            assert not refused
            (candidate,) = [each for each in candidates if not each.entry.name.endswith("x.png")]
            record, lost = label_of(candidate, sha256="", width=SIZE[0], height=SIZE[1])
            assert not lost
            return record


def through(write, read):
    def go(label):
        (record,) = read(write([label]))
        assert not isinstance(record, Remark), record
        return record

    return go


WAYS = {
    "coco": through(lambda labels: coco.write(labels, shape="rle"), coco.read),
    "coco-polygons": through(lambda labels: coco.write(labels, shape="polygons"), coco.read),
    "cvat": through(cvat.write, cvat.read),
    "labelstudio": through(labelstudio.write, labelstudio.read),
    "mvtec": through_a_tree,
}


@pytest.mark.parametrize("format", WAYS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(label=records())
def test_every_label_comes_back_from_every_format_as_it_was(format, label):
    size = {"width": SIZE[0], "height": SIZE[1]}
    assert stored(WAYS[format](label), **size) == stored(label, **size)


@given(st.lists(names, min_size=1, max_size=8, unique=True))
def test_types_get_folders_of_their_own_that_lead_nowhere_and_come_back(given_names):
    folders = folders_of(given_names)
    assert len({folder.casefold() for folder in folders.values()}) == len(given_names)
    for name, folder in folders.items():
        assert type_of(folder) == name and not set(folder) & set('/\\:*?"<>|\0') and folder not in (".", "..")


@pytest.mark.parametrize("folder", ["a%2", "%ZZ", "a%41", "plain", "100%"])
def test_a_strangers_folder_keeps_its_name(folder):
    assert type_of(folder) == folder


@pytest.mark.parametrize("word", sorted(RESERVED | {"Good", " OK ", "NORMAL", "Unsure"}))
def test_words_that_say_something_of_the_whole_part_are_no_types(word):
    with pytest.raises(BadName, match="is no type, it says something of the whole part"):
        type_name(word)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\0b", "\ud800", "a\nb", "a\u2028b", 5, None])
def test_a_name_that_no_file_can_hold_is_no_type(name):
    with pytest.raises(BadName):
        type_name(name)


def test_names_differ_by_case_and_not_by_how_accents_are_written():
    assert type_name("Scratch") != type_name("scratch")
    assert type_name(unicodedata.normalize("NFD", "écaille ")) == "écaille" and folded(" OK") == "ok"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a\\b\\c.png", ("a", "b", "c.png")), ("C:\\a\\c.png", ("a", "c.png")), ("./a//c.png", ("a", "c.png")),
        ("https://host:8080/x/a%20b.png?sig=1", ("x", "a b.png")), ("s3://bucket/x/c.png", ("x", "c.png")),
        ("/data/local-files/?d=x/c.png", ("x", "c.png")), ("e\u0301.png", ("\xe9.png",)),
    ],
)  # fmt: skip
def test_a_path_is_the_same_whoever_wrote_it(name, path):
    assert path_of(name) == path


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("/data/upload/12/ab12cd34-p.png", True), ("ab12cd34-p.png", True), ("images/ab12cd34-p.png", True),
        ("other/ab12cd34-p.png", False), ("ab12cd3-p.png", False), ("ab12cd34-", False),
    ],
)  # fmt: skip
def test_the_name_that_label_studio_gave_an_upload_is_the_uploads(name, bare):
    assert (("p.png",) in spellings(name)) == bare


def test_a_region_with_soft_edges_is_marked_to_its_half_and_labels_are_marked_whole():
    values = np.zeros((60, 90), np.uint8)
    values[5:25, 5:25] = 3  # the third type of a map of types
    values[5:25, 25:45] = 200  # beside another
    values[35:55, 5:25] = 60  # one with soft edges, dark as it is
    values[34, 5:25] = values[55, 5:25] = 40
    values[33, 5:25] = values[56, 5:25] = 15
    hard = hardened(values)
    assert hard[5:25, 5:45].all() and hard[34:56, 5:25].all() and not hard[33, 5:25].any()
    ramp = np.zeros((9, 60), np.uint8)
    ramp[2:7] = np.arange(60) * 4
    assert hardened(ramp)[4].tolist() == (np.arange(60) * 4 > 118).tolist()
    sixteen = np.zeros((9, 9), np.uint16)
    sixteen[3:6, 3:6] = 1
    assert hardened(sixteen).sum() == 9


def test_what_is_drawn_is_marked_where_the_pixels_centre_is_inside():
    disc = ellipse((5.0, 5.0), (3.0, 3.0), 0.0, 10, 10)
    expected = [[(x - 4.5) ** 2 + (y - 4.5) ** 2 <= 9 for x in range(10)] for y in range(10)]
    assert disc.tolist() == expected
    assert np.array_equal(ellipse((5.0, 4.0), (4.0, 2.0), 90.0, 10, 10), ellipse((5.0, 4.0), (2.0, 4.0), 0.0, 10, 10))
    assert inside(np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]]), 3, 3).sum() == 4
