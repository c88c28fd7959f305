"""The queue's two shares, drawn by lot and shown blind; and the line that says that nothing is drawn."""

import streamlit as st

from app.services.audit_share import LONGEST, MOST, NoAudit, audit_share, set_audit_share
from app.services.label_aids import MOST_BLIND, blind_share, set_blind_share
from app.ui.components.job_status import local_time
from app.ui.visit import Visit, plain, told
from storage.models import Role


def no_audit(found: NoAudit) -> str:
    """Since when and why nothing is drawn by lot, and what that costs."""
    return (
        f"No audit by lot since {local_time(found.since)} ({plain(found.by)}: {plain(found.reason)}), so how many "
        "defects pass is no longer estimated."
    )


def audit_setting(here: Visit, slug: str) -> None:
    """The audit's share, which an engineer sets; 0 asks for a reason."""
    found = audit_share(here.context, here.actor, slug)
    st.caption("A share of the queue is drawn by lot from the parts that pass: it alone says how many defects escape.")
    now = round(100 * found.share)
    if not here.may(Role.engineer):
        st.markdown(no_audit(found.off) if found.off else f"**{now} %**. An engineer sets it.")
        return
    share = st.slider("Audit, percent", 0, round(100 * MOST), now, 5, key="audit-share")
    if share == 0 and found.off:
        st.markdown(no_audit(found.off))
    reason = st.text_input("Why no audit?", max_chars=LONGEST, key="audit-reason") if share == 0 != now else ""
    if share != now and st.button("Keep", key="audit-keep"):
        with told():
            set_audit_share(here.context, here.actor, slug, share / 100, reason=reason)
            st.rerun()


def blind_setting(here: Visit, slug: str) -> None:
    """The share that is shown without heat and score until it is answered."""
    st.caption("A share of the images is shown without heat and score until it is answered, to measure eyes alone.")
    now = round(100 * blind_share(here.context, here.actor, slug))
    share = st.slider("Blind, percent", 0, round(100 * MOST_BLIND), now, 5, key="blind-share")
    if share != now and st.button("Keep", key="blind-keep"):
        with told():
            set_blind_share(here.context, here.actor, slug, share / 100)
            st.rerun()
