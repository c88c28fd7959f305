"""A page run as Streamlit runs it, and what one reads on it and does to it."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

import app.ui
from tests.patience import PATIENCE

UI = Path(app.ui.__file__).parent


def visitor(token_of):
    def go(page, role="engineer", *, query=None):
        at = AppTest.from_file(UI / "pages" / f"{page}.py", default_timeout=PATIENCE)
        at.session_state["token"] = token_of(role)
        for key, value in (query or {}).items():
            at.query_params[key] = value
        return run(at)

    return go


def run(at):
    at.run()
    assert not at.exception, at.exception[0].stack_trace
    return at


def words(at):
    kinds = (at.title, at.header, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.metric)
    return " | ".join(str(getattr(e, "label", "")) + " " + str(e.value) for kind in kinds for e in kind)


def address(at):
    """The image of the page's address."""
    value = at.query_params["image"]
    return int(value[0] if isinstance(value, list) else value)


def button(at, key):
    return next((b for b in at.button if b.key == key), None)
