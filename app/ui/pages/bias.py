"""Bias check: does learning from known defects hurt types that nobody knows yet?"""

import streamlit as st

from app.services.bias import BiasCheck, last_bias_check, request_bias_check
from app.ui.components.job_status import job_line, local_time
from app.ui.visit import plain, project_visit, told
from storage.models import Role


def verdict(found: BiasCheck) -> None:
    """Warnings first; nothing to warn of is said too."""
    hurt = [row for row in found.types if row.warns]
    for row in hurt:
        st.error(
            f"Learning from the other types hurts **{plain(row.name)}**: {row.lost} of its defects are lost and "
            f"{row.gained} gained against normal parts alone (p = {row.p:.2f}). Label some of it before you rely on "
            "the next version."
        )
    if not hurt:
        st.success("No type is stopped less often because the others were learnt from.")


def table(found: BiasCheck) -> None:
    rows = [
        {
            "type": row.name,
            "normal parts alone": row.normal_only.words(),
            "left out, others learnt": row.unseen.words(),
            "learnt too (held-out ones)": row.seen.words(),
            "lost / gained": f"{row.lost} / {row.gained}",
            "p": row.p,
        }
        for row in found.types
    ]
    st.dataframe(
        rows, hide_index=True, width="stretch", column_config={"p": st.column_config.NumberColumn(format="%.2f")}
    )
    alarms = " · ".join(f"{plain(name)}: {share.words()}" for name, share in found.alarms.items())
    st.caption(f"Held-out good parts stopped, by what was learnt from. {alarms}")


here, slug = project_visit()
found = last_bias_check(here.context, here.actor, slug)
st.title("Bias check")
st.write(
    "One short run per defect type leaves that type out. What it still stops of it is what the next version would stop "
    "of a type that nobody has seen yet."
)
if found is None:
    st.info("Not checked yet. Bring in or label defects of at least two types, then start it; it needs no version.")
else:
    verdict(found)
    table(found)
    st.caption(
        f"{local_time(found.at)}, schedule {found.preset}, by {plain(found.by)}. Each run decides by its own boundary; "
        "95 % intervals (Wilson). A warning is a paired test at p below 0.1."
    )
if here.may(Role.engineer) and st.button("Check again" if found else "Check", type="primary", key="bias-start"):
    with told():
        request_bias_check(here.context, here.actor, slug)
        st.rerun()
job_line(here, slug, kind="bias")
