"""Real databases, real objects, one torch thread: what every test may ask for."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from storage.blobs import Blobs
from storage.database import Database
from tests.postgres import Cluster, binaries

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")
CI = os.environ.get("CI") == "true"
ROOT = Path(__file__).resolve().parents[1]


def missing(what: str) -> None:
    """Skip, naming what the machine lacks; with CI=true that is a failure."""
    (pytest.fail if CI else pytest.skip)(what)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real images and weights, beside the checkout or where BGAD_SHARED points."""
    folder = Path(os.environ.get("BGAD_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "screw").is_dir():
        missing(f"no real images in {folder}: set BGAD_SHARED (see CONTRIBUTING.md)")
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A private PostgreSQL cluster on a free port, gone with the session."""
    programs = binaries()
    if programs is None:
        missing("PostgreSQL is not installed: run `make system`")
    cluster = Cluster(programs, fsync=False)
    cluster.start()
    try:
        yield cluster.url
    finally:
        cluster.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bgad.db'}"
    return empty_postgresql(request.getfixturevalue("postgresql_server"))


def empty_postgresql(server: str) -> str:
    """The URL of a new database on a server."""
    name = f"t{os.urandom(6).hex()}"
    engine = create_engine(f"{server}/postgres".replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An upgraded database."""
    opened = Database(database_url)
    opened.upgrade()
    yield opened
    opened.dispose()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "objects").as_uri())
