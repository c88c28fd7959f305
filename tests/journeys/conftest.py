"""What the journeys share: one browser, a served installation with a trained project, and somebody to sign in."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.services.accounts import create_account
from app.services.context import Context, open_context
from storage.models import Role
from tests.app.conftest import ADMIN, settings_in, trained_home  # noqa: F401
from tests.conftest import missing
from tests.journeys import evidence
from tests.journeys.product import Product, browser, sign_in
from tests.patience import PATIENCE

Scheme = Literal["light", "dark"]
NAME, PASSWORD = "ines", "three grey parts"
expect.set_options(timeout=PATIENCE * 1000)


def add_account(context: Context, role: Role = Role.engineer, *, name: str = NAME) -> None:
    create_account(context, ADMIN, name=name, password=PASSWORD, role=role)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that failed is known as such to its fixtures, which then keep what they have; the report says where."""
    report = yield
    if report.failed:
        item.stash[evidence.FAILED] = True
        report.sections.append(("evidence", str(evidence.folder_of(item.nodeid))))
    return report


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        opening = browser()
        opened = opening.__enter__()
    except FileNotFoundError as error:
        missing(str(error))
    yield opened
    opening.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Path | None]]:
    """Where a test that failed keeps what it leaves behind, None for one that did not; the servers' logs at its end."""
    folder = evidence.folder_of(request.node.nodeid)
    shutil.rmtree(folder, ignore_errors=True)

    def where() -> Path | None:
        if not request.node.stash.get(evidence.FAILED, False):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    yield where
    if there := where():
        shared = [product.logs for product in request.node.stash.get(SERVED, [])]
        evidence.keep_logs([tmp_path, *shared], there)


@pytest.fixture
def browse(chromium: Browser, kept: Callable[[], Path | None]) -> Iterator[Callable[..., BrowserContext]]:
    """Opens a browser of one's own: cookies, screen, and the evidence of what went wrong in it."""
    contexts: list[BrowserContext] = []

    def go(**options: Any) -> BrowserContext:
        contexts.append(chromium.new_context(**{"viewport": {"width": 1366, "height": 768}, **options}))
        contexts[-1].set_default_timeout(PATIENCE * 1000)
        evidence.begin(contexts[-1])
        return contexts[-1]

    yield go
    for number, context in enumerate(contexts):
        if folder := kept():
            evidence.keep(context, number, folder)
        context.close()


@pytest.fixture
def page_of(browse: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Opens a signed-in page on a product; `scale` is the screen's pixel ratio, `scheme` light or dark."""

    def go(product: Product, *, scale: float = 1, scheme: Scheme = "light", touch: bool = False) -> Page:
        page = browse(device_scale_factor=scale, color_scheme=scheme, has_touch=touch).new_page()
        sign_in(page, product.url, NAME, PASSWORD)
        return page

    return go


SERVED = pytest.StashKey[list[Product]]()


def peopled(trained: Path, home: Path) -> Path:
    """A copy of the trained project's installation, with an account."""
    shutil.copytree(trained, home)
    context = open_context(settings_in(home))
    add_account(context)
    context.database.dispose()
    return home


def served(home: Path) -> Product:
    """An installation's web server; it is to be stopped."""
    started = Product(home, BGAD_DEVICE="cpu")
    started.start("web")
    return started


@pytest.fixture(scope="session")
def standing(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Product, Path]]:  # noqa: F811
    """A server for all tests of this process that do not kill it, and its database as it was at first."""
    home = peopled(trained_home, tmp_path_factory.mktemp("standing") / "home")
    shutil.copyfile(home / "bgad.db", home.parent / "first.db")
    started = served(home)
    yield started, home.parent / "first.db"
    started.stop()


@pytest.fixture
def product(standing: tuple[Product, Path], request: pytest.FixtureRequest) -> Product:
    """The trained project "tile" and an account, served; the database has nothing of the tests before."""
    started, first = standing
    with closing(sqlite3.connect(first)) as source, closing(sqlite3.connect(started.home / "bgad.db")) as target:
        source.backup(target)
    request.node.stash[SERVED] = [started]
    return started


@pytest.fixture
def mortal(trained_home: Path, tmp_path: Path) -> Iterator[Product]:  # noqa: F811
    """The same as `product`, on a server of the test's own: one that it may kill."""
    started = served(peopled(trained_home, tmp_path / "home"))
    yield started
    started.stop()


@pytest.fixture
def inside(request: pytest.FixtureRequest) -> Iterator[Context]:
    """The database of the test's product, read beside it."""
    name = "mortal" if "mortal" in request.fixturenames else "product"
    context = open_context(settings_in(request.getfixturevalue(name).home))
    yield context
    context.database.dispose()
