"""For how long a project keeps what nobody labelled: shown to its admins, who may change it."""

import streamlit as st

from app.services.retention import LONGEST, keep_days, set_keep_days
from app.ui.visit import Visit, told


def keeping(here: Visit, slug: str) -> None:
    """The rule that stands, and a way to another."""
    stands = keep_days(here.context, here.actor, slug)
    st.header("Keep images")
    st.caption(
        "Images with any label, and those that a version was made from, are kept for good. Others may go some days "
        "after they came: the command “tidy” deletes them, with an entry in the audit trail."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.number_input(
            "Days, empty for good", 1, LONGEST, stands, 1, placeholder="for good", key="keep-days", width=220
        )
        if st.button("Set", key="keep-set", disabled=days == stands):
            with told():
                set_keep_days(here.context, here.actor, slug, days)
                st.rerun()
