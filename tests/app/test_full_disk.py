"""A disk that is full or read-only, at every place that writes: one sentence, nothing half-made, and then it works."""

import os
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sqlalchemy import func, select

from app.services import ingest
from app.services.annotation.label_export import export_labels
from app.services.backup import make_backup
from app.services.context import Context, open_context
from app.services.errors import Refused
from app.services.ingest import ingest_source, stage_upload
from app.services.label import save_verdict
from app.services.restore import restore_backup
from app.worker.samples import write_json
from bgad_core import checkpoint
from bgad_core.errors import BGADError
from bgad_core.feature_cache import FeatureCache
from storage import annotations, versions
from storage.errors import StorageError
from storage.models import Annotation, Verdict
from tests.app.conftest import ADMIN, ENGINEER, INSPECTOR, part, scratch_mask, settings_in
from tests.app.disk import Disk

BIG = 400_000


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk")
    yield made
    made.close()


@pytest.fixture
def home(disk, trained_home, tmp_path, monkeypatch) -> Iterator[Context]:
    """The trained project on the small disk; new parts and a backup beside it."""
    monkeypatch.setattr(ingest, "SPARE", 0)  # an upload asks for more room than the whole disk has
    shutil.copytree(trained_home, disk.path / "home")
    (tmp_path / "new").mkdir()
    for number in range(3):
        (tmp_path / "new" / f"{number}.png").write_bytes(part(700 + number, size=256))
    context = open_context(settings_in(disk.path / "home"))
    make_backup(context, ADMIN, tmp_path / "backup.zip")
    yield context
    context.database.dispose()


def score(context: Context, out) -> None:
    from app.worker.folder import score_folder

    with context.database.read() as session:
        version = versions.deciding_version(session, 1)
    out.mkdir(exist_ok=True)
    score_folder(context, version, out.parents[1] / "new", out / "s.csv", heatmaps=out / "h")


def label(context: Context, revision: int) -> None:
    save_verdict(context, INSPECTOR, 1, verdict=Verdict.defect, defect_type="dent", mask_png=scratch_mask(),
                 client_id=f"c{revision}", expected_revision=revision)  # fmt: skip


SITES = {
    "object": lambda context, disk: context.blobs.put(os.urandom(BIG)),
    "label": lambda context, disk: label(context, 1),
    "ingest": lambda context, disk: ingest_source(context, ENGINEER, "tile", disk.parent / "new", content="unknown"),
    "upload": lambda context, disk: stage_upload(context, ENGINEER, [("a.png", b"x" * BIG)]),
    "export": lambda context, disk: export_labels(context, ADMIN, "tile", disk / "labels.json", format="coco"),
    "export of a tree": lambda context, disk: export_labels(context, ADMIN, "tile", disk / "tree", format="mvtec"),
    "backup": lambda context, disk: make_backup(context, ADMIN, disk / "b.zip"),
    "restore": lambda context, disk: restore_backup(settings_in(disk / "again"), ADMIN, disk.parent / "backup.zip"),
    "scores and heatmaps": lambda context, disk: score(context, disk / "out"),
    "checkpoint": lambda context, disk: checkpoint.write(disk / "m.safetensors", {"a": torch.zeros(BIG)}, {}),
    "plan": lambda context, disk: write_json(disk / "plan.json", ["x" * BIG]),
}


@pytest.mark.parametrize("trouble", ["full", "read-only"])
@pytest.mark.parametrize("site", sorted(SITES))
def test_a_disk_that_refuses_is_one_sentence_and_nothing_is_half_written(home, disk, site, trouble):
    before = disk.files()
    if trouble == "full":
        disk.fill()
    else:
        home.database.dispose()
        disk.read_only()
    with pytest.raises((Refused, StorageError, BGADError, OSError)) as refused:
        SITES[site](home, disk.path)
    assert len(str(refused.value).splitlines()) == 1 and "Traceback" not in str(refused.value)
    left = {name for name in disk.files() - before if not name.startswith(("again/", "home/objects/"))}
    assert left == set()
    disk.mend()
    if site == "restore":
        shutil.rmtree(disk.path / "again", ignore_errors=True)
    SITES[site](home, disk.path)
    assert disk.files() - before or site == "label"
    whole(home)


def whole(context: Context) -> None:
    """The database is sound and every object is what it was."""
    with context.database.read() as session:
        assert session.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert session.scalar(select(func.count()).select_from(Annotation)) >= 10
        assert annotations.history(session, 1)[0].revision in (1, 2)
    for key in context.blobs.all_keys():
        context.blobs.get(key)


def test_a_full_disk_costs_the_feature_cache_and_never_the_run(disk):
    cache = FeatureCache(disk.path / "features")
    disk.fill()
    cache.put("ab" * 32, np.ones(BIG, np.float16))
    assert cache.get("ab" * 32, BIG) is None and disk.files() == set()
    disk.mend()
    cache.put("ab" * 32, np.ones(BIG, np.float16))
    assert cache.get("ab" * 32, BIG) is not None


def test_a_job_on_a_full_disk_fails_with_a_sentence_that_names_the_disk(home, disk):
    from app.ledger import Failed, begin
    from app.services.retrain import request_retraining
    from app.worker.loop import handlers

    run_id = request_retraining(home, ENGINEER, "tile", preset="demo", reason="a test")
    job = begin(home.database, run_id)
    disk.fill()
    with pytest.raises(Failed, match=r"free some|space"):
        handlers(home)["retrain"](job)
