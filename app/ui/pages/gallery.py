"""Gallery: which parts look wrong, and where do they stand against the boundary?"""

import streamlit as st

from app.services.bulk import mark_normal
from app.services.score import Order, Show, ranked_queue
from app.ui.components.gallery import choosing_gallery
from app.ui.components.job_status import job_line
from app.ui.visit import open_page, project_visit, sentence, told
from storage.models import Role

ORDER: dict[Order, str] = {"abnormal": "Most abnormal first", "boundary": "Nearest the boundary first"}
SHOW: dict[Show, str] = {"unlabelled": "Not labelled", "labelled": "Labelled", "all": "All"}
STEP = 120

here, slug = project_visit()
job_line(here, slug)

bar = st.container(horizontal=True, vertical_alignment="center", gap="medium")
order = bar.segmented_control(
    "Order",
    list(ORDER),
    format_func=ORDER.__getitem__,
    default="abnormal",
    required=True,
    key="gallery-order",
    label_visibility="collapsed",
)
show = bar.segmented_control(
    "Show",
    list(SHOW),
    format_func=SHOW.__getitem__,
    default="unlabelled",
    required=True,
    key="gallery-show",
    label_visibility="collapsed",
)
heat = bar.toggle("Heatmaps", value=True, key="gallery-heat")
search = bar.text_input(
    "Search",
    placeholder="part of a name",
    key="gallery-search",
    label_visibility="collapsed",
    width=180,
    bind="query-params",
)
if message := st.session_state.pop("gallery-saved", None):
    st.toast(sentence(message))

limit = st.session_state.setdefault("gallery-limit", STEP)
page = ranked_queue(here.context, here.actor, slug, order=order, show=show, search=search, limit=limit)
if page.items:
    count = f"{len(page.items)}{'+' if page.after else ''} parts"
    if page.version_number is None:
        st.info(f"{count}, in the order in which they came: no version decides yet. Train the first one to rank them.")
    else:
        late = f" {page.unscored} more are not scored yet; they appear when the worker has." if page.unscored else ""
        st.caption(f"{count}, ranked by v{page.version_number}. A score above 0.50 lies beyond b_n.{late}")

choice = st.container()
opened, chosen = choosing_gallery(key="gallery", items=page.items, version_id=page.version_id, show_heat=heat)
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
    if search:
        st.write("No name here has that in it. Empty the search, or show all images.")
    elif show == "unlabelled":
        st.write("Every scored image has its label. Bring in more images, or look at the labelled ones.")
    else:
        st.write("No image is labelled yet. Open one from the list of those not labelled.")
    if here.may(Role.engineer) and st.button("Bring in images", key="gallery-ingest"):
        open_page("ingest")
elif page.after is not None and st.button(f"Show {STEP} more", key="gallery-more", width="stretch"):
    st.session_state["gallery-limit"] = limit + STEP
    st.rerun()
