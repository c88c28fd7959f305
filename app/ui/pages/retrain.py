"""Retrain: what would a retrain learn from, is it worth it, how is it going?"""

import streamlit as st

from app.services.preview import last_preview, request_preview
from app.services.retrain import PRESETS, log_of, request_retraining, retrain_preview, runs_of
from app.services.trigger import Triggers, project_triggers, set_triggers
from app.ui.components.job_status import KINDS, job_line, local_time, runs_table
from app.ui.components.training_figures import training_figures
from app.ui.visit import Visit, plain, project_visit, sentence, told
from storage.models import Role

PRESET = {
    "product": "Product: a few minutes, good on most parts",
    "paper": "Paper: the published schedule, hours without a GPU",
    "demo": "Demo: about a minute, for a first look",
}


def pasted_defects(here: Visit, slug: str, *, known: int) -> None:
    """What RPAG makes of the known defects, before anybody waits for a retrain."""
    if not known:
        return
    with st.expander("The pasted defects that it would train on"):
        if here.may(Role.engineer) and st.button("Paste some", key="retrain-paste"):
            with told():
                request_preview(here.context, here.actor, slug)
                st.rerun()
        found = last_preview(here.context, here.actor, slug)
        if found is None:
            st.caption("None made yet.")
            return
        run_id, count = found
        tiles = "".join(f'<img src="/pasted/{run_id}/{i}" width="150" alt="pasted {i + 1}">' for i in range(count))
        st.html(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{tiles}</div>')
        st.caption(f"{count} of them, outlined; a retrain pastes anew onto its own normal parts.")


def trigger_form(here: Visit, slug: str) -> None:
    """When the next retrain starts by itself; the run then says which of these it was."""
    asked = project_triggers(here.context, here.actor, slug)
    with st.popover("Start by itself"), st.form("triggers", border=False):
        st.caption("0 switches one off. Each waits for labels that came after the last retrain.")
        labels = st.number_input("New labels", 0, 100_000, asked.new_labels, key="trigger-labels")
        hours = st.number_input("Hours since the last retrain", 0, 10_000, asked.hours, key="trigger-hours")
        overlap = st.number_input(
            "Overlap of normal and known defects above, %", 0.0, 100.0, 100 * asked.overlap, key="trigger-overlap"
        )
        drift = st.checkbox("The deciding version has a drift alarm", asked.drift, key="trigger-drift")
        preset = st.selectbox("Schedule", PRESETS, PRESETS.index(asked.preset), key="trigger-preset")
        if st.form_submit_button("Keep", disabled=not here.may(Role.engineer)):
            with told():
                kept = Triggers(labels, hours, overlap / 100, drift, preset)
                set_triggers(here.context, here.actor, slug, kept)
                st.rerun()


here, slug = project_visit()
preview = retrain_preview(here.context, here.actor, slug)
known = preview.anomalies
st.title("Retrain" if preview.version_number else "Train the first version")

facts = st.columns(3, border=True)
with facts[0]:
    st.metric("normal parts", preview.normals, f"{preview.new_normals} new" if preview.new_normals else None)
    st.caption("A fifth of them is kept aside to calibrate the boundary.")
with facts[1]:
    st.metric("known defects", known, f"{preview.new_anomalies} new" if preview.new_anomalies else None)
    types = ", ".join(f"{name} {count}" for name, count in preview.known.items())
    st.caption(plain(types) if types else "None yet: the boundary comes from normal parts alone.")
with facts[2]:
    st.metric("phase 1", "reused" if preview.phase_one_reused else "trained anew")
    st.caption(
        "The normal parts are those of the deciding version; only BG-SPP runs."
        if preview.phase_one_reused
        else "The flows learn the normal parts first; later retrains reuse that."
    )
shown = f"tiles of {preview.tile} pixels of the image, each" if preview.tile else "the whole image"
st.caption(f"The model sees {shown} as {preview.size} × {preview.size} pixels.")
if preview.without_mask:
    st.caption(f"{preview.without_mask} known defects have no mask: they train on their most abnormal places alone.")

pasted_defects(here, slug, known=known)
if preview.refusal:
    st.warning(sentence(preview.refusal))
elif not here.may(Role.engineer):
    st.info(f"An engineer starts a retrain; your role here is {here.role_name}.")
elif preview.active_run is None:
    if preview.version_number and not preview.new_normals and not preview.new_anomalies:
        st.info(f"v{preview.version_number} has learnt from all labels there are: a retrain would change little.")
    with st.form("retrain", border=False):
        left, right = st.columns([2, 3])
        preset = left.selectbox("Schedule", PRESETS, format_func=PRESET.__getitem__)
        reason = right.text_input("Reason, kept with the version", placeholder="such as: scratches missed on line 2")
        seed = left.number_input(
            "Seed",
            0,
            10_000,
            0,
            key="retrain-seed",
            help="Another one on the same labels tells how much chance alone moves b_n",
        )
        label = "Retrain" if preview.version_number else "Train the first version"
        if st.form_submit_button(label, type="primary"):
            with told():
                request_retraining(here.context, here.actor, slug, reason=reason, preset=preset, seed=seed)
                st.rerun()

if preview.version_number:
    trigger_form(here, slug)
job_line(here, slug, figures=training_figures)
st.header("Runs")
found = runs_of(here.context, here.actor, slug)
if found:
    runs_table(list(found))
    chosen = st.selectbox(
        "Log of",
        found,
        format_func=lambda run: f"{KINDS.get(run.kind, run.kind)}, {local_time(run.created_at)}",
        key="log",
    )
    lines = log_of(here.context, here.actor, chosen.id)
    if lines:
        st.code("\n".join(f"{local_time(line.at)}  {line.attempt}  {line.text}" for line in lines), language=None)
    else:
        st.caption("It has not begun, so it has said nothing yet.")
else:
    st.caption("None yet.")
