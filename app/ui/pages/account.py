"""Account: where am I signed in, and which scripts act for me?"""

import streamlit as st

from app.services.own import Place, change_password, end_other_sign_ins, end_sign_in, my_sign_ins
from app.services.tokens import LONGEST, SCOPES, TokenView, create_token, my_tokens, revoke_token
from app.ui.components.job_status import local_time
from app.ui.visit import Visit, plain, told, visit
from storage.models import Role

NEW = "account-new-token"  # shown once, at the run after it was made
WORDS = {
    "read": "read: images, heatmaps, scores, certificates",
    "score": "score: bring images in to be scored (engineers)",
    "label": "label: save verdicts and masks (inspectors)",
}


def place(here: Visit, found: Place) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        mark = " · :green[this one]" if found.here else ""
        until = f"  \n:small[by {found.way}, since {local_time(found.at)}, until {local_time(found.until)}]"
        st.markdown(f"{found.browser}{mark}{until}", width="stretch")
        if not found.here and st.button("End it", key=f"end-{found.handle}"):
            end_sign_in(here.context, here.actor, found.handle)
            st.rerun()


def password(here: Visit) -> None:
    with st.form("account-password", clear_on_submit=True):
        old = st.text_input("Password so far", type="password", key="password-old")
        new = st.text_input("New password, 10 characters or more", type="password", key="password-new")
        if st.form_submit_button("Change it") and old:
            with told():
                change_password(here.context, here.actor, old=old, new=new)
                st.success("Changed. Your other sign-ins have ended.")


def token(here: Visit, found: TokenView) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        words = f"**{plain(found.name)}** · {', '.join(found.scopes)} in {found.project}"
        owner = "" if found.owner == here.actor.name else f"{plain(found.owner)}, "
        st.markdown(f"{words}  \n:small[{owner}until {local_time(found.expires_at)}]", width="stretch")
        if st.button("Revoke", key=f"revoke-{found.id}"):
            with told():
                revoke_token(here.context, here.actor, found.id)
                st.rerun()


def new_token(here: Visit, slug: str) -> None:
    with st.form("token-add", clear_on_submit=True):
        st.markdown(f"**New token for {slug}**")
        name = st.text_input("What is it for?", max_chars=80, placeholder="camera of line 2", key="token-name")
        st.caption("It may")
        scopes = [name for name in SCOPES if st.checkbox(WORDS[name], value=name == "read", key=f"token-{name}")]
        days = st.number_input("Days that it lasts", 1, LONGEST, 90, key="token-days")
        if st.form_submit_button("Make the token", type="primary"):
            with told():
                made = create_token(here.context, here.actor, slug, name=name, scopes=scopes, days=int(days))
                st.session_state[NEW] = made
                st.rerun()


here = visit()
st.title("Account")
left, right = st.columns(2, gap="large")
with left:
    st.header("Signed in")
    with told():
        places = my_sign_ins(here.context, here.actor)
        for found in places:
            place(here, found)
        if len(places) > 1 and st.button("Sign out everywhere else", type="primary", key="end-others"):
            end_other_sign_ins(here.context, here.actor)
            st.rerun()
    with st.expander("Change the password"):
        password(here)
with right:
    st.header("Tokens of scripts")
    if (made := st.session_state.pop(NEW, None)) is not None:
        st.success("The token, shown this once:")
        st.code(made, language=None)
    with told():
        for each in my_tokens(here.context, here.actor):
            token(here, each)
    if here.project is not None and here.may(Role.viewer):
        new_token(here, here.project)
    else:
        st.caption("A token is for one project: there is none with a role for you. Bring in the first, or ask for one.")
