"""What the journeys share: one browser, and an installation with a trained project and somebody to sign in."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from app.services.accounts import create_account
from app.services.context import Context, open_context
from storage.models import Role
from tests.app.conftest import ADMIN, settings_in, trained_home  # noqa: F401
from tests.conftest import missing
from tests.journeys.product import Product, browser, sign_in

Scheme = Literal["light", "dark"]
NAME, PASSWORD = "ines", "three grey parts"


def add_account(context: Context, role: Role = Role.engineer) -> None:
    create_account(context, ADMIN, name=NAME, password=PASSWORD, role=role)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        opening = browser()
        opened = opening.__enter__()
    except FileNotFoundError as error:
        missing(str(error))
    yield opened
    opening.__exit__(None, None, None)


@pytest.fixture
def page_of(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a signed-in page on a product; `scale` is the screen's pixel ratio, `scheme` light or dark."""
    contexts = []

    def go(product: Product, *, scale: float = 1, scheme: Scheme = "light", touch: bool = False) -> Page:
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768}, device_scale_factor=scale, color_scheme=scheme, has_touch=touch
        )
        contexts.append(context)
        page = context.new_page()
        sign_in(page, product.url, NAME, PASSWORD)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture
def product(trained_home: Path, tmp_path: Path) -> Iterator[Product]:  # noqa: F811
    """The trained project "tile" and an account, served; each test its own."""
    shutil.copytree(trained_home, tmp_path / "home")
    context = open_context(settings_in(tmp_path / "home"))
    add_account(context)
    context.database.dispose()
    started = Product(tmp_path / "home", BGAD_THREADS="1", BGAD_DEVICE="cpu")
    started.start("web")
    yield started
    started.stop()


@pytest.fixture
def inside(product: Product) -> Iterator[Context]:
    """The product's own database, read beside it."""
    context = open_context(settings_in(product.home))
    yield context
    context.database.dispose()
