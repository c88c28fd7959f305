"""A bundle over HTTP: what it answers, whom it answers, and what it sends away with a sentence."""

import asyncio
import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from PIL import Image as Pillow
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.services.errors import Refused
from app.serving.api import create_app
from app.serving.limits import Limits
from app.serving.scorer import open_scorer
from app.serving.tokens import Tokens, add_token
from tests.app.conftest import encode, part

pytestmark = pytest.mark.slow  # a bundle takes many seconds to export
PNG = {"Content-Type": "image/png"}


def awaited(coroutine):
    """What it returns, run in a thread of its own: in this one a browser of other tests may have its loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="session")
def scorer(bundle_path):
    return open_scorer(bundle_path, engine="onnxruntime", threads=1)


@pytest.fixture
def token(tmp_path):
    return add_token(tmp_path / "tokens.txt", "line-4")


@pytest.fixture
def ask(scorer, token, tmp_path):
    """Sends one request to a server in this process; `limits` and `token` may be others."""
    known = token

    def send(method, path, *, limits=None, token=known, headers=None, **rest):
        app = create_app(scorer, Tokens(tmp_path / "tokens.txt"), limits or Limits())
        sent = {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}

        async def go():
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
                return await client.request(method, path, headers=sent, **rest)

        return awaited(go())

    return send


def test_an_image_gets_its_score_decision_regions_and_map(ask, scorer):
    answer = ask("POST", "/score?map=true", content=part(51, scratch=True), headers=PNG)
    told = answer.json()
    assert answer.status_code == 200 and told["decision"] == "defect" and 0.5 < told["score"] < 1
    assert (told["project"], told["version"], told["width"]) == ("tile", 1, 64)
    assert told["regions"][0]["score"] == told["score"]
    heat = Pillow.open(io.BytesIO(base64.b64decode(told["map"])))
    assert heat.size == (64, 64) and np.asarray(heat).max() > 128
    assert ask("POST", "/score", content=part(51, scratch=True), headers=PNG).json()["map"] is None


@pytest.mark.parametrize("path", ["/score", "/metrics", "/openapi.json"])
@pytest.mark.parametrize("sent", [None, "bgad_made-up"])
def test_nothing_answers_without_a_token(ask, path, sent):
    answer = ask("POST" if path == "/score" else "GET", path, token=sent, content=part(1), headers=PNG)
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    assert "a token is needed" in answer.json()["detail"]


def test_health_needs_none(ask):
    told = ask("GET", "/healthz", token=None).json()
    assert (told["status"], told["project"], told["decision"]) == ("ok", "tile", "exported") and told["self_test"] >= 10
    assert ask("GET", "/readyz", token=None).status_code == 200


def test_a_token_ends_when_its_line_is_removed(scorer, tmp_path):
    path = tmp_path / "tokens.txt"
    first, second = add_token(path, "line-4"), add_token(path, "line-5")
    tokens = Tokens(path)
    assert (tokens.holder(first), tokens.holder(second)) == ("line-4", "line-5")
    assert first not in path.read_text() and path.stat().st_mode & 0o077 == 0
    path.write_text("".join(line for line in path.read_text().splitlines(True) if line.startswith("line-5")))
    assert (tokens.holder(first), tokens.holder(second)) == (None, "line-5")
    with pytest.raises(Refused, match="has a token for line-5 already"):
        add_token(path, "line-5")


def test_without_any_token_nothing_is_served(tmp_path):
    with pytest.raises(Refused, match="has no token, and nothing is served without one"):
        Tokens(tmp_path / "none.txt")


def big_header() -> bytes:
    buffer = io.BytesIO()
    Pillow.new("1", (9000, 9000)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "kind", "status", "sentence"),
    [
        (b"x" * 3_000_000, "image/png", 413, "more than 2,000,000 bytes"),
        (big_header(), "image/png", 413, "is 9000x9000 pixels, more than 64 million"),
        (part(1), "text/html", 415, "text/html is no kind of image"),
        (b"<svg/>", "image/png", 415, "the image is not an image of a known kind"),
        (part(1)[:200], "image/png", 422, "the image is damaged or cut short"),
        (b"", "image/png", 422, "the image is empty"),
        (encode(Pillow.new("RGB", (8, 8))), "image/png", 422, "16x16 is the least"),
    ],
)
def test_bad_input_is_a_status_and_a_sentence(ask, content, kind, status, sentence):
    answer = ask("POST", "/score", content=content, headers={"Content-Type": kind}, limits=Limits(max_bytes=2_000_000))
    assert answer.status_code == status and sentence in answer.json()["detail"]


def test_a_body_without_a_length_ends_at_the_limit(ask):
    async def endless():
        while True:
            yield b"x" * 65536

    answer = ask("POST", "/score", content=endless(), headers=PNG, limits=Limits(max_bytes=1_000_000))
    assert answer.status_code == 413


def test_who_finds_no_room_is_told_to_come_back(scorer, token, tmp_path):
    app = create_app(scorer, Tokens(tmp_path / "tokens.txt"), Limits(at_once=1, waiting=1))
    headers = {**PNG, "Authorization": f"Bearer {token}"}
    go_on = threading.Event()

    async def slow():
        yield part(1)[:100]
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        yield part(1)[100:]

    async def crowd():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://model") as client:
            inside = [asyncio.create_task(client.post("/score", content=slow(), headers=headers)) for _ in range(2)]
            while (ready := await client.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.01)
            third = await client.post("/score", content=part(2), headers=headers)
            go_on.set()
            return ready, third, [await one for one in inside]

    ready, third, served = awaited(crowd())
    assert ready.status_code == 503 and ready.json()["status"] == "busy"
    assert third.status_code == 429 and third.headers["Retry-After"] == "1" and "come back" in third.json()["detail"]
    assert [answer.status_code for answer in served] == [200, 200]


def test_figures_tell_what_was_decided_and_refused(scorer, token, tmp_path):
    app = create_app(scorer, Tokens(tmp_path / "tokens.txt"), Limits())
    headers = {**PNG, "Authorization": f"Bearer {token}"}

    async def go():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://model") as client:
            await client.post("/score", content=part(51, scratch=True), headers=headers)
            await client.post("/score", content=b"", headers=headers)
            return (await client.get("/metrics", headers=headers)).text

    text = awaited(go())
    assert 'bgad_images_total{decision="defect"} 1.0' in text and 'bgad_refused_total{status="422"} 1.0' in text
    assert 'project="tile"' in text and "bgad_seconds_count 1.0" in text


def test_the_description_holds_for_whatever_is_sent(scorer, token, tmp_path):
    """schemathesis draws requests from the OpenAPI description, right and wrong ones, and checks every answer.

    But not that each of its bodies is accepted: a schema cannot say that an image needs 16 pixels a side.
    """
    app = create_app(scorer, Tokens(tmp_path / "tokens.txt"), Limits(max_bytes=100_000))
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers=headers)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} == {"/healthz", "/readyz", "/metrics", "/score"}
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def drawn(case):
            case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

        drawn()
