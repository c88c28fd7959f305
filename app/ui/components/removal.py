"""The end of a project, for admins: what goes is shown first, and the project's name has to be typed."""

from typing import NoReturn

import streamlit as st

from app.services.removal import Goes, remove_project, what_goes
from app.ui.visit import PROJECT, SAID, Visit, open_page, plain, told

SHOWN = "removal"  # in the session's state: what would go, counted once


def offer(here: Visit, slug: str) -> None:
    """The section that leads to the question."""
    st.header("Remove this project")
    st.caption("Its images, labels, versions and everything else of it. What would go is shown first.")
    if st.button("See what would go", key="removal-see"):
        with told():
            st.session_state[SHOWN] = what_goes(here.context, here.actor, slug)
            st.rerun()


def asked(slug: str) -> Goes | None:
    """What would go when somebody asked for it in this project."""
    goes: Goes | None = st.session_state.get(SHOWN)
    return goes if goes and goes.slug == slug else None


def question(here: Visit, goes: Goes) -> None:
    """What goes, beside the field for the name; leaves for Home when the project was removed."""
    st.title(f"Remove {plain(goes.name)}?")
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.table([{"what goes": what, "how much": much} for what, much in goes.told()], hide_index=True)
    with right:
        st.write(
            "This deletes it for good. The audit trail keeps who did it and how much it was; backups that were taken "
            "hold the project still."
        )
        typed = st.text_input(f"Type {goes.slug} and press Enter", key="removal-slug").strip()
        if st.button("Remove it for good", disabled=typed != goes.slug, key="removal-do", width="stretch"):
            with told():
                _remove(here, goes.slug, typed)
        if st.button("Keep it", type="primary", key="removal-keep", width="stretch"):
            del st.session_state[SHOWN]
            st.rerun()


def _remove(here: Visit, slug: str, typed: str) -> NoReturn:
    gone = remove_project(here.context, here.actor, slug, confirm=typed)
    del st.session_state[SHOWN]
    st.session_state.pop(PROJECT, None)
    st.session_state[SAID] = gone.told()
    open_page("home")
