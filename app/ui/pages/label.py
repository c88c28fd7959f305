"""Label: is this part good, and where is the defect?"""

import base64

import streamlit as st

from app.services.heat import FUSED
from app.services.home import home_view
from app.services.label import LabelView, label_view
from app.services.score import Order, QueueItem
from app.ui.components.figures import show, standing_figure
from app.ui.components.gallery import gallery
from app.ui.components.job_status import local_time
from app.ui.components.mask_editor import Drawn, mask_editor
from app.ui.labelling import Desk, desk, following, queue
from app.ui.visit import Visit, open_page, plain, project_visit, sentence, told
from storage.models import Role, Standing, Verdict

STANDING = {
    Standing.normal: ("inside the boundary", "green"),
    Standing.margin: ("near the boundary", "orange"),
    Standing.defect: ("beyond the boundary", "red"),
}
LEVELS = {FUSED: "all levels"}


def go_to(image_id: int | None) -> None:
    """Open another image; the address carries it, so that it can be reloaded or sent to a colleague."""
    if image_id is None:
        st.query_params.pop("image", None)
    else:
        st.query_params["image"] = str(image_id)
    st.rerun()


def stage(here: Visit, view: LabelView, at: Desk) -> Drawn:
    """The image with its heat, isolines and mask; what was drawn is taken over as it arrives."""
    bar = st.container(horizontal=True, vertical_alignment="center", gap="medium", key="label-view")
    reading, level, opacity, lines = view.reading, FUSED, 0.0, True
    if reading:
        opacity = bar.slider("Heatmap", 0, 100, 55, 5, key="label-opacity", format="%d %%", width=220) / 100
        level = bar.segmented_control(
            "Level", reading.levels, default=FUSED, required=True, key="label-level",
            format_func=lambda name: LEVELS.get(name, f"level {name}"),
        ) or FUSED  # fmt: skip
        lines = bar.toggle("Isolines", value=True, key="label-lines")
    draft = at.draft_of(view.image_id, view.said.revision)
    heat = f"/heatmap/{view.image_id}?version={reading.version_id}&level={level}" if reading else None
    drawn = mask_editor(
        key="editor",
        image_id=view.image_id,
        base=view.said.revision,
        image_url=f"/image/{view.image_id}",
        heat_url=heat,
        width=view.width,
        height=view.height,
        mask_png=base64.b64encode(view.said.mask).decode() if view.said.mask else None,
        isolines=reading.isolines if reading and lines else {},
        opacity=opacity,
        ack_rev=draft.rev,
        stage_height=430,
    )
    at.take(here, drawn.commit)
    return drawn


def stands(view: LabelView, position: str) -> None:
    """Where the part stands, and why it is shown."""
    if view.reading is None:
        st.markdown("**Not scored yet**")
        st.caption("It can be labelled; scores come with the first version.")
        return
    words, colour = STANDING[view.reading.standing]
    regions = view.reading.regions
    st.markdown(f":{colour}-badge[{words}]")
    st.metric("score", f"{view.reading.score:.2f}", help="0.50 is the boundary b_n; higher is more abnormal.")
    st.caption(f"{regions} {'region' if regions == 1 else 'regions'} below b_n · {position}")
    show(
        standing_figure(view.reading),
        key=f"standing-{view.image_id}",
        alt=f"its lowest log-likelihood {view.reading.lowest:.2f}, b_n {view.reading.scale.b_n:.2f}",
    )


def said(view: LabelView) -> None:
    """The standing label, and what labelling would change."""
    if view.said.verdict is not None and view.said.at is not None:
        words = view.said.verdict.value + (f", {view.said.defect_type}" if view.said.defect_type else "")
        st.caption(sentence(f"{words}: {view.said.by}, {local_time(view.said.at)}"))
    if view.held_out:
        st.caption("Held out for measuring. A label of yours moves it to the training images.")


def decide(here: Visit, view: LabelView, at: Desk, items: list[QueueItem], latest: int) -> None:
    """The verdict, by button or key; the next image opens when it is on disk."""
    known = view.said.defect_type or at.last_type
    kind = st.selectbox(
        "Type of the defect",
        view.defect_types,
        index=view.defect_types.index(known) if known in view.defect_types else None,
        placeholder="choose or type a new one",
        accept_new_options=True,
        key=f"label-type-{view.image_id}-{view.said.revision}",
    )
    first, second = st.columns(2), st.columns(2)
    verdict = None
    if first[0].button("Normal", shortcut="n", width="stretch", key="label-normal"):
        verdict = Verdict.normal
    if first[1].button("Defect", shortcut="d", width="stretch", key="label-defect", type="primary"):
        verdict = Verdict.defect
    if second[0].button("Unsure", shortcut="u", width="stretch", key="label-unsure"):
        verdict = Verdict.unsure
    if second[1].button("Skip", shortcut="s", width="stretch", key="label-skip"):
        go_to(following(items, view.image_id))
    given = (verdict, kind if verdict is Verdict.defect else None) if verdict else None
    if (settled := at.settled(view, latest, given)) is not None:
        with told():
            row = at.save(here, view, *settled)
            at.last_type = settled[1] or at.last_type
            words = ", ".join(filter(None, [settled[0].value, settled[1], "with its mask" if row.mask else None]))
            st.session_state["label-saved"] = f"Saved: {words}"
            go_to(following(items, view.image_id))
    elif at.held:
        st.caption("Waiting for the mask from this browser; then it is saved.")


def take_back(here: Visit, at: Desk) -> None:
    if st.button("Undo", shortcut="z", disabled=not at.done, width="stretch", key="label-undo"):
        with told():
            image_id = at.undo(here)
            st.session_state["label-saved"] = "The last label is taken back"
            go_to(image_id)


here, slug = project_visit()
at = desk()
order: Order = st.session_state.get("gallery-order") or "abnormal"
if message := st.session_state.pop("label-saved", None):
    st.toast(sentence(message))
items = queue(here, slug, order)
wanted = st.query_params.get("image", "")
image_id = int(wanted) if wanted.isdigit() else following(items, None)
if image_id is None and not home_view(here.context, here.actor, slug).images:
    st.title("Nothing to label")
    st.write("This project has no image yet. An engineer brings them in on the Ingest page.")
    if st.button("Go to Ingest", type="primary", key="go-ingest"):
        open_page("ingest")
    st.stop()
if image_id is None:
    st.title("All done")
    st.write("Every image has its label. See what a retrain would learn from them, or look through the gallery.")
    left, right, _ = st.columns([1, 1, 3])
    if left.button("Retrain", type="primary", width="stretch", key="label-retrain"):
        open_page("retrain")
    with right:
        take_back(here, at)
    st.stop()

with told():
    view = label_view(here.context, here.actor, slug, image_id)
    picture, facts = st.columns([7, 2.4], gap="medium")
    with picture:
        drawn = stage(here, view, at)
    with facts:
        ids = [item.image_id for item in items]
        rank = f"{ids.index(image_id) + 1} of " if image_id in ids else ""
        more = "more than " if len(ids) == 60 else ""
        way = "most abnormal first" if order == "abnormal" else "nearest the boundary first"
        stands(view, f"{rank}{more}{len(ids)} not labelled, {way}")
        said(view)
        if here.may(Role.inspector):
            decide(here, view, at, items, drawn.latest)
            take_back(here, at)
        st.caption(plain(view.name))
    opened = gallery(
        key="strip",
        items=items,
        version_id=view.reading.version_id if view.reading else None,
        show_heat=True,
        selected=view.image_id,
        compact=True,
    )
    if opened is not None:
        go_to(opened)
    if drawn.commit is not None:
        st.rerun()  # its number goes back at once, and the browser stops sending
