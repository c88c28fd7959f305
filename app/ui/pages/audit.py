"""Audit: who did what, and has nobody changed the record of it?"""

import json
from datetime import UTC, datetime, time, timedelta

import streamlit as st

from app.services.trail import PAGE, Filter, trail, trail_actions, trail_csv, verify_trail
from app.ui.visit import Visit, told, visit
from storage.models import Role


def chosen(here: Visit) -> Filter:
    """The filters in one row: by whom, what, since when."""
    bar = st.columns([2, 2, 2, 2, 2], vertical_alignment="bottom")
    by = bar[0].text_input("Who", max_chars=80, placeholder="everybody", key="audit-by")
    action = bar[1].selectbox("What", [None, *trail_actions(here.context, here.actor)], key="audit-action",
                              format_func=lambda value: value or "everything")  # fmt: skip
    project = bar[2].text_input("Project", max_chars=80, placeholder="all", key="audit-project")
    since = bar[3].date_input("From", value=None, key="audit-since")
    until = bar[4].date_input("To", value=None, key="audit-until")
    start = datetime.combine(since, time(), UTC) if since else None
    end = datetime.combine(until, time(), UTC) + timedelta(days=1) if until else None
    return Filter(by.strip() or None, action, project.strip() or None, start, end)


def check(here: Visit) -> None:
    """Read the whole chain, and say what was found."""
    found = verify_trail(here.context, here.actor)
    if found.broken:
        st.error(f"The trail is broken: {found.broken}. The entries before it ({found.entries:,}) are as they were.")
    else:
        st.success(
            f"All {found.entries:,} entries follow one another. Write the last one down to hold it against later:"
        )
        st.code(f"{found.last}:{found.head}", language=None)


here = visit()
st.title("Audit")
if not here.actor.may(Role.admin):
    st.write("Admins read here who did what. Ask one of them; bring in the date and the name that you look for.")
    st.stop()
with told():
    which = chosen(here)
    bar = st.container(horizontal=True)
    verify = bar.button("Verify the chain", type="primary", key="audit-verify")
    if bar.button("Make a CSV", key="audit-csv"):
        csv = trail_csv(here.context, here.actor, which=which)
        bar.download_button("Download the CSV", csv, "audit.csv", "text/csv", key="audit-download")
    if verify:
        check(here)
    pages = st.session_state.get("audit-pages", 1)
    rows = trail(here.context, here.actor, which=which, limit=pages * PAGE)
    st.dataframe(
        [
            {
                "entry": row.id,
                "when (UTC)": row.at.strftime("%Y-%m-%d %H:%M:%S"),
                "who": row.by,
                "what": row.action,
                "project": row.project,
                "details": json.dumps(row.details, ensure_ascii=False, sort_keys=True),
            }
            for row in rows
        ],
        hide_index=True,
        width="stretch",
        height=470,
    )
    if not rows:
        st.write("No entry is like that. Widen the filter, or bring in the first images.")
    if len(rows) == pages * PAGE and st.button("Show more", key="audit-more"):
        st.session_state["audit-pages"] = pages + 1
        st.rerun()
