"""Real databases, real objects, one torch thread: what every test may ask for."""

import os
import shutil

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from storage.blobs import Blobs
from storage.database import Database
from tests import once
from tests.postgres import Cluster, binaries, stop

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")
CI = os.environ.get("CI") == "true"
ROOT = Path(__file__).resolve().parents[1]
MIGRATED = "migrated"
SLOW_TIMEOUT = 1800  # seconds of a whole journey, on a machine whose cores are all busy


def missing(what: str) -> None:
    """Skip, naming what the machine lacks; with CI=true that is a failure."""
    (pytest.fail if CI else pytest.skip)(what)


def pytest_configure(config: pytest.Config) -> None:
    if first_process(config):
        once.open_folder()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.scheduling import Scheduling

    return Scheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Name the seed of the order first: a quiet run leaves out pytest-randomly's own line."""
    reporter, seed = (
        session.config.pluginmanager.get_plugin("terminalreporter"),
        session.config.getoption("randomly_seed", None),
    )
    if first_process(session.config) and reporter and isinstance(seed, int):
        reporter.write_line(f"order: --randomly-seed={seed}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last one of the run stops the database server and removes what all processes shared."""
    if first_process(config):
        if (record := once.folder() / "postgresql" / "folder").exists():
            stop(binaries(), Path(record.read_text()))
        shutil.rmtree(once.folder(), ignore_errors=True)


def first_process(config: pytest.Config) -> bool:
    """Not one of those that pytest-xdist starts."""
    return not hasattr(config, "workerinput")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long ones first, each kind in the random order: no process ends with a long one that the others wait for.

    What needs a GPU is left out where there is none: no run on such a machine claims it.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if config.getoption("timeout") is None:
        for item in slow:
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT))
    if not any(item.get_closest_marker("gpu") for item in items):
        return
    import torch

    if not torch.cuda.is_available():
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("gpu")])
        items[:] = [item for item in items if not item.get_closest_marker("gpu")]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the tests that failed left what they saw."""
    failed = [report for outcome in ("failed", "error") for report in terminalreporter.stats.get(outcome, [])]
    left = {place: report.nodeid for report in failed for name, place in report.sections if name == "evidence"}
    if left:
        terminalreporter.section("evidence")
    for place, test in left.items():
        terminalreporter.write_line(f"{test}: {place}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real images and weights, beside the checkout or where BGAD_SHARED points."""
    folder = Path(os.environ.get("BGAD_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "screw").is_dir():
        missing(f"no real images in {folder}: set BGAD_SHARED (see CONTRIBUTING.md)")
    return folder


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The run's private PostgreSQL cluster on a free port; it has an upgraded database without rows, a template."""
    programs = binaries()
    if programs is None:
        missing("PostgreSQL is not installed: run `make system`")

    def start(folder: Path) -> None:
        cluster = Cluster(programs, fsync=False)
        (folder / "folder").write_text(str(cluster.folder))
        cluster.start()
        url = empty_postgresql(cluster.url, name=MIGRATED)
        migrate(url)
        (folder / "url").write_text(cluster.url)

    return (once.once("postgresql", start) / "url").read_text()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once on each engine: for what is about the migrations themselves."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bgad.db'}"
    else:
        yield from own_postgresql(request.getfixturevalue("postgresql_server"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an upgraded database of the test's own, once on each engine: a copy of one that was migrated."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), tmp_path / "bgad.db")
        yield f"sqlite:///{tmp_path / 'bgad.db'}"
    else:
        yield from own_postgresql(request.getfixturevalue("postgresql_server"), template=MIGRATED)


@pytest.fixture(scope="session")
def migrated_sqlite() -> Path:
    """An upgraded database without rows; its log is folded in when its last connection closes, so one file is all."""
    return once.once("sqlite", lambda folder: migrate(f"sqlite:///{folder / 'bgad.db'}")) / "bgad.db"


def migrate(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.dispose()


def empty_postgresql(server: str, *, template: str = "template0", name: str = "") -> str:
    """The URL of a new database on a server, without rows; with the tables of its template."""
    name = name or f"t{os.urandom(6).hex()}"
    tell_postgresql(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return f"{server}/{name}"


def own_postgresql(server: str, *, template: str = "template0") -> Iterator[str]:
    """A database that goes when it was used, with the connections that were left to it."""
    url = empty_postgresql(server, template=template)
    yield url
    tell_postgresql(server, f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")


def tell_postgresql(server: str, statement: str) -> None:
    engine = create_engine(f"{server}/postgres".replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An upgraded database."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs((tmp_path / "objects").as_uri())
