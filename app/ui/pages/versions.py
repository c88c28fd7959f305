"""Versions: which version decides now; what flips if another does?"""

from dataclasses import replace

import streamlit as st

from app.services.gate import Gate, carried_words, gate_words, project_gate, set_gate
from app.services.impact import promotions_of
from app.services.review import VersionView, versions_view
from app.services.verify import Verification, request_verification, verifications
from app.ui.components.consequence import candidate
from app.ui.components.job_status import duration, job_line, local_time
from app.ui.components.metrics import FEW, metric_row
from app.ui.visit import Visit, project_visit, sentence, told
from storage.models import Role


def figures(version: VersionView) -> None:
    """Metrics on held-out labels, beside those of the version that it came from on the same images."""
    if version.metrics is None:
        st.caption("No held-out labels, so nothing measures this version. Held-out images come in with their labels.")
        return
    metric_row(version.metrics, version.parent_metrics or {}, version.parent_number)
    normal, abnormal = version.metrics["n_normal"], version.metrics["n_abnormal"]
    words = f"On {normal} normal and {abnormal} defective held-out images"
    st.caption(words + ("; that is few, read with care." if min(normal, abnormal) < FEW else "."))


def made_from(here: Visit, slug: str, version: VersionView, checked: Verification | None) -> None:
    """What it came from, its certificate, and the proof that it can be made again."""
    facts = f"trained in {duration(version.seconds)} on {version.device}, started by {version.by}"
    st.caption(sentence(facts + (f": {version.reason}" if version.reason else "")))
    if checked is not None:
        bits = f", {checked.last_bits} of them but for their last bits" if checked.last_bits else ", bit for bit"
        same = f"{checked.scored} scores and every boundary came out the same{bits}"
        other = (
            f"boundaries {'the same' if checked.boundaries else 'differ'}, {checked.differing} of {checked.scored} "
            f"scores differ, {checked.labels_changed} labels changed"
        )
        st.caption(f"Made again on {local_time(checked.at)}: {same if checked.same else other}.")
    row = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    row.link_button("Certificate", f"/certificate/{slug}/{version.number}", help="One page, to print or to file")
    if here.may(Role.engineer) and row.button("Make it again", key=f"verify-{version.number}", help=VERIFY):
        with told():
            request_verification(here.context, here.actor, slug, version.number)
            st.rerun()
    with row.popover("Made from"):
        st.table([{"what": name, "is": words} for name, words in version.provenance.items()])


VERIFY = "Boundaries and scores once more from the checkpoint and the snapshot: the same bits, or it says what differs."


def gate_form(here: Visit, slug: str, gate: Gate) -> None:
    """What the project asks of a version before it decides."""
    with st.popover("The gate"), st.form("gate", border=False):
        lost = st.number_input("Confirmed defects that may be lost", 0, 1000, gate.lost, key="gate-lost")
        floor = st.number_input("Least recall per type, %", 0.0, 100.0, 100 * gate.recall_floor, key="gate-floor")
        ceiling = st.number_input(
            "Most good parts stopped, %", 0.0, 100.0, 100 * gate.false_alarm_ceiling, key="gate-ceiling"
        )
        least = st.number_input("Judge from how many images on", 1, 1000, gate.least, key="gate-least")
        if st.form_submit_button("Keep", disabled=not here.may(Role.engineer)):
            with told():
                asked = replace(
                    gate, lost=lost, recall_floor=floor / 100, false_alarm_ceiling=ceiling / 100, least=least
                )
                set_gate(here.context, here.actor, slug, asked)
                st.rerun()


here, slug = project_visit()
found = versions_view(here.context, here.actor, slug)
st.title("Versions")
if not found:
    st.write("No version yet. The first one is trained from normal parts alone, on the Retrain page.")
    st.stop()
checked = verifications(here.context, here.actor, slug)
job_line(here, slug, kind="verify")

for version in found:
    newest = version is found[0]
    title = f"v{version.number}" + (" · decides now" if version.decides else "")
    with st.expander(
        f"**{title}** · {version.normals} normal parts, {version.known_anomalies} known defects · "
        f"{local_time(version.at)}",
        expanded=newest or version.decides,
    ):
        for alarm in version.alarms:
            st.warning(f"Drift: {sentence(alarm)}.")
        if not version.decides:
            with told():
                candidate(here, slug, version.number)
        figures(version)
        made_from(here, slug, version, checked.get(version.number))

gate_form(here, slug, project_gate(here.context, here.actor, slug))
st.header("Who decided when")
st.dataframe(
    [
        {
            "when": local_time(row.created_at),
            "version": f"v{number}",
            "by": row.by,
            "gate": gate_words(row.gate, row.by),
            "operating point": carried_words(row.gate),
            "reason": row.reason,
        }
        for row, number in promotions_of(here.context, here.actor, slug)
    ],
    hide_index=True,
    width="stretch",
)
