"""Home: what needs me now?"""

import streamlit as st

from app.services.home import home_view
from app.services.rule import deciding_rule, point_words
from app.services.score import ranked_queue
from app.ui.components.gallery import gallery
from app.ui.components.job_status import job_line
from app.ui.visit import open_page, project_visit, sentence
from storage.models import Role

here, slug = project_visit()
view, rule = home_view(here.context, here.actor, slug), deciding_rule(here.context, here.actor, slug)

st.title(view.name)
if view.built_in:
    st.info(
        "This project stands on the small built-in backbone, which has seen no photographs: good for a try-out and "
        "strong local defects, weaker on everything else. Give a new project ImageNet weights for real work."
    )

for number, alarm in view.alarms:
    st.warning(f"Drift, v{number}: {sentence(alarm)}.")
if view.alarms and st.button("See the drift", key="home-drift"):
    open_page("drift")

queue, learn, decides = st.columns(3, border=True)
with queue:
    st.header("To inspect")
    if view.version_number is None:
        st.metric("images without a label", view.unlabelled)
        st.caption("The first version ranks them." if view.images else "Bring in images to begin.")
    else:
        st.metric("look abnormal and are not labelled", view.waiting_defect + view.waiting_margin)
        st.caption(f"{view.waiting_defect} beyond the {rule.name} · {view.waiting_margin} near it")
    if st.button("Inspect", type="primary", disabled=view.images == 0, width="stretch", key="home-inspect"):
        open_page("label" if view.waiting_defect + view.waiting_margin else "gallery")
with learn:
    st.header("To learn")
    new = view.new_normals + view.new_anomalies
    st.metric("labels the deciding version has not seen" if view.version_number else "normal parts to learn from", new)
    st.caption(f"{view.new_anomalies} known defects · {view.new_normals} normal parts")
    label = "Retrain" if view.version_number else "Train the first version"
    if view.images == 0 and here.may(Role.engineer):
        if st.button("Bring in images", type="primary", width="stretch", key="home-ingest"):
            open_page("ingest")
    elif st.button(label, width="stretch", key="home-retrain"):
        open_page("retrain")
with decides:
    st.header("Decides now")
    st.metric("version", f"v{view.version_number}" if view.version_number else "none yet")
    newer = view.newest_number if view.newest_number != view.version_number else None
    learnt = f"learnt from {view.known_anomalies} known defects"
    by = f"by its {point_words(rule.point)}, " if rule.point else ""
    waits = f"v{newer} waits for a decision" if newer else learnt if view.version_number else "train the first one"
    st.caption(by + waits)
    if st.button("Review versions", width="stretch", disabled=not view.version_number, key="home-versions"):
        open_page("versions")

job_line(here, slug)

page = ranked_queue(here.context, here.actor, slug, show="unlabelled", limit=10)
if page.items:
    words = "Most abnormal, not labelled" if page.version_id else "Not labelled"
    st.header(f"{words} ({view.unlabelled} of {view.images})")
    opened = gallery(key="home-strip", items=page.items, rule=rule, version_id=page.version_id, show_heat=True)
    if opened is not None:
        open_page("label", image=str(opened), project=slug)
