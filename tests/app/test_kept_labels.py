"""Label files that went wrong once, each with what is right: the label that was meant, or a line that says why not."""

import io
import shutil
import unicodedata

import numpy as np
import pytest
from PIL import Image

from app.services.annotation.import_plan import Rules
from app.services.errors import Refused
from app.services.label import save_verdict
from storage import annotations, images
from storage.masks import encode_mask
from storage.models import Verdict
from tests.app.conftest import part
from tests.app.labelled import ENGINEER, box_of, ingested, said, taken

GOOD = ("defect", {"scratch": 450})
L_SHAPE = ("defect", {"scratch": 16})


@pytest.fixture
def database_url(migrated_sqlite, tmp_path):
    """One engine is enough: what is tried here is what a file means."""
    shutil.copyfile(migrated_sqlite, tmp_path / "bgad.db")
    return f"sqlite:///{tmp_path / 'bgad.db'}"


@pytest.fixture
def kept(shared, tmp_path):
    """A copy of one of the kept folders, its pictures alone in a folder to ingest: (pictures, files)."""

    def copy(name):
        files, pictures = shared / "inputs" / "labels" / name, tmp_path / name / "pictures"
        pictures.mkdir(parents=True)
        for path in [*files.glob("*.png"), *files.glob("*.bmp")]:
            shutil.copy(path, pictures)
        return pictures, files

    return copy


@pytest.fixture
def outcome(context, kept):
    """Imports one file on the pictures beside it: (labels by image, {(image, item) of what was skipped})."""

    def run(folder, file, format):
        pictures, files = kept(folder)
        slug = ingested(context, pictures)
        plan = taken(context, slug, files / file, format)
        return said(context, slug), {(each.image, each.item) for each in plan.skipped}

    return run


ONE_SKIPPED = {("p01.png", "annotation 2")}
COCO = [
    ("B05", "string_image_id", {"p0.png": GOOD}, set()),
    ("B05", "string_cat_id", {"p0.png": GOOD}, set()),
    ("B05", "bad_sum_plus_good", {"p0.png": GOOD}, {("p1.png", "annotation 2")}),
    ("B05", "bad_compressed", {"p0.png": GOOD}, {("p1.png", "annotation 2")}),
    ("B05", "counts_as_byte_string_repr", {}, {("p0.png", "annotation 1")}),
    ("B05", "mask_of_a_120x50_image_given_for_100x60", {}, {("p0.png", "annotation 1")}),
    ("B05", "mask_of_a_60x100_image_for_100x60_image", {}, {("p0.png", "annotation 1")}),
    ("B05", "no_width_height", {"p0.png": GOOD}, set()),
    ("B05", "dup_image_ids", {}, {("p0.png", ""), ("p1.png", "")}),
    ("B28", "flat_list", {"p00.png": GOOD, "p01.png": GOOD}, set()),
    ("B28", "bbox_only_no_segmentation_key", {"p00.png": GOOD, "p01.png": GOOD}, set()),
    ("B28", "seven_numbers", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "NaN", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "category_missing", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "segmentation_null", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "empty_segmentation_with_bbox", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "two_point_polygon", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "wholly_outside", {"p00.png": GOOD}, ONE_SKIPPED),
    ("B28", "unknown_image", {"p00.png": GOOD}, {("", "annotation 2")}),
    ("B28", "same_file_as_path_and_bare", {}, {("a/p00.png", ""), ("b/p00.png", "")}),
    ("B28", "two_types_on_one_image", {"p00.png": ("defect", {"scratch": 450, "dent": 100})}, set()),
    ("BX", "sur", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "annotation 2")}),
    ("BX", "surn", {"p1.png": ("defect", {"a": 450})}, {("\\ud800.png", "")}),
    ("BX", "nul", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "annotation 2")}),
    ("BX", "cn", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "annotation 2")}),
    ("BX", "dtn", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "")}),
    ("BX", "dtl", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "")}),
    ("BX", "dtd", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "")}),
    ("BX", "dtdv", {"p1.png": ("defect", {"a": 450})}, {("p0.png", "")}),
]


@pytest.mark.parametrize(
    ("folder", "file", "labels", "skipped"), COCO, ids=lambda it: it if isinstance(it, str) else ""
)
def test_coco(outcome, folder, file, labels, skipped):
    assert outcome(folder, f"{file}.json", "coco") == (labels, skipped)


def test_an_image_that_a_file_only_lists_keeps_its_label(context, kept):
    pictures, files = kept("B05")
    slug = ingested(context, pictures)
    taken(context, slug, files / "a.json", "coco")
    plan = taken(context, slug, files / "b.json", "coco")
    assert said(context, slug) == {"p0.png": GOOD} and plan.listed == ["p0.png"] and not plan.new


def test_images_without_annotations_are_normal_where_somebody_says_so_but_not_over_a_persons_defect(context, kept):
    _, files = kept("B04")
    pictures, _ = kept("B05")
    for number in range(2, 10):
        shutil.copy(files / "tree" / "test" / "scratch" / "000003.png", pictures / f"p{number}.png")
        picture = pictures / f"p{number}.png"
        picture.write_bytes(picture.read_bytes() + bytes([number]))
    slug = ingested(context, pictures)
    with context.database.read() as session:
        everything = images.images_for(session, images.project_by_slug(session, slug).id)
        drawn = next(image for image in everything if image.name == "p2.png")
    save_verdict(
        context, ENGINEER, drawn.id, verdict=Verdict.defect, defect_type="scratch",
        mask_png=encode_mask(np.ones((drawn.height, drawn.width), bool)), client_id="hers", expected_revision=0,
    )  # fmt: skip
    content = (files / "f.json").read_text().replace('"width": 100', f'"width": {drawn.width}')
    (pictures / "f.json").write_text(content.replace('"height": 60', f'"height": {drawn.height}'))
    assert taken(context, slug, pictures / "f.json", "coco").listed == [f"p{n}.png" for n in range(10)]
    assert set(said(context, slug)) == {"p2.png"}
    plan = taken(context, slug, pictures / "f.json", "coco", Rules("normal"))
    assert said(context, slug)["p2.png"][0] == "defect" and ("p2.png", "") in {(r.image, r.item) for r in plan.skipped}
    assert [said(context, slug)[f"p{n}.png"][0] for n in (3, 4)] == ["normal", "normal"]
    taken(context, slug, pictures / "f.json", "coco", Rules("normal", replace_defects=True))
    assert said(context, slug)["p2.png"] == ("normal", {})


CVAT = [
    ("B19", "left_minus_2", {"p00.png": L_SHAPE}, {("p01.png", "mask no. 1 (scratch)")}),
    ("B19", "over_right_edge_by_1", {"p00.png": L_SHAPE}, {("p01.png", "mask no. 1 (scratch)")}),
    ("B19", "sum_25", {"p00.png": L_SHAPE}, {("p01.png", "mask no. 1 (scratch)")}),
    ("B19", "float_left", {"p00.png": L_SHAPE}, {("p01.png", "mask no. 1 (scratch)")}),
    ("B19", "polygon_bad_point", {"p00.png": L_SHAPE}, {("p01.png", "polygon no. 1 (scratch)")}),
    ("B19", "empty_mask", {"p00.png": L_SHAPE}, {("p01.png", "mask no. 1 (scratch)")}),
    (
        "B19", "polyline_points_ellipse_cuboid",
        {"p01.png": ("defect", {"dent": 160}), "p04.png": ("defect", {"scratch": 16, "dent": 160})},
        {
            ("p00.png", "polyline no. 1 (scratch)"), ("p02.png", "points no. 1 (dot)"),
            ("p03.png", "skeleton no. 1 (sk)"),
        },
    ),
    (
        "B19", "tag_with_attribute",
        {"p00.png": ("normal", {}), "p01.png": ("normal", {}), "p02.png": ("normal", {})}, {("p03.png", "")},
    ),
    ("B19", "two", {}, {("p00.png", "")}),
    ("B18", "dent_first", {"p00.png": ("defect", {"dent": 1900, "scratch": 100})}, set()),
    ("B18", "scratch_inside_dent,_scratch_first", {"p00.png": ("defect", {"dent": 1900, "scratch": 100})}, set()),
    ("B18", "two_types_apart", {"p00.png": ("defect", {"dent": 100, "scratch": 100})}, set()),
    ("B08", "CVAT_rotated_90", {"p00.png": ("defect", {"scratch": 400})}, set()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "file", "labels", "skipped"), CVAT, ids=lambda it: it if isinstance(it, str) else ""
)
def test_cvat(outcome, folder, file, labels, skipped):
    assert outcome(folder, f"{file}.xml", "cvat") == (labels, skipped)


def test_boxes_turn_about_their_centre_in_cvat(context, kept):
    pictures, files = kept("B08")
    slug = ingested(context, pictures)
    taken(context, slug, files / "CVAT_rotated_90.xml", "cvat")
    assert box_of(context, slug, "p00.png") == (45, 54, 5, 44)
    taken(context, slug, files / "CVAT_rotated_45.xml", "cvat")
    assert box_of(context, slug, "p00.png") == (36, 63, 16, 43)
    assert abs(said(context, slug)["p00.png"][1]["scratch"] - 400) < 25  # pixels whose centres lie in the diamond


def test_a_video_is_refused_in_words(outcome):
    with pytest.raises(Refused, match="the tracks of a video, which are not read"):
        outcome("B19", "track.xml", "cvat")


BRUSHED = ("defect", {"scratch": 600})
LABEL_STUDIO = [
    ("B09", "rows_0-14", {"p00.png": BRUSHED}, set()),
    ("B09", "no_original_size", {"p00.png": BRUSHED}, {("p01.png", "brushlabels 'a'")}),
    ("B09", "rle_of_other_size", {"p00.png": BRUSHED}, {("p01.png", "brushlabels 'a'")}),
    ("B09", "cut_rle", {"p00.png": BRUSHED}, {("p01.png", "brushlabels 'a'")}),
    ("B09", "brushlabels_list_empty", {"p00.png": BRUSHED}, {("p01.png", "brushlabels 'a'")}),
    # The brush of a picture of 30x40 in a task of 40x30: byte for byte that of a right one, so nothing can tell it.
    ("B09", "rle_of_turned_size", {"p00.png": BRUSHED, "p01.png": BRUSHED}, set()),
    ("B09", "rotation_90", {"p00.png": BRUSHED}, {("p01.png", "brushlabels 'a'")}),
    ("B09", "labels_typed_brush", {"p00.png": BRUSHED}, set()),
    ("B09", "two_labels", {"p00.png": ("defect", {"scratch": 600, "dent": 20})}, set()),
    ("B09", "upload_name", {"p00.png": BRUSHED}, set()),
    ("B08", "LS_rectangle", {"p00.png": ("defect", {"scratch": 200})}, set()),
    ("B08", "LS_polygon_percent", {"p00.png": GOOD}, set()),
    ("B08", "LS_ellipse", {"p00.png": ("defect", {"scratch": 192})}, set()),
    ("B08", "LS_keypoint", {}, {("p00.png", "keypointlabels 'a'")}),
    ("B08", "LS_empty_result", {"p01.png": ("defect", {"scratch": 180})}, set()),
    ("BX", "ls", {"p0.png": ("normal", {})}, set()),
]


@pytest.mark.parametrize(
    ("folder", "file", "labels", "skipped"), LABEL_STUDIO, ids=lambda it: it if isinstance(it, str) else ""
)
def test_label_studio(outcome, folder, file, labels, skipped):
    assert outcome(folder, f"{file}.json", "labelstudio") == (labels, skipped)


def test_rectangles_turn_about_their_corner_in_label_studio(context, kept):
    pictures, files = kept("B08")
    slug = ingested(context, pictures)
    taken(context, slug, files / "LS_rectangle_rotated.json", "labelstudio")
    assert box_of(context, slug, "p00.png") == (20, 29, 20, 39)
    assert said(context, slug) == {"p00.png": ("defect", {"scratch": 200})}


@pytest.mark.parametrize(("file", "format"), [("coco.zip", "coco"), ("cvat.zip", "cvat")])
def test_the_zips_that_tools_export_are_opened(outcome, file, format):
    labels, skipped = outcome("BX", file, format)
    assert labels and not skipped


@pytest.mark.parametrize("spelling", ["NFC", "NFD"])
def test_a_name_is_found_however_its_accents_are_written(context, kept, spelling):
    pictures, files = kept("BX")
    (pictures / "p0.png").rename(pictures / unicodedata.normalize(spelling, "écran.png"))
    slug = ingested(context, pictures)
    taken(context, slug, files / "nfc.json", "coco")
    assert sorted(types for _, (_, types) in said(context, slug).items() for types in types) == ["a", "b"]


@pytest.mark.parametrize("file", ["w.json", "w2.json"])
def test_a_base_name_alone_puts_no_label_on_another_picture(context, shared, file):
    files = shared / "inputs" / "labels" / "B01"
    slug = ingested(context, files / "sub", content="auto")
    plan = taken(context, slug, files / file, "coco")
    assert [remark.image for remark in plan.skipped] == ["test/scratch/000.png"] and not plan.new
    assert said(context, slug) == {"train/good/000.png": ("normal", {})}


@pytest.mark.parametrize("format", ["coco", "cvat", "labelstudio"])
def test_of_an_export_of_six_the_one_picture_that_is_here_gets_its_own_label(context, shared, format):
    files = shared / "inputs" / "labels" / "B01"
    slug = ingested(context, files / "sub", content="auto")
    plan = taken(context, slug, files / f"o_{format}", format)
    assert (len(plan.changes), len(plan.new), len(plan.skipped)) == (1, 0, 5)


def only(folder, pattern, to):
    to.mkdir(parents=True)
    for number, path in enumerate(sorted(folder.glob(pattern))):
        shutil.copy(path, to / f"{number:03d}{path.suffix.lower()}")
    return to


def test_masks_of_zeros_and_ones_mark_as_much_as_any(context, shared, tmp_path):
    tree = shared / "inputs" / "labels" / "B06" / "tree01"
    slug = ingested(context, only(tree, "test/scratch/*.png", tmp_path / "flat"))
    taken(context, slug, tree, "mvtec")
    assert said(context, slug) == {"000.png": GOOD, "001.png": GOOD}
    assert said(context, ingested(context, tree, name="whole", content="auto")) == {
        "test/scratch/000.png": GOOD, "test/scratch/001.png": GOOD,
    }  # fmt: skip


@pytest.fixture
def many_masks(shared, tmp_path):
    """The kept masks of one square in six kinds of files, each beside a picture of its own."""
    tree = tmp_path / "tree"
    shutil.copytree(shared / "inputs" / "labels" / "B06" / "tree200x150", tree)
    (tree / "test" / "scratch").mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(sorted((tree / "ground_truth" / "scratch").iterdir())):
        picture = tree / "test" / "scratch" / f"{mask.stem.removesuffix('_mask')}.png"
        if not picture.exists():
            picture.write_bytes(sized(part(number, size=200)))
    return tree


def sized(png):
    out = io.BytesIO()
    Image.open(io.BytesIO(png)).crop((0, 0, 200, 150)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("way", ["ingest", "import"])
def test_a_mask_means_the_same_in_every_kind_of_file_and_by_every_way_in(context, many_masks, tmp_path, way):
    if way == "ingest":
        slug = ingested(context, many_masks, content="auto")
    else:
        slug = ingested(context, only(many_masks, "test/scratch/*.png", tmp_path / "flat"))
        taken(context, slug, many_masks, "mvtec")
    pixels = sorted(types["scratch"] for _, types in said(context, slug).values())
    assert len(pixels) == 6 and pixels[1:] == [2000] * 5 and 1980 <= pixels[0] <= 2000  # the soft one is blurred


def test_each_mask_of_a_tree_is_of_the_picture_that_its_folders_name(context, shared):
    tree = shared / "inputs" / "labels" / "B07" / "nested"
    slug = ingested(context, tree, content="auto")
    assert box_of(context, slug, "test/scratch/a/000.png")[:2] == (5, 9)
    assert box_of(context, slug, "test/scratch/b/000.png")[:2] == (60, 64)


@pytest.mark.parametrize("way", ["ingest", "import"])
def test_folders_of_masks_and_masks_of_other_kinds(context, shared, tmp_path, way):
    tree = shared / "inputs" / "labels" / "B07" / "loco"
    if way == "ingest":
        slug = ingested(context, tree, content="auto")
        found = {name.rsplit("/", 1)[-1]: label for name, label in said(context, slug).items() if "test" in name}
    else:
        slug = ingested(context, only(tree, "test/scratch/*.png", tmp_path / "flat"))
        plan = taken(context, slug, tree, "mvtec")
        assert "train/good/000.png" in {remark.image for remark in plan.skipped}
        found = said(context, slug)
    assert {name: types["scratch"] for name, (_, types) in found.items()} == {
        "000.png": 40, "001.png": 9, "002.png": 16, "003.png": 25, "004.png": 0,
    }  # fmt: skip


def test_several_masks_of_one_picture_are_one(context, shared):
    tree = shared / "inputs" / "labels" / "B07" / "jpg"
    slug = ingested(context, tree, content="auto")
    marked = {name: types["scratch"] for name, (_, types) in said(context, slug).items() if name.startswith("test")}
    files = sorted((tree / "ground_truth" / "scratch").glob("000*"))
    union = np.logical_or.reduce([np.asarray(Image.open(file).convert("L")) > 0 for file in files])
    assert len(files) == 3 and marked["test/scratch/000.JPG"] == union.sum() and all(marked.values())
    flat = ingested(context, tree / "test", name="flat")
    assert len(taken(context, flat, tree, "mvtec").new) == 3


def test_what_export_wrote_comes_back_as_it_was(context, shared):
    slug = ingested(context, shared / "inputs" / "labels" / "B04" / "tree", content="auto")
    labels = said(context, slug)
    assert {name.split("/")[1]: verdict for name, (verdict, _) in labels.items()} == {
        "good": "normal", "unsure": "unsure", "defect": "defect", "dent": "defect", "scratch": "defect",
    }  # fmt: skip
    assert {kind for name, (_, types) in labels.items() for kind in types if "/defect/" in name} == {""}
    with context.database.read() as session:
        project = images.project_by_slug(session, slug)
        kept = [row for row in annotations.current_annotations(session, project.id) if row.ignore is not None]
    assert len(kept) == 2


@pytest.mark.parametrize(("folder", "good"), [("btad", "ok"), ("cap", "Good")])
def test_ok_and_good_are_normal_in_any_case(context, shared, folder, good):
    slug = ingested(context, shared / "inputs" / "labels" / "B04" / folder, content="auto")
    labels = said(context, slug)
    assert {verdict for name, (verdict, _) in labels.items() if f"/{good}/" in name} == {"normal"}
    assert {verdict for name, (verdict, _) in labels.items() if f"/{good}/" not in name} == {"defect"}
