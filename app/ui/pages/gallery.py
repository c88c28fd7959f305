"""Gallery: which parts look wrong, and where do they stand against what decides?"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from app.services.bulk import mark_normal
from app.services.rule import Rule, deciding_rule
from app.services.score import Narrow, Order, Show, known_types, ranked_queue
from app.ui.components.gallery import choosing_gallery
from app.ui.components.job_status import job_line
from app.ui.visit import open_page, project_visit, sentence, told
from storage.models import Role, Standing

ORDER: dict[Order, str] = {
    "abnormal": "Most abnormal first",
    "boundary": "Nearest the {} first",
    "calm": "Calmest first",
    "newest": "Newest first",
}
SHOW: dict[Show, str] = {"unlabelled": "Not labelled", "labelled": "Labelled", "all": "All"}
STANDING = ("defect", "margin", "normal")
PARTS = {"held-out": "held out for measuring", "learning": "not held out"}
BOUND: dict[str, Any] = {"bind": "query-params"}  # a link shows a colleague the same parts
PAGE = 200


def narrowed(rule: Rule, types: list[str], search: str) -> tuple[Narrow, int]:
    """What the filters let through, and how many of them are set."""
    with bar.popover("Filter"):
        place = st.selectbox(
            "Stands", STANDING, format_func=lambda name: rule.standing_words(Standing(name)), index=None,
            key="gallery-stands", **BOUND,
        )  # fmt: skip
        kind = st.selectbox("Type", types, index=None, key="gallery-type", **BOUND)
        part = st.selectbox(
            "Parts", list(PARTS), format_func=PARTS.__getitem__, index=None, key="gallery-parts", **BOUND
        )
        low, high = st.slider("Score", 0.0, 1.0, (0.0, 1.0), 0.01, key="gallery-score", **BOUND)
        since = st.date_input("Came in since", None, key="gallery-since", format="YYYY-MM-DD", **BOUND)
        until = st.date_input("Came in until", None, key="gallery-until", format="YYYY-MM-DD", **BOUND)
    found = Narrow(
        standing=Standing(place) if place else None,
        defect_type=kind,
        held_out=None if part is None else part == "held-out",
        search=search,
        lowest=low if low > 0 else None,
        highest=high if high < 1 else None,
        since=_midnight(since),
        until=_midnight(until + timedelta(days=1)) if until else None,
    )
    return found, sum(each is not None for each in (place, kind, part, found.lowest, found.highest, since, until))


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def cursors(of: Any) -> list[Any]:
    """Where each page that was turned to begins; from the first page anew when the filters changed."""
    if st.session_state.get("gallery-of") != of:
        st.session_state["gallery-of"], st.session_state["gallery-cursors"] = of, [None]
    return st.session_state["gallery-cursors"]


here, slug = project_visit()
job_line(here, slug)
rule = deciding_rule(here.context, here.actor, slug)

bar = st.container(horizontal=True, vertical_alignment="center", gap="small")
order: Order = bar.selectbox(
    "Order", list(ORDER), format_func=lambda name: ORDER[name].format(rule.name), key="gallery-order",
    label_visibility="collapsed", width=250, **BOUND,
)  # fmt: skip
show: Show = bar.segmented_control(
    "Show", list(SHOW), format_func=SHOW.__getitem__, default="unlabelled", required=True, key="gallery-show",
    label_visibility="collapsed", **BOUND,
)  # fmt: skip
search = bar.text_input(
    "Search", placeholder="part of a name", key="gallery-search", label_visibility="collapsed", width=170, **BOUND
)
narrow, filters = narrowed(rule, known_types(here.context, here.actor, slug), search)
heat = bar.toggle("Heatmaps", value=True, key="gallery-heat")
if message := st.session_state.pop("gallery-saved", None):
    st.toast(sentence(message))

begins = cursors((slug, order, show, narrow))
page = ranked_queue(here.context, here.actor, slug, order=order, show=show, narrow=narrow, limit=PAGE, after=begins[-1])
if page.items:
    first = (len(begins) - 1) * PAGE + 1
    count = f"Parts {first} to {first + len(page.items) - 1}{', more follow' if page.after is not None else ''}"
    if page.version_number is None:
        st.info(f"{count}, in the order in which they came: no version decides yet. Train the first one to rank them.")
    else:
        late = f" {page.unscored} more are not scored yet; they appear when the worker has." if page.unscored else ""
        set_ones = f", {filters} {'filter' if filters == 1 else 'filters'}" if filters else ""
        st.caption(f"{count}, ranked by v{page.version_number}{set_ones}. {rule.line}{late}")

choice = st.container()
opened, chosen = choosing_gallery(
    key="gallery", items=page.items, rule=rule, version_id=page.version_id, show_heat=heat
)
if chosen and here.may(Role.inspector):
    label = f"Mark {len(chosen)} as normal"
    if choice.button(label, type="primary", key="gallery-normal", help="Shift-click ticks everything between"):
        with told():
            done = mark_normal(here.context, here.actor, slug, chosen)
            left = f"; {done.left} had a label meanwhile and keep it" if done.left else ""
            st.session_state["gallery-saved"] = f"{done.marked} marked as normal{left}"
            st.rerun()
if opened is not None:
    open_page("label", image=str(opened), project=slug)

if not page.items:
    st.header("Nothing to show")
    if search or filters:
        st.write("No part is let through by the search and the filters. Empty them, or show all images.")
    elif show == "unlabelled":
        st.write("Every scored image has its label. Bring in more images, or look at the labelled ones.")
    elif show == "all":
        st.write("Nothing came in yet, or nothing of it is scored. Bring in images.")
    else:
        st.write("No image is labelled yet. Open one from the list of those not labelled.")
    if here.may(Role.engineer) and st.button("Bring in images", key="gallery-ingest"):
        open_page("ingest")
if len(begins) > 1 or page.after is not None:
    turn = st.container(horizontal=True, horizontal_alignment="center")
    if turn.button("Previous", key="gallery-previous", shortcut="Alt+Left", disabled=len(begins) == 1):
        begins.pop()
        st.rerun()
    if turn.button("Next", key="gallery-next", shortcut="Alt+Right", disabled=page.after is None):
        begins.append(page.after)
        st.rerun()
