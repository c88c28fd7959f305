"""Review labels: which labels do the boundary or a colleague doubt?"""

import streamlit as st

from app.services.suspects import Suspect, agreement, review_label, suspects, unseen
from app.ui.components.shares import audit_setting, blind_setting
from app.ui.visit import Visit, open_page, plain, project_visit, sentence, told
from storage.models import Role

STEP = 12


def card(here: Visit, slug: str, found: Suspect) -> None:
    """One label with its image and what speaks against it; accept, reject with a reason, or open it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.html(f'<img src="/thumb/{found.image_id}" alt="" style="height:76px;border-radius:6px">', width="content")
        words = found.verdict.value + (f", {found.defect_type}" if found.defect_type else "")
        score = f" · score {found.score:.2f}" if found.score is not None else ""
        line = f"**{plain(words)}** by {plain(found.by)}{score}  \n{plain(found.name)}"
        st.markdown(line + (f"  \n:orange[{sentence(found.reason)}]" if found.reason else ""), width="stretch")
        key = f"{found.annotation_id}"
        if st.button("Open", key=f"open-{key}"):
            open_page("label", image=str(found.image_id), project=slug)
        if st.button("Accept", key=f"accept-{key}"):
            with told():
                review_label(here.context, here.actor, found.annotation_id, accepted=True)
                st.rerun()
        with st.popover("Reject"):
            reason = st.text_input("What is wrong with it?", key=f"reason-{key}")
            if st.button("Reject", key=f"reject-{key}", type="primary"):
                with told():
                    review_label(here.context, here.actor, found.annotation_id, accepted=False, reason=reason)
                    st.rerun()


here, slug = project_visit()
st.title("Review labels")
if not here.may(Role.reviewer):
    st.write("A reviewer looks at labels a second time here. Ask an admin for the role, or bring in more labels.")
    st.stop()
bar = st.container(horizontal=True, vertical_alignment="center")
kind = bar.segmented_control(
    "Labels",
    ("doubted", "unseen"),
    format_func={"doubted": "The boundary doubts", "unseen": "Nobody looked again"}.__getitem__,
    default="doubted",
    required=True,
    key="review-kind",
    label_visibility="collapsed",
)
for name, (yes, total) in sorted(agreement(here.context, here.actor, slug).items()):
    bar.caption(f"{plain(name)}: {yes} of {total} accepted")
found = (suspects if kind == "doubted" else unseen)(here.context, here.actor, slug)
if not found:
    st.header("Nothing to review")
    st.write(
        "The boundary doubts no label. It may after a retrain; without a version, train one first, and bring in labels."
        if kind == "doubted"
        else "Every label of a colleague has been looked at again. Bring in more images to have new ones."
    )
for each in found[:STEP]:
    card(here, slug, each)
if len(found) > STEP:
    st.caption(f"{len(found) - STEP} more follow as these are answered.")
with st.expander("Shares of the queue: audit and blind"):
    audit, blind = st.columns(2, gap="large")
    with audit:
        audit_setting(here, slug)
    with blind:
        blind_setting(here, slug)
