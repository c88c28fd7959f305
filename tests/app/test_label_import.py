"""An import of labels: looked at without saving, saved whole or not at all, taken back whole."""

import json
import uuid

import pytest

from app.services.annotation.import_pictures import marked_thumb
from app.services.annotation.import_plan import Rules, format_of, plan_import
from app.services.annotation.label_import import import_labels, imports_of, save_import, undo_import
from app.services.errors import Refused
from app.services.ingest import ingest_source
from app.services.label import label_view, save_verdict
from storage import audit, images
from storage.errors import Conflict, NotFound
from storage.models import Verdict
from tests.app.conftest import ADMIN, ENGINEER, part, scratch_mask, write_tree
from tests.app.labelled import REVIEWER, ingested, said

BOX = [[10, 10, 30, 10, 30, 30, 10, 30]]


def coco(path, names, *, skip=()):
    rows = [{"id": n, "image_id": n, "category_id": 1, "segmentation": [] if name in skip else BOX}
            for n, name in enumerate(names)]  # fmt: skip
    listed = [{"id": n, "file_name": name, "width": 64, "height": 64} for n, name in enumerate(names)]
    path.write_text(json.dumps({"images": listed, "annotations": rows, "categories": [{"id": 1, "name": "dent"}]}))
    return path


@pytest.fixture
def slug(context, tmp_path):
    """A project with normal parts, two held-out defects with masks, and one part that nobody labelled."""
    tree = write_tree(tmp_path / "tree", normals=2, held_normals=1, held_defects=2)
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "new.png").write_bytes(part(77))
    slug = ingested(context, tree, content="auto")
    ingest_source(context, ENGINEER, slug, tmp_path / "pool", content="unknown")
    return slug


def image_named(context, slug, name):
    with context.database.read() as session:
        found = images.images_for(session, images.project_by_slug(session, slug).id)
        return next(image for image in found if image.name == name)


NAMES = ["new.png", "test/scratch/000.png", "train/good/000.png"]


def test_looking_at_a_file_saves_nothing_and_says_what_it_would_do(context, slug, tmp_path):
    before = said(context, slug)
    plan = plan_import(context, REVIEWER, slug, coco(tmp_path / "a.json", [*NAMES, "x.png"]), format="coco")
    assert said(context, slug) == before and not imports_of(context, REVIEWER, slug)
    assert [change.image for change in plan.new] == NAMES and [remark.image for remark in plan.skipped] == ["x.png"]
    stands = {change.image: change.before.verdict if change.before else None for change in plan.new}
    assert stands == {"new.png": None, NAMES[1]: Verdict.defect, NAMES[2]: Verdict.normal}
    assert all(marked_thumb(context, change).startswith("data:image/jpeg;base64,") for change in plan.new)


def test_an_import_is_taken_back_as_one_with_what_was_held_out(context, slug, tmp_path):
    before = said(context, slug)
    import_labels(context, REVIEWER, slug, coco(tmp_path / "a.json", NAMES), format="coco")
    assert {name: label for name, label in said(context, slug).items() if name in NAMES} == {
        name: ("defect", {"dent": 400}) for name in NAMES
    }
    assert not image_named(context, slug, NAMES[1]).held_out
    (row,) = imports_of(context, REVIEWER, slug)
    assert (row.labels, row.source, row.by, row.undone_at) == (3, "a.json", "rita", None)
    assert undo_import(context, REVIEWER, slug, row.id) == (3, [])
    assert said(context, slug) == before and image_named(context, slug, NAMES[1]).held_out
    (row,) = imports_of(context, REVIEWER, slug)
    assert row.undone_by == "rita" and row.undone_at is not None
    with pytest.raises(Conflict, match="rita has undone import 1 already"):
        undo_import(context, REVIEWER, slug, row.id)
    with context.database.read() as session:
        told = [each.action for each in audit.entries(session, limit=50)]
    assert {"import labels", "undo import"} <= set(told)


def test_what_somebody_said_since_stays_when_an_import_is_taken_back(context, slug, tmp_path):
    import_labels(context, REVIEWER, slug, coco(tmp_path / "a.json", NAMES), format="coco")
    image = image_named(context, slug, "new.png")
    save_verdict(
        context, ENGINEER, image.id, verdict=Verdict.defect, defect_type="scratch", mask_png=scratch_mask(),
        client_id=str(uuid.uuid4()), expected_revision=1,
    )  # fmt: skip
    assert undo_import(context, REVIEWER, slug, 1) == (2, ["new.png"])
    assert said(context, slug)["new.png"][1].keys() == {"scratch"}


def test_a_plan_that_somebody_overtook_saves_nothing_at_all(context, slug, tmp_path):
    plan = plan_import(context, REVIEWER, slug, coco(tmp_path / "a.json", NAMES), format="coco")
    image = image_named(context, slug, "train/good/000.png")
    save_verdict(context, ENGINEER, image.id, verdict=Verdict.unsure, client_id=str(uuid.uuid4()), expected_revision=1)
    before = said(context, slug)
    with pytest.raises(Conflict, match="ann said unsure in between"):
        save_import(context, REVIEWER, slug, plan)
    assert said(context, slug) == before and not imports_of(context, REVIEWER, slug)
    assert label_view(context, REVIEWER, slug, image_named(context, slug, "new.png").id).said.revision == 0


def test_an_import_of_another_project_is_not_there_and_one_that_changes_nothing_is_none(context, slug, tmp_path):
    file = coco(tmp_path / "a.json", NAMES)
    import_labels(context, REVIEWER, slug, file, format="coco")
    assert save_import(context, REVIEWER, slug, plan_import(context, REVIEWER, slug, file, format="coco")) is None
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "1.png").write_bytes(part(5))
    other = ingested(context, tmp_path / "more", name="other")
    with pytest.raises(NotFound, match="this project has no import 1"):
        undo_import(context, ADMIN, other, 1)


def test_what_was_left_out_is_kept_with_the_import(context, slug, tmp_path):
    import_labels(context, REVIEWER, slug, coco(tmp_path / "a.json", NAMES, skip=["new.png"]), format="coco")
    (row,) = imports_of(context, REVIEWER, slug)
    assert row.skipped == [{"image": "new.png", "item": "annotation 0", "why": "has an empty segmentation"}]


def test_a_format_is_recognised_by_what_is_in_the_file(shared, tmp_path):
    kept = shared / "inputs" / "labels"
    files = {
        "coco": [kept / "B28" / "NaN.json", kept / "BX" / "coco.zip"],
        "cvat": [kept / "B19" / "two.xml", kept / "BX" / "cvat.zip"],
        "labelstudio": [kept / "B09" / "two_labels.json"], "mvtec": [kept / "B07" / "loco"],
    }  # fmt: skip
    assert {format: {format_of(file) for file in found} for format, found in files.items()} == {f: {f} for f in files}
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(Refused, match=r"a\.txt is no file of labels that is recognised"):
        format_of(tmp_path / "a.txt")


def test_a_word_beside_a_region_that_cannot_be_read_gives_no_label(context, slug, tmp_path):
    file = coco(tmp_path / "a.json", NAMES, skip=NAMES[:2])
    told = json.loads(file.read_text())
    for image, word in zip(told["images"], ["normal", "defect", "defect"], strict=True):
        image["verdict"] = word
    file.write_text(json.dumps(told))
    plan = plan_import(context, REVIEWER, slug, file, format="coco", rules=Rules(unannotated="normal"))
    assert [change.image for change in plan.new] == NAMES[2:], "what was read counts beside what was not"
    for name, word in zip(NAMES, ["normal", "defect"], strict=False):
        assert [why.text for why in plan.skipped if why.image == name and word in why.text], plan.skipped


def test_an_image_that_is_listed_twice_gets_no_label_though_one_entry_cannot_be_read(context, slug, tmp_path):
    file = coco(tmp_path / "a.json", ["new.png", "new.png"])
    told = json.loads(file.read_text())
    told["annotations"][0]["segmentation"] = []
    file.write_text(json.dumps(told))
    plan = plan_import(context, REVIEWER, slug, file, format="coco")
    assert not plan.new and "2 entries" in plan.skipped[-1].text


def test_a_damaged_mask_of_a_tree_replaces_no_standing_one(context, slug, tmp_path):
    tree = write_tree(tmp_path / "again", normals=1, held_normals=1, held_defects=2)
    for mask in (tree / "ground_truth").rglob("*.png"):
        mask.write_bytes(mask.read_bytes()[:60])
    plan = plan_import(context, REVIEWER, slug, tree, format="mvtec")
    assert not plan.new and len(plan.skipped) == 2, plan.skipped


def test_a_file_that_calls_an_image_by_its_own_odd_name_finds_it_as_ingest_shows_it(context, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "a\x01b.png").write_bytes(part(78))
    slug = ingested(context, tmp_path / "odd", name="odd")
    plan = plan_import(context, REVIEWER, slug, coco(tmp_path / "a.json", ["a\x01b.png"]), format="coco")
    assert [change.image for change in plan.new] == ["a\\x01b.png"], plan.skipped
