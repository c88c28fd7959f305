"""Drift: does the boundary move more than noise?"""

import streamlit as st

from app.services.review import DriftPoint, boundary_drift
from app.ui.components.figures import drift_figure, show
from app.ui.components.job_status import local_time
from app.ui.visit import project_visit

LEVELS = {"part": "part", "fused": "fused"}


def verdict(points: list[DriftPoint]) -> str:
    """The last move of b_n, measured by the distance from b_n to the median of normals."""
    if len(points) < 2:
        return "One version so far: drift shows from the second on."
    before, now = points[-2], points[-1]
    move = (now.b_n - before.b_n) / before.noise
    size = "no more than noise" if abs(move) < 0.1 else "a clear move" if abs(move) < 0.5 else "a large move"
    toward = "up, towards normal" if move > 0 else "down, away from normal"
    return (
        f"From v{before.number} to v{now.number}, b_n moved {toward} by {abs(move):.2f} of the distance that separates "
        f"it from the median of normal parts: {size}."
    )


here, slug = project_visit()
points = boundary_drift(here.context, here.actor, slug)
st.title("Drift")
if not points:
    st.write("No version yet, so no boundary. Train the first one on the Retrain page.")
    st.stop()

levels = sorted({point.level for point in points}, key=lambda level: ({"part": 0, "fused": 1}.get(level, 2), level))
level = st.segmented_control(
    "Level",
    levels,
    default="part",
    required=True,
    format_func=lambda name: LEVELS.get(name, f"level {name}"),
    key="drift-level",
    help="part: what a whole part is held against. fused and levels: what single cells are held against.",
)
shown = [point for point in points if point.level == level]
show(drift_figure(shown), key="drift", alt=verdict(shown))
st.markdown(verdict(shown))
st.dataframe(
    [
        {
            "version": f"v{point.number}",
            "trained": local_time(point.at),
            "b_n": point.b_n,
            "b_a": point.b_a,
            "median": point.median,
            "median − b_n": point.noise,
            "decides": "●" if point.decides else "",
        }
        for point in reversed(shown)
    ],
    hide_index=True,
    width="stretch",
    column_config={n: st.column_config.NumberColumn(format="%.3f") for n in ("b_n", "b_a", "median", "median − b_n")},
)
