"""People: who may sign in, and who is an admin?"""

import secrets

import streamlit as st

from app.services.accounts import Person, create_account, people, set_admin, set_disabled, set_password
from app.ui.components.job_status import local_time
from app.ui.visit import Visit, plain, told, visit
from storage.models import Role

NEW = "people-new-password"  # (name, password) shown once, at the run after it was made


def shown_once() -> None:
    """The password that was made in the last run; gone with the next."""
    if (made := st.session_state.pop(NEW, None)) is not None:
        st.success(f"The password of {plain(made[0])}, shown this once. Hand it over and let them change it.")
        st.code(made[1], language=None)


def one(here: Visit, person: Person) -> None:
    """An account: what it may do where, and what an admin can change."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        roles = ", ".join(f"{role.name} in {slug}" for slug, role in person.roles.items())
        words = "admin, everywhere" if person.admin else roles or "no role yet: give one on a project's Members page"
        closed = " (closed)" if person.disabled else ""
        since = f"  \n:small[{plain(words)} · since {local_time(person.created_at)}]"
        st.markdown(f"**{plain(person.name)}**{closed}{since}", width="stretch")
        with st.popover("Change", key=f"person-{person.name}"), told():
            if st.button("Make a new password", key=f"password-{person.name}"):
                made = secrets.token_urlsafe(12)
                set_password(here.context, here.actor, person.name, made)
                st.session_state[NEW] = (person.name, made)
                st.rerun()
            if st.button("No admin any more" if person.admin else "Make an admin", key=f"admin-{person.name}"):
                set_admin(here.context, here.actor, person.name, admin=not person.admin)
                st.rerun()
            words = "Open the account again" if person.disabled else "Close the account"
            if st.button(words, key=f"close-{person.name}"):
                set_disabled(here.context, here.actor, person.name, disabled=not person.disabled)
                st.rerun()


def add(here: Visit) -> None:
    """A form for a new account; its password is made here and shown once."""
    with st.form("people-add", clear_on_submit=True):
        st.markdown("**New account**")
        name = st.text_input("Name", max_chars=80, key="people-name")
        admin = st.checkbox("Admin: may do everything everywhere", key="people-admin")
        if st.form_submit_button("Make the account", type="primary"):
            with told():
                made = secrets.token_urlsafe(12)
                role = Role.admin if admin else None
                account = create_account(here.context, here.actor, name=name, password=made, role=role)
                st.session_state[NEW] = (account.name, made)
                st.rerun()


here = visit()
st.title("People")
if not here.actor.may(Role.admin):
    st.write("Admins make and close accounts here. Ask one of them to bring in a colleague.")
    st.stop()
shown_once()
left, right = st.columns([3, 2], gap="large")
with left, told():
    for person in people(here.context, here.actor):
        one(here, person)
with right:
    add(here)
    st.caption("What somebody may do in a project is given on its Members page.")
