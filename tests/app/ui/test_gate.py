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

from app.services.accounts import create_account
from app.services.score import ranked_queue
from app.services.sign_in import MOST_FAILURES, actor_for, sign_in
from app.services.tokens import create_token
from app.ui.gate import COOKIE, Gate
from app.ui.opened import opened
from app.ui.routes import ROUTES
from storage import annotations
from storage.models import Image
from tests.app.conftest import ADMIN, ENGINEER, part
from tests.app.ui.conftest import PASSWORD

AFTER_HUGE = f"after=[{10**400},1]"
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
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        yield client


def enter(client, name="inspector", password=PASSWORD, **form):
    return client.post(
        "/login", data={"name": name, "password": password, **form}, headers={"origin": "http://localhost"}
    )


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
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://localhost/_stcore/stream"):
        pass
    enter(client)
    with client.websocket_connect("ws://localhost/_stcore/stream") as socket:
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


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "localhost.evil.example", ""])
def test_a_name_that_is_not_ours_is_not_answered(client, host):
    answer = client.get("/login", headers={"host": host})
    assert answer.status_code == 421 and "BGAD_HOSTS" in answer.text and "content-security-policy" in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "[::1]:8501", "10.1.2.3", "LOCALHOST", "inspect.factory"])
def test_addresses_and_the_names_that_were_set_are_answered(client, host, monkeypatch):
    monkeypatch.setenv("BGAD_HOSTS", "inspect.factory, other")
    opened.cache_clear()
    assert client.get("/login", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999"])
def test_nothing_is_changed_from_another_site(client, origin):
    enter(client)
    for method, path in (("POST", "/login"), ("PUT", "/_stcore/upload_file/a/b"), ("POST", "/api/images/1/label")):
        assert client.request(method, path, headers={"origin": origin}).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://localhost/_stcore/stream", headers={"origin": origin}),
    ):
        pass


def test_another_site_signs_nobody_out(client):
    enter(client)
    client.get("/logout", headers={"sec-fetch-site": "cross-site"})
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/image/1", "/thumb/1", "/heatmap/1?version=1", "/logp/1?version=1", "/certificate/tile/1", "/pasted/x/0"],
)
def test_whoever_has_no_role_in_a_project_gets_nothing_of_it(client, served, path):
    create_account(served, ADMIN, name="otto", password=PASSWORD, role=None)
    enter(client, name="otto")
    answer = client.get(path)
    assert answer.status_code in (400, 404) and "there is no" in answer.text
    assert client.get("/api/projects").json() == {"projects": []}
    assert "no project 'tile' (there is: none yet)" in client.get("/api/projects/tile/scores").json()["error"]


def test_the_first_admins_page_is_there_only_while_a_code_is_out(client, served):
    assert client.get("/setup").status_code == 404
    assert client.post("/setup", data={"code": "x", "name": "eve", "password": PASSWORD}).status_code == 401


def token(served, *scopes, name="engineer"):
    actor = actor_for(served, sign_in(served, name, PASSWORD))
    return {"authorization": "Bearer " + create_token(served, actor, "tile", name="line 2", scopes=scopes)}


def test_a_token_opens_images_and_the_api_and_no_page(client, served):
    reads = token(served, "read")
    assert client.get("/api/projects", headers=reads).json() == {"projects": [{"slug": "tile", "name": "tile"}]}
    assert client.get("/image/1", headers=reads).status_code == 200
    assert client.get("/certificate/tile/1", headers=reads).status_code == 200
    for path in ("/", "/gallery", "/_stcore/health", "/media/x"):
        assert client.get(path, headers=reads).status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://localhost/_stcore/stream", headers=reads):
        pass
    assert client.get("/api/projects", headers={"authorization": "Bearer bgad_wrong"}).status_code == 401


def test_scores_come_in_pages(client, served):
    reads = token(served, "read")
    first = client.get("/api/projects/tile/scores?limit=10", headers=reads).json()
    assert len(first["images"]) == 10 and first["version"] == 1 and first["images"][0]["score"] > 0
    rest = client.get("/api/projects/tile/scores", params={"after": first["next"]}, headers=reads).json()
    ids = [image["id"] for image in first["images"] + rest["images"]]
    assert len(ids) == len(set(ids)) == 22 and rest["next"] is None


def test_a_label_comes_in_once_by_a_token_that_may(client, served):
    labels = token(served, "label", name="inspector")
    open_image = ranked_queue(served, ENGINEER, "tile", show="unlabelled").items[0].image_id
    said = {"verdict": "defect", "type": "scratch", "client_id": "abc"}
    for _ in range(2):  # an answer that was lost is asked for again
        answer = client.post(f"/api/images/{open_image}/label", json=said, headers=labels)
        assert answer.json() == {"image": open_image, "revision": 1}
    with served.database.read() as session:
        assert annotations.current_annotation(session, open_image).by == "inspector/line 2"
    assert client.get("/image/1", headers=labels).status_code == 401  # no scope to read
    refused = client.post(f"/api/images/{open_image}/label", json=said, headers=token(served, "read"))
    assert refused.status_code == 403 and "no scope 'label'" in refused.json()["error"]


def test_an_image_is_sent_in_by_a_token_that_may(client, served):
    scores = token(served, "score", "read")
    answer = client.post("/api/projects/tile/images?name=a.png", content=part(77), headers=scores)
    run = client.get(f"/api/runs/{answer.json()['run']}", headers=scores).json()
    assert (run["kind"], run["state"]) == ("ingest", "queued")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"verdict": "perfect"}', "cannot be read"),
        (b'{"verdict": "defect", "mask": "%%%"}', "cannot be read"),
        (b'{"verdict": "defect", "mask": "AAAA"}', "PNG"),
        (b"[" * 100000, "cannot be read"),
        (b'{"verdict": "normal", "revision": 1e999}', "cannot be read"),
        (b'{"verdict": "normal", "client_id": "\\ud800"}', "no character"),
        (b'{"verdict": "normal", "client_id": "a\\u0000b"}', "no character"),
        (b'{"verdict": "defect", "type": "\\ud800"}', "no character"),
    ],
)
def test_a_label_that_is_none_is_a_sentence(client, served, body, says):
    answer = client.post("/api/images/20/label", content=body, headers=token(served, "label"))
    assert answer.status_code == 400 and says in answer.json()["error"]


@pytest.mark.parametrize("image", [2**31, 2**63, 10**30])
def test_a_number_that_no_image_has_is_a_sentence(client, served, image):
    answer = client.post(f"/api/images/{image}/label", content=b'{"verdict": "normal"}', headers=token(served, "label"))
    assert answer.status_code in (400, 404) and answer.json()["error"]


@pytest.mark.parametrize("path", ["/api/runs/a%00b", "/api/projects/t%00/scores"])
def test_an_address_with_a_nul_is_a_sentence(client, served, path):
    answer = client.get(path, headers=token(served, "read"))
    assert answer.status_code in (400, 404) and answer.json()["error"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "limit=9999",
        "after=[",
        "after={}",
        "after=[1]",
        "after=5",
        "after=[1e999,1]",
        "after=[NaN,1]",
        "after=[1e999,1e999]",
        AFTER_HUGE,
    ],
)
def test_a_page_that_is_none_is_a_sentence(client, served, query):
    answer = client.get(f"/api/projects/tile/scores?{query}", headers=token(served, "read"))
    assert answer.status_code == 400 and "is no" in answer.json()["error"]


def test_signing_out_ends_the_token_itself(client):
    enter(client)
    token = client.cookies[COOKIE]
    client.get("/logout")
    client.cookies.set(COOKIE, token)
    assert client.get("/").status_code == 401


def test_every_answer_carries_the_headers(client):
    enter(client)
    out = {"authorization": "Bearer x"}
    answers = [client.get(path) for path in ("/login", "/", "/image/1", "/image/4711", "/setup", "/api/projects")]
    answers += [client.get("/", headers=out), client.post("/login", headers={"origin": "http://evil.example"})]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "'unsafe-eval'" not in policy and "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY" and answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"


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


def test_a_store_that_is_away_is_no_fault_of_whoever_asks(served, client):
    enter(client)
    with served.database.read() as session:
        key = session.get_one(Image, 1).pixels
    folder = served.settings.home / "objects" / key[:2]
    folder.rename(folder.with_name("away"))
    folder.write_text("no folder")
    answer = client.get("/image/1")
    assert answer.status_code == 503 and "cannot be read" in answer.text
    folder.unlink()
    folder.with_name("away").rename(folder)
    assert client.get("/image/1").status_code == 200
