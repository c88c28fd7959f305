"""A running training, drawn: is the loss falling, and are normal places and known defects moving apart?"""

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from app.ui.components.figures import COLOURS, DASHES, WORDS, boundary_lines, faint, new_figure, show
from storage.models import Run

HEIGHT = 230
LOSS = {"phase 1": ("solid", "phase 1: normal parts"), "phase 2": ("dash", "phase 2: and BG-SPP")}


def training_figures(run: Run) -> None:
    """The loss by pass, and where one level stands after the last; nothing before the first pass ended."""
    losses, live = run.progress.get("losses"), run.progress.get("live")
    if not losses and not live:
        return
    left, right = st.columns([2, 3], gap="medium")
    if losses:
        with left:
            st.caption("Is it still learning? The loss of each pass.")
            alt = ", ".join(f"{phase}: {len(values)} passes" for phase, values in losses.items())
            show(loss_figure(losses), key=f"losses-{run.id}", alt=f"loss by pass; {alt}")
    if live:
        with right:
            names = [row["level"] for row in live]
            chosen = st.segmented_control(
                "Are they moving apart? Held-out normal places and known defects after the last pass, at level",
                names, default=names[-1], required=True, key=f"live-level-{run.id}",
            )  # fmt: skip
            row = next(row for row in live if row["level"] == chosen)
            words = f"level {chosen}: b_n {row['b_n']:.3f}, b_a {row['b_a']:.3f}"
            show(live_figure(row), key=f"live-{run.id}", alt=f"log-likelihoods now at {words}")


def loss_figure(losses: dict[str, list[float | None]]) -> go.Figure:
    """One line per phase over the passes of both."""
    figure, before = new_figure(height=HEIGHT), 0
    for phase, values in losses.items():
        dash, words = LOSS.get(phase, ("solid", phase))
        figure.add_scatter(
            x=[before + 1 + i for i in range(len(values))], y=values, name=words, mode="lines+markers",
            line={"color": COLOURS["normal"], "width": 1.8, "dash": dash}, marker={"size": 4},
            hovertemplate="%{y:.4f} after pass %{x}",
        )  # fmt: skip
        before += len(values)
    figure.update_xaxes(title="pass", rangemode="tozero")
    figure.update_layout(showlegend=len(losses) > 1)
    return figure


def live_figure(row: dict[str, Any]) -> go.Figure:
    """Shares of both groups with b_n and b_a as they are after the last pass."""
    figure = new_figure(height=HEIGHT)
    width = (row["high"] - row["low"]) / len(row["normal"])
    for group in ("normal", "known"):
        if total := sum(row[group]):
            figure.add_scatter(
                x=[row["low"] + (i + 0.5) * width for i in range(len(row[group]))],
                y=[100 * count / total for count in row[group]],
                name=f"{WORDS[group]} ({total:,} places)", mode="lines",
                fill="tozeroy", fillcolor=faint(COLOURS[group]),
                line={"color": COLOURS[group], "width": 1.6, "dash": DASHES[group], "shape": "hvh"},
                hovertemplate="%{y:.1f} % at %{x:.3f}",
            )  # fmt: skip
    boundary_lines(figure, row["b_n"], row["b_a"])
    figure.update_xaxes(title="log-likelihood → more normal")
    figure.update_yaxes(title="% of places", rangemode="tozero")
    return figure
