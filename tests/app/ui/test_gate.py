"""The gate and the routes behind it: nothing without sign-in, and what is served is what was asked for."""

import io

import pytest
from PIL import Image as Pillow
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.services.sign_in import MOST_FAILURES
from app.ui.gate import COOKIE, Gate
from app.ui.opened import opened
from app.ui.routes import ROUTES
from tests.app.ui.conftest import PASSWORD

PAGE = {"accept": "text/html"}


async def _echo(websocket):
    await websocket.accept()
    await websocket.send_text("in")
    await websocket.close()


async def _page(request):
    return PlainTextResponse(f"page for {request.state.actor.name}")


@pytest.fixture
def client(served):
    routes = [*ROUTES, WebSocketRoute("/_stcore/stream", _echo), Route("/{rest:path}", _page)]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, context=opened)])
    with TestClient(app, base_url="http://line2", follow_redirects=False) as client:
        yield client


def enter(client, name="inspector", password=PASSWORD, **form):
    return client.post("/login", data={"name": name, "password": password, **form}, headers={"origin": "http://line2"})


@pytest.mark.parametrize(
    "path",
    ["/", "/gallery", "/image/1", "/thumb/1", "/heatmap/1?version=1", "/_stcore/health", "/static/js/a.js", "/media/x"],
)  # fmt: skip
def test_an_anonymous_client_is_asked_to_sign_in_whatever_it_wants(client, path):
    answer = client.get(path, headers=PAGE)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
    assert client.get(path).status_code == 401


def test_health_is_open_and_says_nothing_else(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


def test_the_websocket_is_behind_the_gate_too(client):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://line2/_stcore/stream"):
        pass
    enter(client)
    with client.websocket_connect("ws://line2/_stcore/stream") as socket:
        assert socket.receive_text() == "in"


def test_signing_in_leads_back_to_where_one_was_going(client):
    answer = enter(client, next="/label?image=3")
    assert (answer.status_code, answer.headers["location"]) == (303, "/label?image=3")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(COOKIE) and "HttpOnly" in cookie and "SameSite=lax" in cookie
    assert client.get("/label").text == "page for inspector"


@pytest.mark.parametrize(
    "away",
    ["https://evil/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/login", "/a\nb"],
)  # fmt: skip
def test_signing_in_never_leads_to_another_site(client, away):
    assert enter(client, next=away).headers["location"] == "/"


def test_a_wrong_password_stays_on_the_page_and_says_so(client):
    answer = enter(client, name='"><script>alert(1)</script>', password="wrong and wrong")
    assert answer.status_code == 401 and "name or password are wrong" in answer.text
    assert "<script>" not in answer.text


def test_guessing_is_slowed_down(client):
    for _ in range(MOST_FAILURES):
        enter(client, password="wrong and wrong")
    answer = enter(client)
    assert answer.status_code == 401 and "wait 10 minutes" in answer.text


def test_a_form_from_another_site_is_refused(client):
    form = {"name": "inspector", "password": PASSWORD}
    answer = client.post("/login", data=form, headers={"origin": "http://evil.example"})
    assert answer.status_code == 403 and "set-cookie" not in answer.headers


def test_signing_out_ends_the_token_itself(client):
    enter(client)
    token = client.cookies[COOKIE]
    client.get("/logout")
    client.cookies.set(COOKIE, token)
    assert client.get("/").status_code == 401


def test_every_answer_carries_the_headers(client):
    enter(client)
    for answer in (client.get("/login"), client.get("/"), client.get("/image/1")):
        policy = answer.headers["content-security-policy"]
        assert "'unsafe-eval'" not in policy and "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_images_thumbs_and_heat_are_served_to_who_is_in(client):
    enter(client, name="viewer")
    for path, kind in (("/image/1", "PNG"), ("/thumb/1", "JPEG"), ("/heatmap/1?version=1&level=2", "PNG")):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        assert Pillow.open(io.BytesIO(answer.content)).format == kind
        assert answer.headers["cache-control"].startswith("private")
        again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/image/4711", 404, "no image 4711"),
        ("/thumb/99999999999999999999999", 404, "no image"),
        ("/heatmap/1", 400, "needs ?version="),
        ("/heatmap/1?version=77", 404, "no version"),
        ("/heatmap/1?version=1&level=../1", 400, "no level"),
        ("/heatmap/1?version=1&longest=999999", 400, "longest="),
    ],
)
def test_what_is_not_there_is_a_sentence(client, path, status, says):
    enter(client)
    answer = client.get(path)
    assert answer.status_code == status and says in answer.text
