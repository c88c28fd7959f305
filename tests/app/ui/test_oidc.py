"""Signing in at an OIDC provider: what is honest comes in, what is not stays out, and nobody becomes somebody else."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.services.errors import Refused
from app.services.oidc import link
from app.services.sign_in import actor_for
from app.ui.gate import COOKIE, Gate
from app.ui.opened import opened
from app.ui.routes import ROUTES
from tests.app.ui.oidc_double import CLIENT, SECRET, OidcDouble


@pytest.fixture(scope="module")
def running():
    double = OidcDouble()
    yield double
    double.stop()


@pytest.fixture
def double(running):
    running.lies, running.person = {}, {"sub": "u-1", "preferred_username": "olga"}
    return running


@pytest.fixture
def client(served, double, monkeypatch, tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    monkeypatch.setenv("BGAD_OIDC_ISSUER", double.issuer)
    monkeypatch.setenv("BGAD_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("BGAD_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    opened.cache_clear()
    app = Starlette(routes=[*ROUTES, Route("/{rest:path}", _page)], middleware=[Middleware(Gate, context=opened)])
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        yield client


async def _page(request):
    return PlainTextResponse(f"page for {request.state.actor.name}")


def sign_in(client, double):
    """The whole way: out, there, back; the last answer."""
    out = client.get("/oidc/start", params={"next": "/label?image=3"})
    assert out.status_code == 303, out.text
    return client.get(double.visit(out.headers["location"]).replace("http://localhost", ""))


def test_somebody_of_the_provider_comes_in_without_a_role(client, double):
    assert "Sign in with single sign-on" in client.get("/login").text
    answer = sign_in(client, double)
    assert (answer.status_code, answer.headers["location"]) == (303, "/label?image=3")
    assert client.get("/label").text == "page for olga"
    assert actor_for(opened(), client.cookies[COOKIE]).role is None
    assert client.get("/image/1").status_code == 404
    assert {"state", "nonce", "code_challenge"} <= double.asked.keys()


def test_the_same_subject_is_the_same_account_whatever_it_is_called(client, double):
    sign_in(client, double)
    double.person["preferred_username"] = "olga married"
    sign_in(client, double)
    assert client.get("/x").text == "page for olga"


def test_a_name_or_a_mail_address_opens_nobody_elses_account(client, double):
    double.person = {"sub": "u-2", "preferred_username": "admin", "email": "admin@example.com"}
    sign_in(client, double)
    actor = actor_for(opened(), client.cookies[COOKIE])
    assert (actor.name, actor.role) == ("admin 2", None)


def test_the_command_line_links_an_account_that_is_here(client, double):
    link(opened(), "inspector", "u-3")
    double.person = {"sub": "u-3", "preferred_username": "whoever"}
    sign_in(client, double)
    assert client.get("/x").text == "page for inspector"
    with pytest.raises(Refused, match="signs in as inspector already"):
        link(opened(), "viewer", "u-3")


@pytest.mark.parametrize(
    "lies",
    [
        {"key": True},
        {"shared_key": True},
        {"claims": {"aud": "another"}},
        {"claims": {"iss": "https://evil.example"}},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"exp": 1}},
        {"claims": {"sub": None}},
        {"issuer": "https://evil.example"},
        {"answer": {"state": "of another browser"}},
        {"answer": {"code": "guessed"}},
        {"answer": {"iss": "https://evil.example"}},
        {"answer": {"error": "access_denied"}},
    ],
    ids=str,
)
def test_what_is_not_signed_for_us_stays_out(client, double, lies):
    out = client.get("/oidc/start")
    double.lies = lies
    answer = client.get(double.visit(out.headers["location"]).replace("http://localhost", ""))
    assert answer.status_code == 401 and 'role="alert"' in answer.text
    assert COOKIE not in client.cookies and client.get("/image/1").status_code == 401


def test_a_code_works_once_and_in_the_browser_that_began(client, double):
    out = client.get("/oidc/start")
    back = double.visit(out.headers["location"]).replace("http://localhost", "")
    kept = client.cookies["bgad_oidc"]
    client.cookies.clear()
    assert client.get(back).status_code == 401  # another browser, which has no such cookie
    client.cookies.set("bgad_oidc", kept, path="/oidc")
    assert client.get(back).status_code == 303
    client.cookies.clear()
    client.cookies.set("bgad_oidc", kept, path="/oidc")
    assert client.get(back).status_code == 401


def test_a_provider_that_is_away_is_a_sentence(client, double, monkeypatch):
    monkeypatch.setenv("BGAD_OIDC_ISSUER", "http://127.0.0.1:9")
    opened.cache_clear()
    answer = client.get("/oidc/start")
    assert answer.status_code == 401 and "does not answer" in answer.text


def test_new_people_get_the_role_that_is_configured(client, double, monkeypatch):
    monkeypatch.setenv("BGAD_OIDC_ROLE", "viewer")
    opened.cache_clear()
    double.person = {"sub": "u-9", "preferred_username": "vera"}
    sign_in(client, double)
    assert client.get("/image/1").status_code == 200
