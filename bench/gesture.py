"""`make bench-gesture`: one click on 20 screw defects in a real browser, and how well the mask meets the ground truth.

Day one is trained on normal parts at product settings, ten defects (two of each type) are marked with their ground
truth, and a second version learns them. The 20 reported defects, four of each type, are from the half of the others on
which nothing was chosen: the constants of `app/frontend/src/reach.ts` come from the other half. A click goes to the
middle of each defect's largest region, and the mask is read before anything is corrected. The last line is JSON.

    python -m bench.gesture --home FOLDER [--every]   trains when FOLDER is empty, about 8 minutes on two cores
"""

import argparse
import base64
import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page
from sqlalchemy import select

from app.services.accounts import create_account
from app.services.authority import OPERATOR, Actor
from app.services.context import Context, open_context
from app.services.impact import promote
from app.services.label import save_verdict
from app.settings import Settings
from storage.masks import decode_mask, encode_mask
from storage.models import Image, Role, Verdict
from tests.journeys.editor import Hand
from tests.journeys.product import Product, browser, sign_in

NAME, PASSWORD = "bench", "one click per defect"
WEIGHTS = "weights/resnet18_tv_in1k_layers1to3_int8dequant.safetensors"
KNOWN, REPORTED = 2, 4  # of each type
NEAR = 170  # image pixels around the click that fill the stage
STORED = "name => sessionStorage.getItem(name)"


@dataclass(frozen=True)
class Defect:
    """One defect of the data set: its type, file and ground truth, bool (H, W)."""

    kind: str
    path: Path
    mask: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.path.name}"

    @property
    def centre(self) -> tuple[float, float]:
        """The marked pixel nearest to the middle of the largest region, in image pixels."""
        _, labels, stats, centres = cv2.connectedComponentsWithStats(self.mask.astype(np.uint8), connectivity=8)
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        rows, columns = np.nonzero(labels == largest)
        at = int(np.argmin((columns - centres[largest][0]) ** 2 + (rows - centres[largest][1]) ** 2))
        return float(columns[at]) + 0.5, float(rows[at]) + 0.5


def defects_of(screw: Path) -> dict[str, list[Defect]]:
    """All defects by type, in the order of their names."""
    found: dict[str, list[Defect]] = {}
    for folder in sorted(path for path in (screw / "test").iterdir() if path.name != "good"):
        for path in sorted(folder.iterdir()):
            truth = screw / "ground_truth" / folder.name / f"{path.stem}_mask.png"
            mask = cv2.imread(str(truth), cv2.IMREAD_GRAYSCALE) > 127
            found.setdefault(folder.name, []).append(Defect(folder.name, path, mask))
    return found


def trained(home: Path, shared: Path, found: dict[str, list[Defect]]) -> None:
    """An installation with normals, all defects without a label, day one's version and one that learnt ten of them."""
    screw, source = shared / "data" / "screw", home.parent / f"{home.name}-source"
    shutil.copytree(screw / "train", source / "screw" / "train")
    shutil.copytree(screw / "test" / "good", source / "screw" / "test" / "good")
    (source / "pool").mkdir()
    for defect in (each for kind in found.values() for each in kind):
        shutil.copy(defect.path, source / "pool" / defect.name)
    product = Product(home, BGAD_DEVICE="cpu")
    product.run("project", "create", "screw", "--backbone", "resnet18", "--weights", str(shared / WEIGHTS))
    product.run("ingest", str(source / "screw"), "--project", "screw")
    product.run("ingest", str(source / "pool"), "--project", "screw", "--content", "unknown")
    product.run("train", "--project", "screw", timeout=3000)
    context = opened(home)
    ids = ids_of(context)
    for defect in (each for kind in found.values() for each in kind[:KNOWN]):
        save_verdict(
            context, OPERATOR, ids[defect.name], verdict=Verdict.defect, defect_type=defect.kind,
            mask_png=encode_mask(defect.mask), client_id=str(uuid.uuid4()), expected_revision=0,
        )  # fmt: skip
    product.run("train", "--project", "screw", "--reason", "ten marked defects", timeout=3000)
    promote(context, OPERATOR, "screw", 2, reason="bench", override=True)
    create_account(context, Actor("bench", Role.admin), name=NAME, password=PASSWORD, role=Role.inspector)
    context.database.dispose()
    shutil.rmtree(source)


def opened(home: Path) -> Context:
    return open_context(Settings.from_environment({"BGAD_HOME": str(home), "BGAD_DEVICE": "cpu"}))


def ids_of(context: Context) -> dict[str, int]:
    """Image ids by the last part of their names."""
    with context.database.read() as session:
        return {name.rsplit("/", 1)[-1]: number for number, name in session.execute(select(Image.id, Image.name))}


def clicked(page: Page, url: str, image_id: int, defect: Defect) -> np.ndarray:
    """The mask of one click at the defect's centre, as the browser sends it, bool (H, W)."""
    hand = Hand(page)
    hand.open(url, "screw", image_id)
    page.locator('.stage[data-field="true"]').wait_for(timeout=30_000)
    hand.look_at(defect.centre, NEAR)
    hand.choose("grow")
    hand.clicks([defect.centre])
    page.wait_for_timeout(400)  # a commit waits for a quarter of a second's pause
    stored = page.evaluate(STORED, f"bgad-mask-{image_id}-0")
    return decode_mask(base64.b64decode(json.loads(stored)["png"])) if stored else np.zeros_like(defect.mask)


def measured(home: Path, chosen: Sequence[Defect]) -> list[float]:
    """Intersection over union of each click's mask with the ground truth."""
    context = opened(home)
    ids, product = ids_of(context), Product(home, BGAD_DEVICE="cpu")
    context.database.dispose()
    product.start("web")
    try:
        with browser() as chromium:
            page = chromium.new_page(viewport={"width": 1366, "height": 768})
            sign_in(page, product.url, NAME, PASSWORD)
            ious = []
            for defect in chosen:
                mask = clicked(page, product.url, ids[defect.name], defect)
                ious.append(float((mask & defect.mask).sum() / (mask | defect.mask).sum()))
                print(f"{defect.name}: {ious[-1]:.3f}", flush=True)
            return ious
    finally:
        product.stop()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--shared", type=Path, default=Path("../shared"))
    options.add_argument("--home", type=Path, required=True, help="an installation of this bench's, kept for the next")
    options.add_argument("--every", action="store_true", help="all defects of the reported half, not the first 20")
    options.add_argument("--other-half", action="store_true", help="the half that constants may be chosen on")
    given = options.parse_args()
    found = defects_of(given.shared / "data" / "screw")
    if not (given.home / "bgad.db").exists():
        trained(given.home.resolve(), given.shared.resolve(), found)
    most = None if given.every or given.other_half else REPORTED
    chosen = [each for kind in found.values() for each in kind[KNOWN:][int(given.other_half) :: 2][:most]]
    ious = measured(given.home.resolve(), chosen)
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ious, (10_000, len(ious))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975))
    figures = {
        "median_iou": np.median(ious),
        "low": low,
        "high": high,
        "mean_iou": np.mean(ious),
        "missed": ious.count(0.0),
    }
    print(json.dumps({"defects": len(ious), **{name: round(float(value), 3) for name, value in figures.items()}}))


if __name__ == "__main__":
    main()
