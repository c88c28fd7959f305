"""The proxy of compose.yaml before two web servers: a browser stays with one, and goes on with the other if it dies."""

import os
import shutil
import subprocess
import urllib.request

import pytest

from app.services.label import label_view
from app.services.score import ranked_queue
from storage.models import Verdict
from tests.app.conftest import ENGINEER
from tests.conftest import ROOT, missing
from tests.journeys.conftest import NAME, PASSWORD
from tests.journeys.editor import Hand
from tests.journeys.product import Product, sign_in
from tests.patience import PATIENCE, wait_for
from tests.ports import free_port

pytestmark = [pytest.mark.slow, pytest.mark.browser]
SERVER = "bgad_server"  # the cookie that keeps a browser with one


@pytest.fixture
def second(mortal):
    """Another web server of the same installation."""
    started = Product(mortal.home, BGAD_DEVICE="cpu")
    started.start("web")
    yield started
    started.stop()


@pytest.fixture
def proxy(mortal, second, tmp_path):
    """The address of Caddy, with the file that compose.yaml gives it."""
    if (program := shutil.which("caddy")) is None:
        missing("Caddy is not installed: run `make system`")
    address = f"http://localhost:{free_port()}"
    environment = {
        **os.environ,
        "SITE": address,
        "WEBS": f"127.0.0.1:{mortal.port} 127.0.0.1:{second.port}",
        "XDG_DATA_HOME": str(tmp_path / "caddy"),
        "XDG_CONFIG_HOME": str(tmp_path / "caddy"),
    }
    command = [program, "run", "--adapter", "caddyfile", "--config", "-"]
    given = "{\nadmin off\n}\n" + (ROOT / "deploy" / "compose" / "Caddyfile").read_text()
    with (tmp_path / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log)
        process.stdin.write(given.encode())
        process.stdin.close()
    try:
        wait_for(lambda: answers(address), what="Caddy to answer")
        yield address
    finally:
        process.kill()
        process.wait()


def answers(address):
    try:
        return urllib.request.urlopen(f"{address}/healthz", timeout=2).status == 200
    except OSError:
        return False


def given_to(address):
    """The server that somebody new is given, by its cookie."""
    cookies = urllib.request.urlopen(f"{address}/healthz", timeout=PATIENCE).headers.get_all("set-cookie") or []
    return next((one.split(";")[0].partition("=")[2] for one in cookies if one.startswith(f"{SERVER}=")), None)


def test_a_browser_stays_with_its_server_and_goes_on_with_the_other_when_that_dies(
    mortal, second, proxy, inside, browse
):
    context = browse()
    page = context.new_page()
    sign_in(page, proxy, NAME, PASSWORD)
    kept = lambda: [cookie["value"] for cookie in context.cookies() if cookie["name"] == SERVER]  # noqa: E731
    image = ranked_queue(inside, ENGINEER, "tile", show="unlabelled").items[0].image_id
    hand, first, said = Hand(page), kept(), []
    hand.open(proxy, "tile", image)
    for dies in (mortal, second):
        hand.say("Unsure")
        said.append(image)
        image = hand.another_than(image)
        (gone,) = kept()
        dies.kill("web")
        hand.ready(image)
        hand.say("Unsure")  # the tab has found the other server, by itself
        said.append(image)
        image = hand.another_than(image)
        dies.start("web")
        wait_for(lambda gone=gone: given_to(proxy) == gone, what="Caddy to see the server again")
    assert all(label_view(inside, ENGINEER, "tile", one).said.verdict is Verdict.unsure for one in said)
    assert len(first) == 1 and len(kept()) == 1
