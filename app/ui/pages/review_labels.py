"""Review labels: which labels do the boundary, the other normals or a colleague doubt?"""

import streamlit as st

from app.services.contamination import KIND, odd_normals, request_contamination
from app.services.errors import Refused
from app.services.retrain import runs_of
from app.services.score import scoring_version
from app.services.suspects import Suspect, agreement, review_label, suspects, unseen
from app.ui.components.job_status import job_line, local_time
from app.ui.components.shares import audit_setting, blind_setting
from app.ui.visit import Visit, open_page, plain, project_visit, sentence, told
from storage.label_reviews import Who
from storage.models import Role

STEP = 12
KINDS = {"doubted": "The boundary doubts", "odd": "Odd among the normals", "unseen": "Nobody looked again"}
WHO: dict[Who, str] = {"all": "said by anybody", "people": "said by people", "import": "imported"}
NOTHING = {
    "doubted": "The boundary doubts no label. It may after a retrain; without a version, train one first, and bring in "
    "labels. What is odd among the normals can be looked for before that.",
    "odd": "No odd normal waits: nobody has looked for them yet, or all that were found are answered. Bring in good "
    "parts, and look before the first training.",
    "unseen": "Every label of a colleague has been looked at again. Bring in more images to have new ones.",
}


def card(here: Visit, slug: str, found: Suspect, *, yes: str) -> None:
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
        if st.button(yes, key=f"accept-{key}"):
            with told():
                review_label(here.context, here.actor, found.annotation_id, accepted=True)
                st.rerun()
        with st.popover("Reject"):
            reason = st.text_input("What is wrong with it?", key=f"reason-{key}")
            if st.button("Reject", key=f"reject-{key}", type="primary"):
                with told():
                    review_label(here.context, here.actor, found.annotation_id, accepted=False, reason=reason)
                    st.rerun()


def first_kind(here: Visit, slug: str) -> str:
    """What to look at first: before there is a boundary, what is odd among the normals."""
    try:
        scoring_version(here.context, here.actor, slug)
        return "doubted"
    except Refused:
        return "odd"


def odd_ones(here: Visit, slug: str, who: Who) -> list[Suspect]:
    """The odd normals that are not settled yet, below what the ranking is and is not, and the button that makes it."""
    ranking = odd_normals(here.context, here.actor, slug, who=who)
    words, button = st.columns([4, 1], vertical_alignment="center")
    made = f"{ranking.looked} of {ranking.normals} good parts, {local_time(ranking.at)}. " if ranking else ""
    words.caption(
        f"{made}Ranked by how far a part's oddest place lies from all the others, in the frozen backbone's features, "
        "before a version learns them as normal. It is no boundary: some good part is always the oddest."
    )
    if button.button(
        "Look again" if ranking else "Look for odd ones", type="primary", key="odd-start", width="stretch"
    ):
        with told():
            request_contamination(here.context, here.actor, slug)
            st.rerun()
    job_line(here, slug, kind=KIND)
    last = next((run for run in runs_of(here.context, here.actor, slug) if run.kind == KIND), None)
    if last is not None and last.error:
        st.error(f"The last look failed: {plain(last.error)}")
    return ranking.found if ranking else []


here, slug = project_visit()
st.title("Review labels")
if not here.may(Role.reviewer):
    st.write("A reviewer looks at labels a second time here. Ask an admin for the role, or bring in more labels.")
    st.stop()
bar = st.container(horizontal=True, vertical_alignment="center")
kind = bar.segmented_control(
    "Labels",
    list(KINDS),
    format_func=KINDS.__getitem__,
    default=first_kind(here, slug),
    required=True,
    key="review-kind",
    label_visibility="collapsed",
)
who: Who = bar.selectbox(
    "Who said it",
    list(WHO),
    index=1 if kind == "unseen" else 0,
    format_func=WHO.__getitem__,
    key=f"review-who-{kind}",
    label_visibility="collapsed",
    width=170,
)
for name, (yes, total) in sorted(agreement(here.context, here.actor, slug).items()):
    bar.caption(f"{plain(name)}: {yes} of {total} accepted")
if kind == "odd":
    found = odd_ones(here, slug, who)
else:
    found = (suspects if kind == "doubted" else unseen)(here.context, here.actor, slug, who=who)
if not found:
    st.header("Nothing to review")
    st.write(NOTHING[kind])
for each in found[:STEP]:
    card(here, slug, each, yes="It is normal" if kind == "odd" else "Accept")
if len(found) > STEP:
    st.caption(f"{len(found) - STEP} more follow as these are answered.")
with st.expander("Shares of the queue: audit and blind"):
    audit, blind = st.columns(2, gap="large")
    with audit:
        audit_setting(here, slug)
    with blind:
        blind_setting(here, slug)
