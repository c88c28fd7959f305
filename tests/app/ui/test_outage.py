"""A database that is away: 503 with a sentence and all headers, to be asked again; open websockets stay open."""

import time
from dataclasses import replace

import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from streamlit.testing.v1 import AppTest

from app.ui.gate import COOKIE, HEADERS, Gate
from storage.database import Database
from tests.patience import PATIENCE

NOWHERE = "postgresql://bgad@127.0.0.1:1/nothing"  # no server listens there


class Installation:
    """What the gate asks; its database can be away, which is then really asked for and does not answer."""

    def __init__(self, context):
        self.here, self.there = context, replace(context, database=Database(NOWHERE))
        self.away = False

    def __call__(self):
        return self.there if self.away else self.here


@pytest.fixture
def installation(served):
    return Installation(served)


@pytest.fixture
def client(installation, token_of):
    async def half(_request):
        async def parts():
            yield b"half of"
            with installation.there.database.read() as session:
                session.connection()

        return StreamingResponse(parts())

    async def talk(websocket):
        await websocket.accept()
        for _ in range(4):
            await websocket.send_text(await websocket.receive_text())

    async def page(_request):
        return PlainTextResponse("a page")

    routes = [Route("/half", half), WebSocketRoute("/stream", talk), Route("/{rest:path}", page)]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, context=installation, every=0.05)])
    with TestClient(app, base_url="http://localhost", cookies={COOKIE: token_of("viewer")}) as client:
        yield client


def test_everything_is_answered_503_until_the_database_is_back(client, installation):
    installation.away = True
    answer = client.get("/gallery", headers={"accept": "text/html"})
    assert answer.status_code == 503 and answer.text.startswith("the database does not answer just now.")
    assert all(answer.headers[name] == value for name, value in HEADERS.items())
    assert answer.headers["refresh"] == "3"  # a browser comes back by itself
    told = client.get("/api/projects")
    assert told.status_code == 503 and "try again in a moment" in told.json()["error"] and told.headers["retry-after"]
    assert client.get("/image/1").status_code == 503 and "refresh" not in client.get("/image/1").headers
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("ws://localhost/stream"):
        pass
    assert closed.value.code == 1013
    installation.away = False
    assert client.get("/gallery").text == "a page"


def test_an_open_websocket_outlives_an_outage(client, installation):
    with client.websocket_connect("ws://localhost/stream") as socket:
        installation.away = True
        for word in ("one", "two", "three"):
            time.sleep(0.2)  # the gate looks every 0.05 s
            socket.send_text(word)
            assert socket.receive_text() == word
        installation.away = False
        socket.send_text("four")
        assert socket.receive_text() == "four"


def test_an_answer_that_had_begun_is_cut_off(client):
    with pytest.raises(OperationalError):
        client.get("/half")


def away():
    import streamlit as st

    from app.ui.visit import told
    from storage.database import Database

    with told(), Database("postgresql://bgad@127.0.0.1:1/nothing").read() as session:
        session.connection()
    st.write("what stood there still stands")


def test_a_page_says_it_in_a_sentence():
    at = AppTest.from_function(away).run(timeout=PATIENCE)
    assert at.error[0].value.startswith("The database does not answer just now.") and not at.exception
    assert at.markdown[0].value == "what stood there still stands"
