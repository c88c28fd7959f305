"""Versions: which version decides now; what flips if another does?"""

from typing import Any

import streamlit as st

from app.services.review import Impact, VersionView, impact, promote, promotions_of, versions_view
from app.ui.components.job_status import duration, local_time
from app.ui.visit import Visit, project_visit, sentence, told
from storage.models import Role

METRICS = {
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "pro": "PRO",
    "ap": "AP",
    "aupimo": "AUPIMO",
}
FEW = 20


def figures(version: VersionView) -> None:
    """Metrics on held-out labels, beside those of the version that it came from on the same images."""
    if version.metrics is None:
        st.caption("No held-out labels, so nothing measures this version. Held-out images come in with their labels.")
        return
    columns = st.columns(len(METRICS))
    before: dict[str, Any] = version.parent_metrics or {}
    for column, (name, words) in zip(columns, METRICS.items(), strict=True):
        value, was = version.metrics.get(name), before.get(name)
        change = None if value is None or was is None else f"{value - was:+.3f} against v{version.parent_number}"
        column.metric(words, "–" if value is None else f"{value:.3f}", change)
    normal, abnormal = version.metrics["n_normal"], version.metrics["n_abnormal"]
    words = f"On {normal} normal and {abnormal} defective held-out images"
    st.caption(words + ("; that is few, read with care." if min(normal, abnormal) < FEW else "."))


def consequence(found: Impact) -> str:
    """What promoting would change, in one line."""
    if not found.flips:
        return f"No decision flips over the {found.images} images that both have scored."
    flips = len(found.flips)
    words = [f"**{flips} {'decision flips' if flips == 1 else 'decisions flip'}** over {found.images} images"]
    words.append(f"{found.caught} missed defects caught")
    words.append(f"{found.missed} confirmed defects lost")
    words.append(f"{found.freed} good parts freed")
    words.append(f"{found.stopped} good parts stopped")
    return " · ".join(words)


def candidate(here: Visit, slug: str, version: VersionView) -> None:
    """What flips, and the button that lets it decide."""
    found = impact(here.context, here.actor, slug, version.number)
    if found is not None:
        st.markdown(f"If v{version.number} decides: {consequence(found)}")
    if not here.may(Role.engineer):
        return
    older = deciding is not None and version.number < deciding
    verb = "Roll back to" if older else "Promote"
    reason, button = st.columns([4, 1], vertical_alignment="bottom")
    why = reason.text_input("Reason, kept in the record", key=f"why-{version.number}")
    if button.button(
        f"{verb} v{version.number}",
        key=f"promote-{version.number}",
        type="secondary" if older else "primary",
        width="stretch",
    ):
        with told():
            promote(here.context, here.actor, slug, version.number, reason=why)
            st.rerun()


here, slug = project_visit()
found = versions_view(here.context, here.actor, slug)
st.title("Versions")
if not found:
    st.write("No version yet. The first one is trained from normal parts alone, on the Retrain page.")
    st.stop()
deciding = next((version.number for version in found if version.decides), None)

for version in found:
    newest = version is found[0]
    title = f"v{version.number}" + (" · decides now" if version.decides else "")
    with st.expander(
        f"**{title}** · {version.normals} normal parts, {version.known_anomalies} known defects · "
        f"{local_time(version.at)}",
        expanded=newest or version.decides,
    ):
        figures(version)
        facts = f"trained in {duration(version.seconds)} on {version.device}, started by {version.by}"
        st.caption(sentence(facts + (f": {version.reason}" if version.reason else "")))
        if not version.decides:
            with told():
                candidate(here, slug, version)

st.subheader("Who decided when")
st.dataframe(
    [
        {"when": local_time(row.created_at), "version": f"v{number}", "by": row.by, "reason": row.reason}
        for row, number in promotions_of(here.context, here.actor, slug)
    ],
    hide_index=True,
    width="stretch",
)
