"""The end of a project, for admins: what goes is shown first, and the project's name has to be typed."""

from typing import NoReturn

import streamlit as st

from app.services.removal import Goes, remove_project, what_goes
from app.ui.visit import PROJECT, SAID, Visit, open_page, plain, told

SHOWN = "removal"  # in the session's state: what would go, counted once


def removal(here: Visit, slug: str) -> None:
    """Draw the section; leaves for Home when the project was removed."""
    st.divider()
    st.header("Remove this project")
    st.caption(
        "Deletes its images, labels, versions and everything else of it for good. The audit trail keeps who did it and "
        "how much it was; backups that were taken hold the project still."
    )
    goes: Goes | None = st.session_state.get(SHOWN)
    if goes is None or goes.slug != slug:
        if st.button("See what would go", key="removal-see"):
            with told():
                st.session_state[SHOWN] = what_goes(here.context, here.actor, slug)
                st.rerun()
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.table([{"what goes": what, "how much": much} for what, much in goes.told()], hide_index=True)
    with right:
        typed = st.text_input(f"Type {slug} and press Enter", key="removal-slug", max_chars=80)
        if st.button(f"Remove {plain(goes.name)} for good", disabled=typed.strip() != slug, key="removal-do"):
            with told():
                _remove(here, slug, typed.strip())
        if st.button("Keep it", key="removal-keep"):
            del st.session_state[SHOWN]
            st.rerun()


def _remove(here: Visit, slug: str, typed: str) -> NoReturn:
    gone = remove_project(here.context, here.actor, slug, confirm=typed)
    del st.session_state[SHOWN]
    st.session_state.pop(PROJECT, None)
    st.session_state[SAID] = gone.told()
    open_page("home")
