"""Drift: does the boundary move more than noise?"""

import streamlit as st

from app.services.drift import DriftPoint, Judgement, boundary_drift, judgements
from app.services.incoming import incoming_drift
from app.ui.components.figures import show
from app.ui.components.incoming import incoming_section
from app.ui.components.job_status import local_time
from app.ui.components.review_figures import drift_figure
from app.ui.visit import project_visit, sentence

NAMES = {"part": "part", "fused": "fused"}
FIGURES = {
    "boundary": ("b_n", "b_a"),
    "spread of normals": ("spread",),
    "mass in the margin": ("margin",),
    "overlap": ("overlap",),
}
QUESTIONS = {
    "boundary": "Where do b_n and b_a lie? The bars are what other calibration parts would have made of them.",
    "spread of normals": "How far is b_n from the middle of normal? A wider spread is a rougher idea of normal.",
    "mass in the margin": "How many normal places lie between b_a and b_n? BG-SPP empties the margin.",
    "overlap": "How much do normal places and known defects overlap? 0 is apart, 100 % alike.",
}


def verdict(found: Judgement) -> None:
    """The latest judgement: alarms with their reasons, or why there is none."""
    for alarm in found.alarms:
        st.error(f"Alarm, v{found.number}: {sentence(alarm)}.")
    if found.alarms:
        return
    if found.judged:
        st.success(
            f"v{found.number} against v{found.against}: no level's b_n moved more than chance moves it, which "
            f"{found.repeats} retrains on the same labels measured."
        )
    else:
        st.info(
            f"v{found.number} against v{found.against}: b_n's move is shown and not judged. How much chance alone "
            f"moves it is known from {found.repeats} of at least 3 retrains on the same labels with another seed: "
            "start them on the Retrain page."
        )
    shift = found.shift
    if shift is not None:
        st.caption(
            f"Newer good parts under v{found.against}: {shift['after']} against the {shift['before']} that calibrated "
            f"it, p = {shift['p']:.2f}; no shift is seen."
        )


def table(shown: list[DriftPoint], judged: dict[int, Judgement]) -> None:
    rows = []
    for point in reversed(shown):
        moves = judged[point.number].moves if point.number in judged else {}
        move, limit = moves.get(point.level, (None, None))
        band = point.bands.get("b_n")
        rows.append(
            {
                "version": f"v{point.number}" + (" ●" if point.decides else ""),
                "trained": local_time(point.at),
                "b_n": point.b_n,
                "90 % band of b_n": f"{band[1]:.3f} to {band[2]:.3f}" if band else "not kept",
                "b_a": point.b_a,
                "median": point.median,
                "move of b_n": "–" if move is None else f"{move:+.3f}",
                "chance stays within": "not known" if limit is None else f"{limit:.3f}",
            }
        )
    names = ("b_n", "b_a", "median")
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in names},
    )


here, slug = project_visit()
points = boundary_drift(here.context, here.actor, slug)
st.title("Drift")
if not points:
    st.write("No version yet, so no boundary. Train the first one on the Retrain page.")
    st.stop()

found = judgements(here.context, here.actor, slug)
if found:
    verdict(found[0])
else:
    st.write("One version so far: drift shows from the second on.")
levels = sorted({point.level for point in points}, key=lambda level: ({"part": 0, "fused": 1}.get(level, 2), level))
bar = st.container(horizontal=True, vertical_alignment="bottom", gap="large")
level = bar.segmented_control(
    "Level",
    levels,
    default="part",
    required=True,
    format_func=lambda name: NAMES.get(name, f"level {name}"),
    key="drift-level",
    help="part: what a whole part is held against. fused and levels: what single places are held against.",
)
shown = [point for point in points if point.level == level]
kept = [name for name, keys in FIGURES.items() if name == "boundary" or any(keys[0] in p.bands for p in shown)]
figure = bar.segmented_control("Figure", kept, default="boundary", required=True, key=f"drift-figure-{level}")
st.caption(QUESTIONS[figure])
show(
    drift_figure(shown, FIGURES[figure]),
    key="drift",
    alt=f"{figure} of {NAMES.get(level, f'level {level}')} over {len(shown)} versions",
)
table(shown, {judgement.number: judgement for judgement in found})
incoming_section(incoming_drift(here.context, here.actor, slug))
