"""screw and cookie on the pretrained ResNet-18: out of the tool, on both runtimes, and into another installation."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from app.services.context import open_context
from app.services.ingest import create_project, ingest_source
from app.services.operating import set_operating_point
from app.services.pictures import read_pixels
from app.services.rule import rule_of
from app.services.score import scoring_version
from app.serving.scorer import TOLERANCE, open_scorer
from storage.models import Image, Score
from tests.app.conftest import ENGINEER, settings_in, train

NORMALS, OF_A_TYPE = (25, 6) if os.environ.get("SOAK") == "1" else (12, 3)
WEIGHTS = "weights/resnet18_tv_in1k_layers1to3_int8dequant.safetensors"


def some(shared: Path, name: str, folder: Path) -> Path:
    """A part of the data set, in its layout, that trains in seconds: some normals, and some test images of a type."""
    source = shared / "data" / name
    kinds = {"train/good": NORMALS} | {f"test/{kind.name}": OF_A_TYPE for kind in sorted((source / "test").iterdir())}
    for kind, count in kinds.items():
        (folder / kind).mkdir(parents=True)
        for path in sorted((source / kind).iterdir())[:count]:
            shutil.copy(path, folder / kind / path.name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["screw", "cookie"])
def test_real_images_score_the_same_outside_and_elsewhere(shared, name, tmp_path):
    from app.worker.export import export_version
    from app.worker.import_bundle import import_bundle
    from app.worker.score import load_version
    from bgad_core.scoring import score_images

    context = open_context(settings_in(tmp_path / "home"))
    slug = create_project(context, ENGINEER, name=name, backbone="resnet18", weights=shared / WEIGHTS).slug
    ingest_source(context, ENGINEER, slug, some(shared, name, tmp_path / name))
    train(context, slug)
    set_operating_point(context, ENGINEER, slug, 1, promise="expected", alpha=0.4)
    version = scoring_version(context, ENGINEER, slug)
    export_version(context, version, tmp_path / "out.bgad", certificate="")
    with context.database.read() as session:
        rows = list(session.execute(select(Image, Score).join(Score, Score.image_id == Image.id)))
        rule = rule_of(session, version)
    for engine in ("openvino", "onnxruntime"):
        scorer = open_scorer(tmp_path / "out.bgad", engine=engine, threads=1)
        apart, other = [], 0
        for image, score in rows:
            scored = scorer.score(read_pixels(context.blobs.get(image.pixels)))
            apart.append(abs(scored.score - score.score))
            other += scored.decision != rule.judge(score.score, score.standing)
            other += scored.standing != score.standing.value
        print(f"{name} on {engine}: {len(rows)} images, scores at most {max(apart):.1e} apart, {other} other decisions")
        assert max(apart) < TOLERANCE and other == 0
    elsewhere = open_context(settings_in(tmp_path / "elsewhere"))
    taken = import_bundle(elsewhere, ENGINEER, tmp_path / "out.bgad", name=name)
    with elsewhere.database.read() as session:
        there = rule_of(session, taken)
    assert (there.stop, there.reject) == (rule.stop, rule.reject), "the operating point came along"
    pixels = read_pixels(context.blobs.get(rows[0][0].pixels))
    size = load_version(context, version).config.size
    from bgad_core.data import resized

    one, two = (
        score_images(load_version(c, v), [resized(pixels, size)])[0]
        for c, v in ((context, version), (elsewhere, taken))
    )
    assert one.score == two.score and np.array_equal(one.fused, two.fused)
