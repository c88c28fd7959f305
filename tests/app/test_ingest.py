"""Ingest: folders, zips and uploads, with every kind of file that people and enemies send."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow
from sqlalchemy import func, select

from app.ledger import Stopped
from app.services.authority import Actor, NotAllowed
from app.services.errors import Refused
from app.services.ingest import (
    create_project,
    ingest_reports,
    ingest_source,
    request_ingest,
    stage_upload,
)
from storage import annotations
from storage.masks import decode_mask
from storage.models import Annotation, Role, Run, Verdict
from tests.app.arrivals import label_of, packed, png, rows, tree, write
from tests.app.conftest import ENGINEER


@pytest.mark.parametrize("packing", ["folder", "zip"])
def test_an_mvtec_tree_brings_labels_types_masks_and_the_held_out_set(tile, tmp_path, packing):
    source = write(tmp_path / "in", tree()) if packing == "folder" else packed(tmp_path / "in.zip", tree())
    report = ingest_source(tile, ENGINEER, "tile", source)
    assert (report.added, report.duplicates, report.refused) == (7, 0, [])
    found = rows(tile)
    train, good, crack = (found[f"tile/{n}"] for n in ("train/good/000.png", "test/good/000.png", "test/crack/001.png"))
    assert [image.held_out for image in (train, good, crack)] == [False, True, True]
    assert [label_of(tile, image).verdict for image in (train, good)] == [Verdict.normal] * 2
    said = label_of(tile, crack)
    assert (said.verdict, said.by) == (Verdict.defect, "import")
    expected = np.zeros((48, 64), dtype=bool)
    expected[0, 0] = True
    assert np.array_equal(decode_mask(said.mask), expected)
    with tile.database.read() as session:
        assert [row.name for row in annotations.defect_types(session, crack.project_id)] == ["crack"]


def test_the_kept_pixels_are_those_of_the_file(tile, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1), "b.png": png(2)})
    ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    image = rows(tile)["b.png"]
    kept = np.asarray(Pillow.open(io.BytesIO(tile.blobs.get(image.pixels))))
    assert np.array_equal(kept, np.asarray(Pillow.open(io.BytesIO(png(2)))))
    assert Pillow.open(io.BytesIO(tile.blobs.get(image.thumb))).format == "JPEG"


def test_the_same_content_is_kept_once_whatever_it_is_called(tile, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1), "copy/of a.png": png(1), "b.png": png(2)})
    first = ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    second = ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    assert (first.added, first.duplicates) == (2, 1)
    assert (second.added, second.duplicates) == (0, 3)
    assert len(rows(tile)) == 2


def test_a_stopped_ingest_keeps_what_it_confirmed_and_a_second_call_completes_it(tile, tmp_path):
    source = write(tmp_path / "in", {f"{i:03d}.png": png(i) for i in range(40)})
    seen = []
    with pytest.raises(Stopped):
        ingest_source(
            tile,
            ENGINEER,
            "tile",
            source,
            content="normal",
            progress=lambda done, total: seen.append((done, total)),
            should_stop=lambda: len(seen) == 25,
        )
    assert len(rows(tile)) == 25 and seen[-1] == (25, 40)
    arrival = ingest_reports(tile, ENGINEER, "tile")[0]
    report = ingest_source(tile, ENGINEER, "tile", source, content="normal", ingest_id=arrival.id)
    assert (report.added, report.duplicates, len(rows(tile))) == (40, 0, 40)
    with tile.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == 40


def test_a_label_that_comes_later_is_added_but_never_over_a_persons(tile, tmp_path):
    source = write(tmp_path / "in", {"a.png": png(1), "b.png": png(2)})
    ingest_source(tile, ENGINEER, "tile", source, content="unknown")
    with tile.database.write() as session:
        annotations.save_annotation(
            session, image_id=rows(tile)["a.png"].id, verdict=Verdict.defect, defect_type="dent", mask=None,
            by="ann", client_id="c1", expected_revision=0, version_id=None, score=None,
        )  # fmt: skip
    ingest_source(tile, ENGINEER, "tile", source, content="normal")
    assert label_of(tile, rows(tile)["a.png"]).verdict is Verdict.defect
    assert label_of(tile, rows(tile)["b.png"]).verdict is Verdict.normal


def test_an_unknown_project_is_named_with_those_that_there_are(tile, tmp_path):
    with pytest.raises(Refused, match=r"no project 'tyle'.*tile"):
        ingest_source(tile, ENGINEER, "tyle", tmp_path)


def test_an_upload_is_staged_under_numbers_and_queued(tile, tmp_path):
    files = [("../../evil.png", png(1)), ("b.png", io.BytesIO(png(2))), ("<script>.png", png(3))]
    staged = stage_upload(tile, ENGINEER, files)
    assert sorted(path.name for path in staged.iterdir()) == ["000000", "000001", "000002", "names.json"]
    run_id = request_ingest(tile, ENGINEER, "tile", staged, "unknown")
    with tile.database.read() as session:
        run = session.get_one(Run, run_id)
    assert run.kind == "ingest" and run.arguments["source"] == staged.name
    report = ingest_source(tile, ENGINEER, "tile", staged, content="unknown")
    assert report.added == 3 and set(rows(tile)) == {"../../evil.png", "b.png", "<script>.png"}
    with pytest.raises(Refused, match="no staged upload"):
        request_ingest(tile, ENGINEER, "tile", tmp_path)


def test_an_uploaded_zip_is_unpacked(tile, tmp_path):
    staged = stage_upload(tile, ENGINEER, [("tile.zip", packed(tmp_path / "x.zip", tree()).read_bytes())])
    assert ingest_source(tile, ENGINEER, "tile", staged).added == 7


@pytest.mark.parametrize("role", [Role.viewer, Role.inspector, Role.reviewer])
def test_below_engineer_nobody_ingests(tile, tmp_path, role):
    actor = Actor("vic", role)
    for call in (
        lambda: ingest_source(tile, actor, "tile", tmp_path),
        lambda: stage_upload(tile, actor, [("a.png", png(1))]),
        lambda: request_ingest(tile, actor, "tile", tmp_path),
        lambda: create_project(tile, actor, name="x"),
    ):
        with pytest.raises(NotAllowed, match=f"vic is {role.name}, and this needs engineer"):
            call()
