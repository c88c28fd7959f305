"""Labels of another tool: looked at first, taken over at once, and taken back at once."""

import tempfile
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from app.services.annotation.import_pictures import marked_thumb
from app.services.annotation.import_plan import Change, Plan, Rules, format_of, plan_import
from app.services.annotation.label_import import imports_of, save_import, undo_import
from app.services.label_formats.stored import Stored
from app.ui.components.job_status import local_time
from app.ui.visit import Visit, plain, told
from storage.label_rows import LabelImport
from storage.models import Role

FORMATS = {
    "": "Recognise the format", "coco": "COCO", "cvat": "CVAT for images 1.1", "labelstudio": "Label Studio JSON",
    "mvtec": "MVTec tree, zipped",
}  # fmt: skip
PICTURES = 60
PLAN, ROUND, DONE = "label-import-plan", "label-import-round", "label-import-done"


def label_file(here: Visit, slug: str) -> None:
    """Choose a file, see what it would change, take it over."""
    round_ = st.session_state.setdefault(ROUND, 0)  # a new key empties the uploader after each import
    file = st.file_uploader(
        "A file of labels on images that are here already", type=["json", "xml", "zip"], key=f"label-file-{round_}"
    )
    given = st.selectbox("Format", list(FORMATS), format_func=FORMATS.__getitem__, key="label-format")
    listed = st.checkbox(
        "Images without annotations are normal parts", key="label-listed",
        help="Else they get no label: a file may list images that nobody has looked at yet.",
    )  # fmt: skip
    over = st.checkbox(
        "A normal part of the file may be somebody's defect here", key="label-over",
        help="Else a defect that a person marked stays one.",
    )  # fmt: skip
    asked = (slug, file.file_id, given, listed, over) if file else None
    held: tuple[Any, Plan] | None = st.session_state.get(PLAN)
    shown = held is not None and held[0] == asked
    kind: Literal["primary", "secondary"] = "secondary" if shown else "primary"
    if st.button("Look what it changes", type=kind, disabled=file is None, key="label-look") and file is not None:
        with told():
            rules = Rules("normal" if listed else "nothing", over)
            held = asked, _planned(here, slug, file.name, file.getbuffer(), given, rules)
            st.session_state[PLAN] = held
    if held is not None and held[0] == asked:
        preview(here, slug, held[1])


def _planned(here: Visit, slug: str, name: str, data: memoryview, given: str, rules: Rules) -> Plan:
    with tempfile.TemporaryDirectory() as folder, st.spinner("Reading the labels") as _:
        path = Path(folder) / (Path(name.replace("\\", "/")).name or "labels")
        path.write_bytes(data)
        read = st.empty()

        def progress(count: int) -> None:
            if count % 50 == 0:
                read.caption(f"{count} images read")

        found = plan_import(
            here.context, here.actor, slug, path, format=given or format_of(path), rules=rules, progress=progress
        )
        read.empty()
        return found


def preview(here: Visit, slug: str, plan: Plan) -> None:
    """What the file would do: numbers, what is left out and why, what changes, with pictures."""
    changed = [change for change in plan.new if change.before is not None]
    columns = st.columns(4)
    columns[0].metric("New labels", len(plan.new) - len(changed))
    columns[1].metric("Change a label", len(changed))
    columns[2].metric("Stand already", len(plan.changes) - len(plan.new))
    columns[3].metric("Left out", len(plan.skipped))
    if plan.listed:
        st.caption(f"{len(plan.listed)} images are listed without a word in the file.")
    if plan.new:
        st.dataframe(
            [_row(here, change) for change in [*changed, *(c for c in plan.new if c.before is None)][:PICTURES]],
            column_config={"part": st.column_config.ImageColumn(width="small")},
            row_height=72, hide_index=True, width="stretch", key="label-changes",
        )  # fmt: skip
        if len(plan.new) > PICTURES:
            st.caption(f"The first {PICTURES} of {len(plan.new)}; what changes a standing label comes first.")
    if plan.remarks:
        with st.expander(f"{len(plan.skipped)} left out, {len(plan.remarks) - len(plan.skipped)} read by a rule",
                         expanded=bool(plan.skipped)):  # fmt: skip
            remarks = [{"image": r.image, "annotation": r.item, "why": r.text} for r in plan.remarks]
            st.dataframe(remarks, hide_index=True, width="stretch", key="label-remarks")
    go = f"Take over {len(plan.new)} {'label' if len(plan.new) == 1 else 'labels'}"
    if st.button(go, type="primary", disabled=not plan.new, key="label-take"):
        with told():
            save_import(here.context, here.actor, slug, plan)
            st.session_state[DONE] = f"{len(plan.new)} labels taken over"
            st.session_state.pop(PLAN, None)
            st.session_state[ROUND] += 1
            st.rerun()


def _row(here: Visit, change: Change) -> dict[str, str]:
    before = words(change.before) if change.before else "no label"
    return {
        "part": marked_thumb(here.context, change),
        "image": change.image,
        "now": before,
        "becomes": words(change.label),
    }


def words(label: Stored) -> str:
    """A label in a few words."""
    types = ", ".join(dict.fromkeys(filter(None, (label.defect_type, *label.typed))))
    return ", ".join(filter(None, (label.verdict.value, types, "with a mask" if label.mask else "")))


def label_imports(here: Visit, slug: str) -> None:
    """What came in before, with what was left out; each can be undone as one."""
    if message := st.session_state.pop(DONE, None):
        st.toast(message)
    found = imports_of(here.context, here.actor, slug)
    if found:
        st.header("Labels from files")
    for row in found:
        with st.container(border=True):
            _import(here, slug, row)


def _import(here: Visit, slug: str, row: LabelImport) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    undone = f" · undone by {plain(row.undone_by or '')}, {local_time(row.undone_at)}" if row.undone_at else ""
    left.markdown(f"**{local_time(row.created_at)}** · {row.labels} labels{undone}")
    left.text(f"{row.source}, taken over by {row.by}")
    may = row.undone_at is None and here.may(Role.reviewer)
    if may and right.button("Undo", key=f"label-undo-{row.id}", help="What stood before all its labels stands again"):
        with told():
            taken, kept = undo_import(here.context, here.actor, slug, row.id)
            later = f"; {len(kept)} were labelled anew since and stay" if kept else ""
            st.session_state[DONE] = f"{taken} labels taken back{later}"
            st.rerun()
    if row.skipped:
        with st.expander(f"{len(row.skipped)} left out"):
            st.dataframe(row.skipped, hide_index=True, width="stretch", key=f"label-skipped-{row.id}")
