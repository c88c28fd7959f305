"""Ingest: what came in, what was refused and why?"""

import streamlit as st

from app.services.ingest import Content, create_project, ingest_reports, request_ingest, stage_upload
from app.ui.components.job_status import job_line, local_time
from app.ui.components.label_import import label_file, label_imports
from app.ui.visit import PROJECT, Visit, told, visit
from storage.models import Role

CONTENT: dict[Content, str] = {
    "auto": "Read it from the folders (MVTec style), else unknown",
    "normal": "All are normal parts",
    "unknown": "Unknown: they wait for an inspector",
}


def new_project(here: Visit) -> None:
    """A form for a project; its backbone stays with it."""
    settings = here.context.settings
    hub = f"{settings.backbone} with the weights of {settings.weights.name}" if settings.weights else settings.backbone
    with st.form("new-project", border=here.project is None):
        name = st.text_input("Name of the part", placeholder="for example: flange 40 mm", max_chars=80)
        backbone = st.radio(
            "Backbone",
            ["pretrained", "built-in"],
            format_func={"pretrained": hub, "built-in": "small and built in"}.__getitem__,
            captions=[
                "ImageNet features" + ("" if settings.weights else ", loaded from timm's hub by the worker"),
                "needs no weights and no network; has seen no photographs, so it is weaker on subtle defects",
            ],
        )
        size = st.select_slider("Image size the model sees, pixels", [128, 192, 256, 320, 384, 512], value=256)
        tile = st.number_input(
            "Tile, pixels of the image that the model sees at once",
            0,
            4096,
            0,
            step=64,
            key="project-tile",
            help="0 shows it the whole image, made smaller. A tile as large as the image size above keeps every pixel, "
            "so that small defects stay visible; it takes as much longer as there are tiles.",
        )
        if st.form_submit_button("Make the project", type="primary"):
            with told():
                project = create_project(
                    here.context, here.actor, name=name, built_in=backbone == "built-in", size=size, tile=tile or None
                )
                st.session_state[PROJECT] = project.slug
                st.session_state.pop("project-picker", None)
                st.query_params.clear()
                st.rerun()


def upload(here: Visit, slug: str) -> None:
    """Choose files, say what they are, bring them in."""
    round_ = st.session_state.setdefault("upload-round", 0)  # a new key empties the uploader after each arrival
    files = st.file_uploader(
        "Images or one zip",
        accept_multiple_files=True,
        type=["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "zip"],
        key=f"upload-{round_}",
    )
    content = st.radio("What are they?", list(CONTENT), format_func=CONTENT.__getitem__, key="upload-content")
    if st.button("Bring them in", type="primary", disabled=not files, key="upload-go"):
        with told():
            staged = stage_upload(here.context, here.actor, [(file.name, file) for file in files])
            request_ingest(here.context, here.actor, slug, staged, content)
            st.session_state["upload-round"] = round_ + 1
            st.rerun()
    st.markdown("A folder on the server comes in by `bgad-inspect ingest FOLDER --project " + slug + "`.")


def arrivals(here: Visit, slug: str) -> None:
    """Every arrival, and each refused file with its reason."""
    found = ingest_reports(here.context, here.actor, slug)
    st.header("Arrivals")
    if not found:
        st.caption("Nothing came in yet. Bring in a hundred normal parts or more, and the defects that you have.")
        return
    for arrival in found[:20]:
        words = f"**{local_time(arrival.created_at)}** · {arrival.added} added"
        words += f" · {arrival.duplicates} known already" if arrival.duplicates else ""
        words += "" if arrival.finished_at else " · still coming in, or interrupted"
        with st.container(border=True):
            st.markdown(words)
            st.text(f"{arrival.source}, brought in by {arrival.by}")
            if arrival.refused:
                with st.expander(f"{len(arrival.refused)} refused", expanded=arrival is found[0]):
                    st.dataframe(
                        [{"file": row["name"], "why": row["reason"]} for row in arrival.refused],
                        hide_index=True,
                        width="stretch",
                    )


def incoming(here: Visit) -> str | None:
    """Whether images come in or labels on them, by what the person may do."""
    offered = [name for name, role in (("Images", Role.engineer), ("Labels", Role.reviewer)) if here.may(role)]
    if len(offered) < 2:
        return offered[0] if offered else None
    return st.segmented_control(
        "What comes in", offered, default=offered[0], required=True, key="ingest-what", label_visibility="collapsed"
    )


here = visit()
st.title("Ingest")
if here.project is None:
    if here.may(Role.engineer):
        st.write("Start with a project: one product or part type, photographed the same way.")
        new_project(here)
    else:
        st.info("No project is open to you yet. Its engineers, or an admin, give you a role in it.")
    st.stop()

left, right = st.columns([3, 2], gap="large")
with left:
    job_line(here, here.project, kind="ingest")
    what = incoming(here)
    if what == "Images":
        upload(here, here.project)
    elif what == "Labels":
        with told():
            label_file(here, here.project)
    with told():
        label_imports(here, here.project)
        arrivals(here, here.project)
with right:
    if here.may(Role.engineer):
        with st.expander("New project"):
            new_project(here)
