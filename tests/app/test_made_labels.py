"""Thousands of label files with broken pieces: every label is the true one, and what is broken is named."""

import io
import os
import random
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from app.services.annotation.import_plan import plan_import
from app.services.context import open_context
from tests.app.conftest import settings_in
from tests.app.labelled import REVIEWER, ingested
from tests.app.made_labels import FORMATS, NAMES, SIZE

FILES = 10_000 if os.environ.get("SOAK") else 150  # of each format in the suite, of all in a soak


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """An installation with the five pictures that the files speak of; labels are planned and never saved."""
    home = tmp_path_factory.mktemp("made")
    for number, name in enumerate(NAMES):
        (home / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*SIZE[::-1], 3), number * 20, np.uint8)).save(home / "pictures" / name)
    context = open_context(settings_in(home / "home"))
    slug = ingested(context, home / "pictures")
    yield context, slug
    context.database.dispose()
    shutil.rmtree(home)


def pixels(png):
    """A stored mask, read without the product."""
    return np.packbits(np.asarray(Image.open(io.BytesIO(png)).convert("L")) > 0).tobytes()


def saved(label):
    if label.verdict.value != "defect":
        return label.verdict.value, {}
    if label.typed:
        return "defect", {kind: pixels(png) for kind, png in label.typed.items()}
    return "defect", {label.defect_type: pixels(label.mask)}


@pytest.mark.parametrize("format", FORMATS)
def test_each_label_is_the_true_one_and_all_that_is_broken_is_named(project, tmp_path, format):
    context, slug = project
    broken = Counter()
    for seed in range(FILES // (len(FORMATS) if FILES > 1000 else 1)):
        data, parts = FORMATS[format](random.Random(f"{format} {seed}"))
        path = tmp_path / "labels"
        path.write_bytes(data)
        plan = plan_import(context, REVIEWER, slug, path, format=format)
        found = {change.image: saved(change.label) for change in plan.changes}
        right = {part.name: part.label for part in parts if part.label is not None}
        assert found == right, (seed, parts, plan.remarks)
        assert len(plan.skipped) >= sum(part.lines for part in parts), (seed, parts, plan.remarks)
        broken.update([item.broken for part in parts for item in part.items if not part.gone and item.broken])
        broken.update([part.gone for part in parts if part.gone])
    print(
        f"\n{format}: {seed + 1} files, {broken.total()} broken pieces of {len(broken)} kinds, each left out and named"
    )
    assert len(broken) > 10
