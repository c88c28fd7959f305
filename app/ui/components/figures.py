"""Figures: the boundary's story in one visual language.

Normal blue, known defects orange, unseen purple, new grey, told apart by dashes too; b_n solid, b_a dashed; the version
at hand filled, the one that it is compared with as an outline.
"""

import plotly.graph_objects as go
import streamlit as st

from app.services.label import Reading
from app.services.review import Histogram, in_bins_of

COLOURS = {"normal": "#3b82f6", "known": "#f08c2e", "held-out": "#9b5de5", "new": "#8a949e"}
WORDS = {"normal": "normal", "known": "known defects", "held-out": "held-out defects", "new": "not labelled"}
DASHES = {"normal": "solid", "known": "dash", "held-out": "dot", "new": "dashdot"}
CONFIG = {"displayModeBar": False}
EXPORT = {"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage", "resetScale2d"]]}
RED = "#e03131"
COARSE = 3  # bins drawn as one where the figure is tiny


def standing_figure(reading: Reading) -> go.Figure:
    """One image's cells over those of normal parts, with the boundary and, red, its lowest place; tiny.

    Where an operating point decides, a dotted red line is what the lowest place is held against.
    """
    low, high, bins = reading.edges
    width = (high - low) / bins * COARSE
    centres = [low + (i + 0.5) * width for i in range(bins // COARSE)]
    figure = new_figure(height=110)
    for counts, name, colour, fill in (
        (reading.normal, "normal parts", COLOURS["normal"], "tozeroy"),
        (reading.places, "this part", ink(), None),
    ):
        total = max(1, sum(counts))
        share = [100 * sum(counts[i : i + COARSE]) / total for i in range(0, bins, COARSE)]
        figure.add_scatter(
            x=centres, y=share, name=name, mode="lines", fill=fill, line={"color": colour, "width": 1.4, "shape": "hvh"}
        )
    boundary_lines(figure, reading.scale.b_n, reading.scale.b_a)
    line = None if reading.line is None else max(low, reading.line)
    if line is not None:
        figure.add_vline(x=line, line={"color": RED, "width": 1.5, "dash": "dot"})
    figure.add_vline(x=max(low, reading.lowest), line={"color": RED, "width": 2.5})
    figure.update_yaxes(visible=False, type="log")
    drawn = [reading.lowest, reading.scale.b_a] + ([] if line is None else [line])
    left = max(low, min(drawn) - 0.05 * (high - low))
    figure.update_xaxes(showticklabels=False, title=None, range=[left, high])
    figure.update_layout(showlegend=False, margin={"l": 12, "r": 4, "t": 16, "b": 4})
    return figure


def histogram_figure(this: Histogram, other: Histogram | None, *, logarithmic: bool) -> go.Figure:
    """Log-likelihoods by group with b_n and b_a; `other` as outlines."""
    figure = new_figure(height=400)
    for group, shares in this.shares.items():
        colour = COLOURS[group]
        figure.add_scatter(
            x=this.centres,
            y=[100 * share for share in shares],
            name=WORDS[group],
            mode="lines",
            fill="tozeroy",
            fillcolor=faint(colour),
            line={"color": colour, "width": 1.8, "dash": DASHES[group], "shape": "hvh"},
            hovertemplate="%{y:.2f} % of cells at %{x:.2f}",
        )
    for group, shares in (in_bins_of(this, other) if other else {}).items():
        figure.add_scatter(
            x=other.centres if other else [],
            y=[100 * share for share in shares],
            name=f"{WORDS[group]}, v{other.number if other else ''}",
            mode="lines",
            opacity=0.65,
            line={"color": COLOURS[group], "width": 1, "dash": "dot", "shape": "hvh"},
            hovertemplate="%{y:.2f} % of cells at %{x:.2f}",
        )
    boundary_lines(figure, this.b_n, this.b_a)
    decides = (this.part_b_n, "part b<sub>n</sub>") if this.part_stop is None else (this.part_stop, "operating point")
    if decides[0] is not None:
        figure.add_vline(x=decides[0], line={"color": RED, "width": 1.5})
        figure.add_annotation(
            x=decides[0], y=0.9, yref="paper", text=decides[1], showarrow=False, xanchor="right", xshift=-3
        )
    figure.update_yaxes(title="% of the group's cells", type="log" if logarithmic else "linear", rangemode="tozero")
    figure.update_xaxes(title="log-likelihood, per feature dimension → more normal")
    return figure


def show(figure: go.Figure, *, key: str, alt: str, picture: str | None = None) -> None:
    """Draw it in the page's theme, with words for those who don't see it.

    Args:
        picture: the file name under which the figure may be kept as a PNG; None offers none.
    """
    named = {"filename": picture, "format": "png", "scale": 2}
    st.plotly_chart(figure, key=key, config={**EXPORT, "toImageButtonOptions": named} if picture else CONFIG, alt=alt)


def new_figure(*, height: int) -> go.Figure:
    """An empty figure in the house's manner."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        hovermode="x",
        legend={"orientation": "h", "y": 1.12, "x": 0},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#8a949e", "activecolor": "#8a949e"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def boundary_lines(figure: go.Figure, b_n: float, b_a: float) -> None:
    """b_n solid and b_a dashed, with the margin between them shaded."""
    figure.add_vrect(x0=b_a, x1=b_n, fillcolor="#8a949e", opacity=0.16, line_width=0)
    for value, dash, name, anchor in ((b_n, "solid", "b<sub>n</sub>", "left"), (b_a, "dash", "b<sub>a</sub>", "right")):
        figure.add_vline(x=value, line={"color": ink(), "width": 1.6, "dash": dash})
        shift = 3 if anchor == "left" else -3
        figure.add_annotation(
            x=value, y=1, yref="paper", yanchor="bottom", text=name, showarrow=False, xanchor=anchor, xshift=shift
        )


def ink() -> str:
    """The page's text colour; the theme is the browser's."""
    return "#e8eaed" if st.context.theme.type == "dark" else "#1d2125"


def faint(colour: str) -> str:
    """A colour as a filling that lets lines through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.18)"
