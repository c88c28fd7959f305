"""Who is here, in which project: read again at every run, because a sign-in or a role may have ended since."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from app.services.authority import Actor, SignedOut, at_least
from app.services.context import Context
from app.services.errors import Refused
from app.services.outage import noted
from app.services.projects import projects_of, role_of
from app.services.sign_in import actor_for
from app.ui.gate import COOKIE
from app.ui.opened import opened
from storage.errors import AWAY, StorageError
from storage.models import Role

TOKEN = "token"  # in the session's state: tests of a page sign in without a browser
PROJECT = "project"
SAID = "said"  # what the next page says once, at its top
PAGES = Path(__file__).resolve().parent / "pages"


@dataclass(frozen=True)
class Visit:
    """One run of a page by one person.

    Attributes:
        project: its slug, None while there is none that this person may see.
        role: theirs in the project, or the most they may do anywhere while there is none.
    """

    context: Context
    actor: Actor
    project: str | None
    role: Role | None = None

    def may(self, role: Role) -> bool:
        """Whether to offer what needs `role` in this project; whether it is done, the use case decides."""
        return at_least(self.role, role)

    @property
    def role_name(self) -> str:
        return self.role.name if self.role else "no role yet"


def visit() -> Visit:
    """The visit of this run; ends the run with a link to the sign-in page when the sign-in has ended."""
    context = opened()
    actor = actor_for(context, st.session_state.get(TOKEN) or st.context.cookies.get(COOKIE))
    if actor is None:
        _ended()
    try:
        project = _chosen(context, actor)
        return Visit(context, actor, project, role_of(context, actor, project))
    except SignedOut:  # in the moment between
        _ended()


def _ended() -> NoReturn:
    st.info("Your sign-in has ended. What you saved is kept; strokes that were not saved wait in this browser.")
    st.link_button("Sign in again", "/login", type="primary")
    st.stop()


def project_visit() -> tuple[Visit, str]:
    """The visit and its project; ends the run with what to do when there is none yet."""
    here = visit()
    if here.project is None:
        st.title("No project yet")
        if here.may(Role.engineer):
            st.write("A project is one product or part type. Make one and bring in its images on the Ingest page.")
            if st.button("Go to Ingest", type="primary", key="go-ingest"):
                open_page("ingest")
        else:
            st.write("A project appears here as soon as an admin, or one of its engineers, gives you a role in it.")
        st.stop()
    return here, here.project


def open_page(name: str, **query: str) -> NoReturn:
    """Leave for another page."""
    st.switch_page(PAGES / f"{name}.py", query_params=query)


@contextmanager
def told() -> Iterator[None]:
    """A page's edge: what a use case refuses, and a database that is away, become a sentence on the page."""
    try:
        yield
    except (Refused, StorageError) as refused:
        st.error(sentence(refused))
    except AWAY as error:
        st.error(sentence(noted(error)))


def sentence(error: Exception | str) -> str:
    """An error as text that Markdown shows as it is, with a capital letter."""
    text = plain(str(error))
    return text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """Text of other people's (names, reasons, file names) as Markdown shows it unchanged."""
    for sign in "\\`*_[]<>$~#":
        text = text.replace(sign, f"\\{sign}")
    return text


def choose_project(context: Context, actor: Actor) -> None:
    """The project picker; the choice travels in the address, so that a page can be reloaded or sent to somebody."""
    found = projects_of(context, actor)
    if not found:
        return
    slugs = [project.slug for project in found]
    names = {project.slug: project.name for project in found}
    chosen = _chosen(context, actor)
    st.session_state.setdefault("project-picker", chosen)
    if st.session_state["project-picker"] not in slugs:
        st.session_state["project-picker"] = chosen
    picked = st.selectbox("Project", slugs, format_func=lambda slug: names.get(slug, slug), key="project-picker")
    if picked != chosen:
        st.session_state[PROJECT] = picked
        st.query_params.clear()
        st.rerun()


def _chosen(context: Context, actor: Actor) -> str | None:
    slugs = [project.slug for project in projects_of(context, actor)]
    for wanted in (st.query_params.get(PROJECT), st.session_state.get(PROJECT)):
        if wanted in slugs:
            st.session_state[PROJECT] = wanted
            return str(wanted)
    return slugs[0] if slugs else None
