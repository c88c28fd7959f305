"""Members: who may do what in this project?"""

import streamlit as st

from app.services.members import ROLES, Member, members_of, set_role
from app.ui.components.job_status import local_time
from app.ui.components.removal import asked, offer, question
from app.ui.components.retention import keeping
from app.ui.visit import Visit, plain, project_visit, told
from storage.models import Role

MAY = {
    Role.viewer: "sees everything of the project, changes nothing",
    Role.inspector: "labels images",
    Role.reviewer: "reviews labels, imports and exports them, sets the blind share",
    Role.engineer: "brings in images, retrains, promotes, sets operating points and the audit share, gives roles",
}

NO_ROLE = "no role"


def one(here: Visit, slug: str, found: Member) -> None:
    """A member with the role that stands; a button keeps another one, so that a slip of the hand changes nobody."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        closed = " (account closed)" if found.disabled else ""
        since = f"  \n:small[{found.role.name} since {local_time(found.at)}, by {plain(found.by)}]"
        st.markdown(f"**{plain(found.name)}**{closed}{since}", width="stretch")
        chosen = st.selectbox(
            f"Role of {found.name}",
            [*(role.name for role in ROLES), NO_ROLE],
            index=ROLES.index(found.role),
            key=f"role-{found.name}",
            label_visibility="collapsed",
            width=160,
        )
        if st.button("Change", key=f"change-{found.name}", disabled=chosen == found.role.name):
            with told():
                set_role(here.context, here.actor, slug, found.name, None if chosen == NO_ROLE else Role[chosen])
                st.rerun()


def add(here: Visit, slug: str) -> None:
    """A form for somebody who has an account and no role here."""
    with st.form("member-add", clear_on_submit=True):
        st.markdown("**Give somebody a role**")
        name = st.text_input("Name of the account", max_chars=80, key="member-name")
        role = st.selectbox("Role", ROLES, index=1, format_func=lambda role: role.name, key="member-role")
        if st.form_submit_button("Give the role", type="primary"):
            with told():
                set_role(here.context, here.actor, slug, name, role)
                st.rerun()


here, slug = project_visit()
if here.may(Role.admin) and (goes := asked(slug)):
    question(here, goes)
    st.stop()
st.title("Members")
if not here.may(Role.engineer):
    st.write("Engineers of the project and admins give roles here. Ask one of them, or bring in somebody who is one.")
    st.stop()
left, right = st.columns([3, 2], gap="large")
with left, told():
    found = members_of(here.context, here.actor, slug)
    for member in found:
        one(here, slug, member)
    if not found:
        st.write("Nobody has a role here yet; admins may do everything. Bring in your colleagues on the right.")
with right:
    add(here, slug)
    st.caption("  \n".join(f"**{role.name}**: {words}" for role, words in MAY.items()))
    st.caption("Each role includes those above it. An admin may do everything in every project.")
if here.may(Role.admin):
    st.divider()
    left, right = st.columns(2, gap="large")
    with left:
        keeping(here, slug)
    with right:
        offer(here, slug)
