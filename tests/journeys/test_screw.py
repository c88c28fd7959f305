"""The whole loop on real parts: day one from normals, defects marked in a browser, a retrain that learns them."""

import os
import shutil

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.services.context import open_context
from app.services.label import label_view
from app.services.retrain import runs_of
from app.services.review import versions_view
from storage.masks import decode_mask
from storage.models import ACTIVE, Image, RunState, Verdict
from tests.app.conftest import ENGINEER, settings_in
from tests.journeys.conftest import add_account
from tests.journeys.editor import Hand, filled
from tests.journeys.product import Product, report
from tests.patience import RUN, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.browser]
WEIGHTS = "weights/resnet18_tv_in1k_layers1to3_int8dequant.safetensors"
SOAK = os.environ.get("SOAK") == "1"
PER_TYPE = 2 if SOAK else 1
MARKED = 5 * PER_TYPE  # defects
MOST = (4, 16)  # images of a folder: of defects, and of normal parts
SHARP = 0.7  # pixels that a corner of a drawn outline may leave the true one
TOO_NEAR = 10  # screen pixels: a click this near to a polygon's first corner might close it


@pytest.fixture
def arrivals(shared, tmp_path):
    """The category without the first defects of each type, and those as parts that nobody has looked at."""
    screw = shared / "data" / "screw"
    tree, pool = tmp_path / "screw", tmp_path / "line-2"
    copied(screw, tree)
    pool.mkdir()
    truth = {}
    for kind in sorted(path.name for path in (screw / "test").iterdir() if path.name != "good"):
        for path in sorted((screw / "test" / kind).iterdir())[:PER_TYPE]:
            name, mask = f"{kind}-{path.name}", tree / "ground_truth" / kind / f"{path.stem}_mask.png"
            truth[name] = kind, cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE) > 127
            mask.unlink()
            (tree / "test" / kind / path.name).rename(pool / name)
    return tree, pool, truth


def copied(screw, tree):
    """The category, or so much of it that two trainings take a minute."""
    for folder in (path for path in screw.glob("*/*") if path.is_dir()):
        (tree / folder.relative_to(screw)).mkdir(parents=True)
        for path in sorted(folder.iterdir())[: None if SOAK else MOST[folder.name == "good"]]:
            shutil.copy(path, tree / path.relative_to(screw))


def test_marked_defects_make_the_next_version_better(shared, arrivals, tmp_path, page_of):
    tree, pool, truth = arrivals
    assert len(truth) == MARKED
    product = Product(tmp_path / "home", BGAD_DEVICE="cpu")
    product.run("project", "create", "screw", "--backbone", "resnet18", "--weights", str(shared / WEIGHTS))
    product.run("ingest", str(tree), "--project", "screw")
    product.run("ingest", str(pool), "--project", "screw", "--content", "unknown")
    context = open_context(settings_in(product.home))
    add_account(context)
    try:
        product.start("worker")
        product.run("train", "--project", "screw")
        product.start("web")
        page = page_of(product)
        for image_id, name in arrived(context, truth):
            mark(Hand(page), product, context, image_id, *truth[name])
        page.goto(f"{product.url}/retrain?project=screw")
        page.get_by_label("Reason").fill("defects of line 2")
        page.get_by_role("button", name="Retrain", exact=True).click()
        expect(page.get_by_text("Retraining").first).to_be_visible()
        wait_for(
            lambda: not active(context), seconds=RUN, what=lambda: f"the retrain: {product.log('worker')}", every=2
        )
        newest, first = versions_view(context, ENGINEER, "screw")
        page.goto(f"{product.url}/versions?project=screw")
        expect(page.get_by_text("v2").first).to_be_visible()
    finally:
        product.stop()
        context.database.dispose()
    compare(first, newest)


def arrived(context, truth):
    with context.database.read() as session:
        return [
            (i.id, i.name) for i in session.scalars(select(Image).where(Image.held_out.is_(False))) if i.name in truth
        ]


def active(context):
    runs = runs_of(context, ENGINEER, "screw")
    assert all(run.state is not RunState.failed for run in runs), [run.error for run in runs]
    return any(run.state in ACTIVE for run in runs)


def mark(hand, product, context, image_id, kind, truth):
    """Outline one defect by polygons along its true outline; what is stored is what was drawn, to the pixel."""
    hand.open(product.url, "screw", image_id)
    rows, columns = np.nonzero(truth)
    centre = (columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2
    hand.look_at(centre, 30 + max(np.ptp(rows), np.ptp(columns)))
    hand.choose("polygon")
    drawn = np.zeros(truth.shape, dtype=bool)
    for outline in cv2.findContours(truth.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        first, *others = (cv2.approxPolyDP(outline, SHARP, closed=True)[:, 0] + 0.5).tolist()
        corners = [first, *(c for c in others if np.hypot(c[0] - first[0], c[1] - first[1]) > TOO_NEAR / hand.scale())]
        if len(corners) > 2:
            drawn |= filled(truth.shape, hand.polygon(corners))
    hand.handed_over()
    hand.name_type(kind)
    assert "with its mask" in hand.say("Defect")
    said = label_view(context, ENGINEER, "screw", image_id).said
    stored = decode_mask(said.mask)
    assert (said.verdict, said.defect_type) == (Verdict.defect, kind)
    assert np.array_equal(stored, drawn)
    assert (stored & truth).sum() > 0.7 * (stored | truth).sum()  # and it does outline the defect


def compare(first, newest):
    """On the images that neither version has learnt from; the retrain measured both."""
    assert (newest.number, newest.known_anomalies, first.known_anomalies) == (2, MARKED, 0)
    before, after = newest.parent_metrics, newest.metrics
    seconds = {"v1": first.seconds, "v2": newest.seconds}
    report(
        "screw, ResNet-18 (dequantised int8 backbone), 256 pixels, seed 0",
        {"v1": before, "v2": after, "seconds": seconds},
    )
    assert after["image_auroc"] > before["image_auroc"]
    assert after["pro"] > before["pro"]
