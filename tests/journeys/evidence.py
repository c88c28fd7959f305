"""What a failed journey leaves behind: each page as it stood, what the browser did, and what the servers wrote."""

import re
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from playwright.sync_api import Error as BrowserError

from tests.conftest import ROOT

RESULTS = ROOT / "test-results"
FAILED = pytest.StashKey[bool]()


def folder_of(node_id: str) -> Path:
    """A folder of the test's own; nothing of an earlier run is left in it."""
    return RESULTS / re.sub(r"[^\w.\[\]-]+", "-", node_id.removeprefix("tests/journeys/"))


def begin(context: BrowserContext) -> None:
    context.tracing.start(snapshots=True, screenshots=False)


def keep(context: BrowserContext, number: int, folder: Path) -> None:
    """Screenshots of all pages of a browser context, and its trace: `playwright show-trace` opens it."""
    for place, page in enumerate(context.pages):
        with suppress(BrowserError):  # a page that is gone has none
            page.screenshot(path=folder / f"{number}-page-{place}.png", timeout=10_000)
    context.tracing.stop(path=folder / f"{number}-trace.zip")


def keep_logs(places: list[Path], folder: Path) -> None:
    for place in places:
        for log in place.rglob("*.log"):
            shutil.copy(log, folder / f"{place.name}-{'-'.join(log.relative_to(place).parts)}")
