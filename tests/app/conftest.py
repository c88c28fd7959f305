"""An installation with a project and images, made through the product's own use cases."""

import io
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from argon2 import PasswordHasher, profiles
from PIL import Image as Pillow
from PIL import ImageDraw

from app.ledger import begin, finish
from app.services import accounts, sign_in
from app.services.authority import Actor
from app.services.context import Context, open_context
from app.services.ingest import create_project, ingest_source
from app.services.label import save_verdict
from app.services.retrain import request_retraining
from app.services.score import ranked_queue
from app.settings import Settings
from storage.models import Role, Verdict
from tests.once import once

ENGINEER = Actor("ann", Role.engineer)
ADMIN = Actor("root", Role.admin)
INSPECTOR = Actor("ida", Role.inspector)

for module in (accounts, sign_in):  # in tests' own processes: what a hash costs is one test, in a process of its own
    module.PasswordHasher = lambda: PasswordHasher.from_parameters(profiles.CHEAPEST)


def part(seed: int, *, scratch: bool = False, size: int = 64) -> bytes:
    """A small grey part with grain, as a PNG; with a bright scratch when asked for."""
    grain = np.random.default_rng(seed).normal(128, 6, (size, size, 1)).clip(0, 255).astype(np.uint8)
    picture = Pillow.fromarray(grain.repeat(3, axis=2))
    if scratch:
        ImageDraw.Draw(picture).line([(12, 12), (50, 44)], fill=(255, 255, 255), width=4)
    return encode(picture)


def scratch_mask(size: int = 64) -> bytes:
    picture = Pillow.new("L", (size, size))
    ImageDraw.Draw(picture).line([(12, 12), (50, 44)], fill=255, width=4)
    return encode(picture)


def encode(picture: Pillow.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def write_tree(folder: Path, *, normals: int, held_normals: int, held_defects: int) -> Path:
    """A category in MVTec AD's layout."""
    files = {f"train/good/{i:03d}.png": part(i) for i in range(normals)}
    files |= {f"test/good/{i:03d}.png": part(1000 + i) for i in range(held_normals)}
    for i in range(held_defects):
        files[f"test/scratch/{i:03d}.png"] = part(2000 + i, scratch=True)
        files[f"ground_truth/scratch/{i:03d}_mask.png"] = scratch_mask()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    environment = {
        "BGAD_HOME": str(tmp_path / "home"),
        "BGAD_DATABASE_URL": database_url,
        "BGAD_THREADS": "1",
        "BGAD_DEVICE": "cpu",
    }
    return Settings.from_environment(environment)


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    opened = open_context(settings)
    yield opened
    opened.database.dispose()


@pytest.fixture
def tile(context: Context) -> Context:
    """The installation with the empty project "tile"."""
    create_project(context, ENGINEER, name="tile", built_in=True)
    return context


@pytest.fixture
def filled(context: Context, tmp_path: Path) -> Callable[..., str]:
    """Makes a project with labelled images and returns its slug."""

    def make(name: str = "tile", *, normals: int = 8, held_normals: int = 2, held_defects: int = 2) -> str:
        slug = create_project(context, ENGINEER, name=name, built_in=True, size=64).slug
        tree = write_tree(tmp_path / name, normals=normals, held_normals=held_normals, held_defects=held_defects)
        ingest_source(context, ENGINEER, slug, tree)
        return slug

    return make


def settings_in(home: Path) -> Settings:
    """An installation on its embedded database."""
    return Settings.from_environment({"BGAD_HOME": str(home), "BGAD_THREADS": "1", "BGAD_DEVICE": "cpu"})


def train(context: Context, slug: str) -> None:
    """One retrain, by the worker's own handler, in this process."""
    from app.worker.loop import handlers

    run_id = request_retraining(context, ENGINEER, slug, preset="demo", reason="a test")
    job = begin(context.database, run_id)
    assert job is not None
    handlers(context)["retrain"](job)
    finish(job)


@pytest.fixture(scope="session")
def trained_home() -> Path:
    """A project "tile" with a version, 6 held-out parts and 6 that nobody labelled; made once, copied by `trained`."""
    return once("trained", _train_once) / "home"


def _train_once(folder: Path) -> None:
    context = open_context(settings_in(folder / "home"))
    slug = create_project(context, ENGINEER, name="tile", built_in=True, size=64).slug
    ingest_source(context, ENGINEER, slug, write_tree(folder / "tree", normals=10, held_normals=3, held_defects=3))
    pool = folder / "pool"
    pool.mkdir()
    for i in range(6):
        (pool / f"{i}.png").write_bytes(part(3000 + i, scratch=i % 2 == 0))
    ingest_source(context, ENGINEER, slug, pool, content="unknown")
    train(context, slug)
    context.database.dispose()


@pytest.fixture
def trained(trained_home: Path, tmp_path: Path) -> Iterator[Context]:
    """An installation of its own with the trained project "tile"."""
    shutil.copytree(trained_home, tmp_path / "home")
    context = open_context(settings_in(tmp_path / "home"))
    yield context
    context.database.dispose()


@pytest.fixture(scope="session")
def twice_home(trained_home: Path) -> Path:
    """The trained project after three labelled defects and a second version; made once."""
    return once("twice", lambda folder: _train_again(trained_home, folder / "home")) / "home"


def _train_again(trained_home: Path, home: Path) -> None:
    shutil.copytree(trained_home, home)
    context = open_context(settings_in(home))
    for item in ranked_queue(context, INSPECTOR, "tile", show="unlabelled").items[:3]:
        save_verdict(
            context, INSPECTOR, item.image_id, verdict=Verdict.defect, defect_type="scratch", mask_png=scratch_mask(),
            client_id=str(uuid.uuid4()), expected_revision=0,
        )  # fmt: skip
    train(context, "tile")
    context.database.dispose()


@pytest.fixture
def twice(twice_home: Path, tmp_path: Path) -> Iterator[Context]:
    """An installation of its own with two versions."""
    shutil.copytree(twice_home, tmp_path / "home")
    context = open_context(settings_in(tmp_path / "home"))
    yield context
    context.database.dispose()


@pytest.fixture(scope="session")
def bundle_path(trained_home: Path) -> Path:
    """The trained project's version as a `.bgad` file; exported once, because that takes seconds."""
    return once("bundle", lambda folder: _export_once(trained_home, folder)) / "tile.bgad"


def _export_once(trained_home: Path, folder: Path) -> None:
    from app.services.score import scoring_version
    from app.worker.export import export_version

    shutil.copytree(trained_home, folder / "home")
    context = open_context(settings_in(folder / "home"))
    export_version(context, scoring_version(context, ENGINEER, "tile"), folder / "tile.bgad", certificate="<p>v1</p>")
    context.database.dispose()
