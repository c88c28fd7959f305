"""The real product under test: web server and worker as processes of their own, and a browser in front of them."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.patience import PATIENCE, RUN, wait_for
from tests.ports import free_port

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

MOVING = """async () => {
  await new Promise(painted => requestAnimationFrame(() => requestAnimationFrame(painted)))
  return document.getAnimations()
    .filter(each => each.playState === "running" && Number.isFinite(each.effect.getComputedTiming().endTime))
    .map(each => `${each.animationName ?? each.transitionProperty} of ${each.effect.target?.outerHTML.slice(0, 200)}`)
}"""


class Product:
    """One installation in a folder of its own; its processes can be killed and started again."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        self.logs = home.parent / f"{home.name}-logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.environment = {
            **os.environ,
            "BGAD_HOME": str(home),
            "BGAD_PORT": str(self.port),
            "BGAD_THREADS": "1",  # two, beside other processes, wait for each other at every step
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self.processes: dict[str, subprocess.Popen] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, check: bool = True, timeout: float = RUN) -> subprocess.CompletedProcess:
        """One `bgad-inspect` command."""
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert not check or done.returncode == 0, f"bgad-inspect {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def start(self, part: str) -> None:
        """`web` or `worker`; the web server is waited for."""
        command = [sys.executable, "-m", "app", part]
        with (self.logs / f"{part}.log").open("ab") as log:
            given = {"env": self.environment, "stdout": log, "stderr": log, "start_new_session": True}
            self.processes[part] = subprocess.Popen(command, **given)
        if part == "web":
            wait_for(self.healthy, what=lambda: f"the web server on port {self.port}: {self.log('web')}")

    def kill(self, part: str) -> None:
        """`kill -9` of the part and of whatever it started."""
        process = self.processes.pop(part)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.processes.clear()

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log(self, part: str) -> str:
        path = self.logs / f"{part}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        try:
            yield opened
        finally:
            opened.close()


def chromium_path() -> str:
    for name in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"):
        if Path(name).exists():
            return name
    raise FileNotFoundError("no Chromium: install Debian's `chromium`, or run `make system`")


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    page.goto(f"{url}/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)


def report(name: str, figures: dict[str, Any]) -> None:
    """Print figures on one line, for the log of the run."""
    print(f"\n{name}: {json.dumps(figures, sort_keys=True)}")


def settled(page: Page) -> None:
    """Wait until the page's script has run and its components have drawn."""
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(page.locator('[data-test-script-state="running"]')).to_have_count(0)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    faded(page)


def faded(page: Page) -> None:
    """Wait until what changes its colours or comes into view has done so; what turns for ever is not waited for."""
    moving = lambda: page.evaluate(MOVING)  # noqa: E731
    wait_for(lambda: not moving(), what=lambda: f"the end of {moving()}")
