"""Operating point: how many good parts do we stop, how many defects do we miss?"""

import math

import streamlit as st

from app.services.audit_share import NoAudit, audit_share
from app.services.carried import if_promoted
from app.services.errors import Refused
from app.services.escapes import Escapes, escapes
from app.services.operating import (
    ASSUMPTION,
    CONFIDENCES,
    Consequence,
    OperatingView,
    Promise,
    Proposal,
    operating_view,
    proposal,
    set_operating_point,
    standing_consequence,
)
from app.services.review import versions_view
from app.services.rule import point_words
from app.ui.components.figures import show
from app.ui.components.job_status import local_time
from app.ui.components.review_figures import operating_figure
from app.ui.components.shares import no_audit
from app.ui.components.version_picker import pick_version
from app.ui.visit import Visit, plain, project_visit, sentence, told
from storage.errors import StorageError
from storage.models import OperatingPoint, Role

PROMISES: dict[Promise, str] = {"confident": "with a confidence", "expected": "on average"}


def words_of(point: OperatingPoint | None) -> str:
    """The rule that stands, in one line."""
    if point is None or point.promise == "boundary":
        return "by its boundary: a part is stopped when some place of it lies below b_n"
    if point.alpha is None:
        lines = f"stopped above {point.stop:.3f}, a defect above {point.reject:.3f}"
        return f"by an {point_words(point)}: {lines}"
    sure = f" with {100 * (point.confidence or 0):.0f} % confidence" if point.confidence else " on average"
    return f"at most {100 * point.alpha:g} % of good parts are stopped{sure}: above {point.stop:.3f}"


def promise_of(found: Proposal) -> str:
    """What a proposal states, with its interval."""
    sure = (
        f"with {100 * found.confidence:.0f} % confidence at most **{100 * (found.upper or 0):.1f} %**"
        if found.confidence
        else f"on average **{100 * found.expected:.1f} %**"
    )
    return (
        f"Stopping above **{found.stop:.3f}** stops {sure} of good parts; nine calibrations in ten lie between "
        f"{100 * found.low:.1f} and {100 * found.high:.1f} %. It rests on {found.normals} good parts that the flows "
        "never saw."
    )


def consequences(found: Consequence) -> None:
    """Load, misses and the independent check."""
    total = sum(found.load.values())
    st.caption("Of the parts that nobody has labelled")
    columns = st.columns(3)
    names = {"good": "pass", "look": "a person looks", "defect": "rejected"}
    for column, (name, count) in zip(columns, found.load.items(), strict=True):
        column.metric(names[name], f"{100 * count / total:.0f} %" if total else "–", help=f"{count} of {total}")
    st.caption("Of labelled parts that the version was not made from; 95 % intervals")
    rows = [{"what": f"{name}: defects stopped", "seen": share.words()} for name, share in found.recalls.items()]
    rows.append({"what": "good parts stopped", "seen": found.alarms.words()})
    st.dataframe(rows, hide_index=True, width="stretch", height=min(36 * len(rows) + 38, 220))


def choose(here: Visit, slug: str, view: OperatingView) -> tuple[Proposal, Consequence] | None:
    """Alpha and its promise, and the button that sets them; None where too few parts carry what is asked for."""
    bar = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    promise = bar.selectbox("Promised", list(PROMISES), format_func=PROMISES.__getitem__, key="promise", width=180)
    confidence = CONFIDENCES[0]
    if promise == "confident":
        confidence = bar.selectbox(
            "Confidence", CONFIDENCES, format_func=lambda c: f"{100 * c:.0f} %", key="confidence", width=110
        )
    least = view.smallest["expected" if promise == "expected" else f"{confidence:g}"]
    alpha = bar.number_input(
        "Stop at most, % of good parts",
        0.1,
        50.0,
        min(50.0, max(5.0, math.ceil(200 * least) / 2)),
        step=0.5,
        format="%.1f",
        key=f"alpha-{view.number}-{promise}-{confidence}",
        width=200,
    )
    try:
        found = proposal(
            here.context, here.actor, slug, view.number, alpha=alpha / 100, promise=promise, confidence=confidence
        )
    except Refused as refused:
        st.warning(sentence(refused))
        return None
    if here.may(Role.engineer) and bar.button("Decide by this", type="primary", key="operating-set"):
        with told():
            set_operating_point(
                here.context, here.actor, slug, view.number, promise=promise, alpha=alpha / 100, confidence=confidence
            )
            st.rerun()
    return found


def audited(found: Escapes | None, off: NoAudit | None, name: str) -> str:
    """What the audit by lot says of the parts that pass, and that it says no more where there is none.

    Args:
        name: of what decides.
    """
    if found is None or not found.checked:
        if off is not None:
            return no_audit(off)
        return f"How many defects lie inside its {name} is not known yet: the queue draws some of those parts by lot."
    doubt = f", {found.unsure} more where nobody could tell" if found.unsure else ""
    ended = f"{no_audit(off)} Before that: " if off else ""
    return (
        f"{ended}Audit by lot of the parts inside its {name}: "
        f"{found.found} of {found.checked - found.unsure} were defects "
        f"({100 * found.low:.1f} to {100 * found.high:.1f} %, 95 % interval{doubt})."
    )


here, slug = project_visit()
found = versions_view(here.context, here.actor, slug)
st.title("Operating point")
if not found:
    st.write("No version yet. The first one is trained from normal parts alone, on the Retrain page.")
    st.stop()

top = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
number = pick_version(top, found, key="operating-this")
try:
    view = operating_view(here.context, here.actor, slug, number)
except StorageError as error:
    st.error(plain(str(error)))
    st.stop()
point = view.standing.point
with top:
    st.markdown(f"v{number}{' decides now' if view.decides else ''}, {words_of(point)}.")
if not view.decides and (carried := if_promoted(here.context, here.actor, slug, number)) and carried.words:
    st.caption(f"If v{number} is promoted: {plain(carried.words)}")
if not view.normals:
    st.info(f"v{number} kept no calibration scores, so only its boundary can decide. A retrain keeps them.")
    st.stop()

chosen = choose(here, slug, view)
left, right = st.columns([3, 2], gap="medium")
with left:
    st.caption("How many good parts does a threshold stop, and how many defects does it miss?")
    show(
        operating_figure(view, chosen[0].stop if chosen else None),
        key="operating-curve",
        alt=f"good parts stopped and defects missed over thresholds; v{number} decides {words_of(point)}",
    )
    if chosen:
        st.markdown(promise_of(chosen[0]))
with right:
    st.markdown("**What it would do**" if chosen else "**What the rule that stands does**")
    consequences(chosen[1] if chosen else standing_consequence(here.context, here.actor, slug, number))
    if view.decides:
        off = audit_share(here.context, here.actor, slug).off
        st.caption(audited(escapes(here.context, here.actor, slug), off, view.standing.name))
smallest = ", ".join(
    f"{100 * share:.1f} % {'on average' if name == 'expected' else f'with {100 * float(name):.0f} % confidence'}"
    for name, share in view.smallest.items()
)
st.caption(
    f"The least that its {view.normals} calibration parts carry: {smallest}. {ASSUMPTION} β = 1 % is another thing: it "
    "bounds single places of the parts that fitted the boundary, not parts."
)
if point is not None and here.may(Role.engineer) and st.button("Back to the boundary", key="operating-boundary"):
    with told():
        set_operating_point(here.context, here.actor, slug, number, promise="boundary")
        st.rerun()
if view.history:
    st.header("What stood when")
    st.dataframe(
        [
            {"when": local_time(row.created_at), "rule": words_of(row), "by": row.by, "reason": row.reason}
            for row in view.history
        ],
        hide_index=True,
        width="stretch",
    )
