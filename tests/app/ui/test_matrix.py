"""Role x route x object, and the same for a sign-in that ends half-way. A route that is not in the table fails."""

import itertools
import time
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from app.ledger import begin, finish
from app.services.accounts import create_account, set_disabled
from app.services.ingest import create_project, ingest_source, request_ingest, stage_upload
from app.services.label import save_verdict
from app.services.members import set_role
from app.services.preview import request_preview
from app.services.score import ranked_queue
from app.services.sign_in import sign_in, sign_out
from app.ui.gate import COOKIE, FOR_TOKENS, OPEN, Gate
from app.ui.opened import opened
from app.ui.routes import ROUTES
from storage.models import Role, Verdict
from tests.app.conftest import ADMIN, ENGINEER, INSPECTOR, part, scratch_mask
from tests.app.ui.conftest import PASSWORD

ROLES = [role.name for role in Role]
PEOPLE = ["anonymous", "nobody", "stranger", *ROLES]  # signed out; without any role; engineer of another project
EVERY = 0.05


@dataclass(frozen=True)
class Rule:
    """Who may use a route on an object of "tile", and how it is asked.

    Attributes:
        least: the role that it needs there; None for whoever is signed in, who sees what is theirs.
        query, body: of a request that is in order.
    """

    least: Role | None
    query: str = ""
    body: dict = field(default_factory=dict)


LABEL = {"verdict": "defect", "type": "scratch"}
TABLE = {
    ("GET", "/image/{id:int}"): Rule(Role.viewer),
    ("GET", "/thumb/{id:int}"): Rule(Role.viewer),
    ("GET", "/heatmap/{id:int}"): Rule(Role.viewer, "?version={version}"),
    ("GET", "/logp/{id:int}"): Rule(Role.viewer, "?version={version}"),
    ("GET", "/pasted/{run}/{index:int}"): Rule(Role.viewer),
    ("GET", "/certificate/{slug}/{number:int}"): Rule(Role.viewer),
    ("GET", "/api/projects"): Rule(None),
    ("POST", "/api/projects/{slug}/images"): Rule(Role.engineer, "?name=a.png"),
    ("GET", "/api/projects/{slug}/scores"): Rule(Role.viewer),
    ("GET", "/api/runs/{run}"): Rule(Role.viewer),
    ("POST", "/api/images/{id:int}/label"): Rule(Role.inspector, body=LABEL),
}
# Before anybody is signed in: what they do is in test_gate.py and test_oidc.py.
DOORS = {
    ("GET", "/healthz"), ("GET", "/login"), ("POST", "/login"), ("GET", "/setup"), ("POST", "/setup"),
    ("GET", "/oidc/start"), ("GET", "/oidc/back"),
}  # fmt: skip
OUT = ("GET", "/logout")


def routes():
    return {(method, route.path) for route in ROUTES for method in route.methods - {"HEAD"}}


@pytest.fixture
def objects(served, tmp_path):
    """Of "tile" and of "other", by name: an image that nobody labelled, a version, a run, a picture of a preview."""
    for item in ranked_queue(served, INSPECTOR, "tile", show="unlabelled").items[:1]:
        save_verdict(
            served, INSPECTOR, item.image_id, verdict=Verdict.defect, defect_type="scratch", mask_png=scratch_mask(),
            client_id="first", expected_revision=0,
        )  # fmt: skip
    run = request_preview(served, ENGINEER, "tile", preset="demo")
    from app.worker.loop import handlers

    job = begin(served.database, run)
    handlers(served)["preview"](job)
    finish(job)
    create_project(served, ENGINEER, name="other", built_in=True, size=64)
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "0.png").write_bytes(part(9000))
    ingest_source(served, ENGINEER, "other", pool, content="unknown")
    ours = {"id": 1, "version": 1, "run": run, "index": 0, "slug": "tile", "number": 1}
    coming = request_ingest(served, ENGINEER, "other", stage_upload(served, ENGINEER, [("1.png", part(1))]), "unknown")
    image = ranked_queue(served, ENGINEER, "other").items[0].image_id
    theirs = {**ours, "id": image, "slug": "other", "run": coming}
    return {"ours": ours, "theirs": theirs, "nowhere": {**ours, "id": 10**6, "run": "0" * 36, "slug": "gone"}}


@pytest.fixture
def tokens(served, objects):
    """Everybody's own sign-in."""
    for name, roles in (("nobody", {}), ("stranger", {"other": Role.engineer})):
        create_account(served, ADMIN, name=name, password=PASSWORD, role=None)
        for slug, role in roles.items():
            set_role(served, ADMIN, slug, name, role)
    return {name: sign_in(served, name, PASSWORD) for name in PEOPLE if name != "anonymous"}


async def _open(websocket):
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(f"you said {await websocket.receive_text()}")


@pytest.fixture
def client(served):
    routes = [*ROUTES, WebSocketRoute("/_stcore/stream", _open)]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, context=opened, every=EVERY)])
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        yield client


def ask(client, key, named, token=None):
    """One request of a route, about these objects."""
    (method, path), rule = key, TABLE[key]
    for name, value in named.items():
        path = path.replace(f"{{{name}}}", str(value)).replace(f"{{{name}:int}}", str(value))
    client.cookies.clear()
    if token:
        client.cookies.set(COOKIE, token)
    more = {"json": rule.body} if rule.body else {"content": part(77)} if method == "POST" else {}
    return client.request(method, path + rule.query.format(**named), **more)


def may(person, about, least):
    """Whether a person may use a route that needs this role on these objects."""
    if about == "theirs":
        return person in ("stranger", "admin")
    return about == "ours" and person in ROLES and Role[person].value >= least.value


def refusal(answer):
    """Whether it says of a thing that there is none, or of the person that their role is not enough."""
    return "there is no" in answer.text or "and this needs" in answer.text


def test_every_route_is_in_the_table_or_before_the_door():
    assert routes() == TABLE.keys() | DOORS | {OUT}
    assert {path for _, path in DOORS} == OPEN  # and nothing else is open
    assert {start.split("/")[1] for start in FOR_TOKENS} == {path.split("/")[1] for _, path in TABLE} - {"pasted"}


@pytest.mark.parametrize("key", sorted(TABLE), ids=" ".join)
def test_who_gets_what(client, objects, tokens, key):
    rule = TABLE[key]
    for person, about in itertools.product(PEOPLE, objects):
        answer = ask(client, key, objects[about], tokens.get(person))
        seen = f"{person} about {about}: {answer.status_code} {answer.text[:80]!r}"
        if person == "anonymous":
            assert answer.status_code == 401 and answer.text == "sign in at /login first\n", seen
        elif rule.least is None:
            listed = [project["slug"] for project in answer.json()["projects"]]
            known = {"nobody": [], "stranger": ["other"], "admin": ["other", "tile"]}
            assert listed == known.get(person, ["tile"]), seen
        elif about == "ours" and person in ROLES:
            told = answer.status_code == 200 or "in between (revision" in answer.text  # somebody said something before
            assert told if may(person, about, rule.least) else answer.status_code == 403, seen
        elif not may(person, about, rule.least):
            assert answer.status_code in (400, 403, 404) and refusal(answer), seen
        else:
            assert answer.status_code not in (401, 403), seen


@pytest.mark.parametrize("ends", ["signed out", "disabled", "role taken away"])
def test_a_sign_in_that_ends_half_way_gets_nothing_more(client, served, objects, tokens, ends):
    token = tokens["engineer"]
    for key in sorted(TABLE):
        assert ask(client, key, objects["ours"], token).status_code in (200, 400), key
    if ends == "signed out":
        sign_out(served, token)
    elif ends == "disabled":
        set_disabled(served, ADMIN, "engineer", disabled=True)
    else:
        set_role(served, ADMIN, "tile", "engineer", None)
    for key in sorted(TABLE):
        answer = ask(client, key, objects["ours"], token)
        if ends != "role taken away":
            assert answer.status_code == 401, key
        elif key == ("GET", "/api/projects"):
            assert answer.json() == {"projects": []}
        else:
            assert answer.status_code in (400, 403, 404) and refusal(answer), key


@pytest.mark.parametrize("ends", [lambda served, token: sign_out(served, token), lambda served, _: close(served)])
def test_an_open_websocket_is_closed_when_its_sign_in_ends_though_nobody_says_anything(client, served, tokens, ends):
    client.cookies.set(COOKIE, tokens["viewer"])
    with client.websocket_connect("ws://localhost/_stcore/stream") as socket:
        for _ in range(3):
            socket.send_text("hello")
            assert socket.receive_text() == "you said hello"
            time.sleep(2 * EVERY)
        ends(served, tokens["viewer"])
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 4401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("ws://localhost/_stcore/stream"):
        pass


def close(served):
    set_disabled(served, ADMIN, "viewer", disabled=True)
