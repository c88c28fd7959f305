"""Figures of the review pages: the boundary over the versions with its bands, and the operating curve."""

from collections.abc import Sequence

import plotly.graph_objects as go

from app.services.drift import DriftPoint
from app.services.operating import Curve, OperatingView
from app.ui.components.figures import COLOURS, RED, faint, ink, new_figure

AXES = {
    "b_n": "log-likelihood → more normal",
    "b_a": "log-likelihood → more normal",
    "spread": "median − b<sub>n</sub>, log-likelihood",
    "margin": "% of normal cells in the margin",
    "overlap": "% of area shared with known defects",
}
PERCENT = ("margin", "overlap")


def drift_figure(points: Sequence[DriftPoint], figures: Sequence[str]) -> go.Figure:
    """Figures of one level over the versions, each with the 90 % band of other calibration parts."""
    figure = new_figure(height=320)
    styles = {"b_a": ("dash", "diamond"), "overlap": ("dash", "diamond")}
    for name in figures:
        dash, symbol = styles.get(name, ("solid", "circle"))
        kept = [(point, point.bands[name]) for point in points if name in point.bands]
        if not kept and name in ("b_n", "b_a"):
            kept = [(point, (getattr(point, name),) * 3) for point in points]
        scale = 100.0 if name in PERCENT else 1.0
        values = [scale * value for _, (value, _, _) in kept]
        figure.add_scatter(
            x=[f"v{point.number}" for point, _ in kept],
            y=values,
            name={"b_n": "b<sub>n</sub>", "b_a": "b<sub>a</sub>"}.get(name, name),
            mode="lines+markers",
            line={"color": ink(), "dash": dash, "width": 2},
            marker={"symbol": symbol, "size": 8},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [scale * (high - value) for _, (value, _, high) in kept],
                "arrayminus": [scale * (value - low) for _, (value, low, _) in kept],
                "thickness": 1.5,
                "width": 6,
            },
        )
    _mark_deciding(figure, points, figures[0])
    figure.update_yaxes(title=AXES[figures[0]])
    figure.update_xaxes(title="version", type="category")
    return figure


def _mark_deciding(figure: go.Figure, points: Sequence[DriftPoint], name: str) -> None:
    deciding = [point for point in points if point.decides]
    scale = 100.0 if name in PERCENT else 1.0
    figure.add_scatter(
        x=[f"v{point.number}" for point in deciding if name in point.bands],
        y=[scale * point.bands[name][0] for point in deciding if name in point.bands],
        name="decides now",
        mode="markers",
        marker={"size": 16, "symbol": "circle-open", "color": RED, "line": {"width": 2}},
    )


def operating_figure(view: OperatingView, proposed: float | None) -> go.Figure:
    """Good parts stopped and defects missed over thresholds, with b_n, b_a, the rule that stands and a proposed one."""
    curve, figure = view.curve, new_figure(height=320)
    _stopped(figure, curve)
    if curve.missed:
        figure.add_scatter(
            x=curve.stops,
            y=[100 * share for share in curve.missed],
            name=f"defects missed ({curve.defects} labelled, none learnt from)",
            mode="lines",
            line={"color": COLOURS["known"], "width": 2, "dash": "dash", "shape": "hv"},
            hovertemplate="%{y:.1f} % of defects missed at %{x:.3f}",
        )
    marks = [
        (view.boundary.stop, "b<sub>n</sub>", "solid", ink()),
        (view.boundary.reject, "b<sub>a</sub>", "dash", ink()),
    ]
    if view.standing.point is not None:
        marks.append((view.standing.stop, "stands", "solid", RED))
    if proposed is not None and proposed != view.standing.stop:
        marks.append((proposed, "proposed", "dot", RED))
    for height, (at, words, dash, colour) in enumerate(marks):
        figure.add_vline(x=at, line={"color": colour, "width": 1.8, "dash": dash})
        figure.add_annotation(
            x=at,
            y=1.0 - 0.09 * height,
            yref="paper",
            text=words,
            showarrow=False,
            xanchor="left",
            xshift=4,
            font={"color": colour},
        )
    figure.update_yaxes(title="% of parts", rangemode="tozero")
    figure.update_xaxes(title="threshold: parts that score above it are stopped")
    return figure


def _stopped(figure: go.Figure, curve: Curve) -> None:
    colour = COLOURS["normal"]
    for values, fill in ((curve.high, None), (curve.low, "tonexty")):
        figure.add_scatter(
            x=curve.stops,
            y=[100 * share for share in values],
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor=faint(colour),
            showlegend=False,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=curve.stops,
        y=[100 * share for share in curve.stopped],
        name="good parts stopped, with its 90 % band",
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 5},
        hovertemplate="%{y:.1f} % of good parts stopped at %{x:.3f}",
    )
