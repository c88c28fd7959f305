"""What comes in against the good parts that calibrated: one median a day, with the days that alarm."""

import plotly.graph_objects as go
import streamlit as st

from app.services.incoming import CHANCE, Day, Incoming
from app.ui.components.figures import COLOURS, RED, new_figure, show
from app.ui.visit import sentence

DAY = 86_400_000  # milliseconds, in which plotly counts ticks


def incoming_section(found: Incoming | None) -> None:
    """The alarms of the last days, their chart and its table; nothing before any version decides."""
    if found is None:
        return
    st.header("What comes in")
    if not found.days:
        st.write(
            "No part came in without a label in the last 30 days. `bgad-inspect watch FOLDER --project …` takes new "
            "images as they come."
        )
        return
    for alarm in found.alarms:
        st.error(f"Alarm: {sentence(alarm)}.")
    st.caption(
        f"Scores under v{found.number} of the parts that came in, day by day, against the median of {found.normals} "
        f"good parts that calibrated it. A day alarms where chance alone would put so many on one side of it on one "
        f"day in {1 / CHANCE:,.0f} or fewer."
    )
    show(incoming_figure(found), key="incoming", alt=f"median score of {len(found.days)} days")
    st.dataframe([_row(day) for day in reversed(found.days)], hide_index=True, width="stretch")


def incoming_figure(found: Incoming) -> go.Figure:
    """Each day's median score over the date; the calibration median as a line, alarmed days ringed in red."""
    figure = new_figure(height=260)
    figure.add_scatter(
        x=[day.day for day in found.days],
        y=[day.median for day in found.days],
        name="median score of a day",
        mode="lines+markers",
        line={"color": COLOURS["new"], "width": 2},
        marker={"size": 8},
        customdata=[[day.parts, day.stopped.count] for day in found.days],
        hovertemplate="%{x|%Y-%m-%d}: %{y:.3f}, %{customdata[0]} parts, %{customdata[1]} stopped<extra></extra>",
    )
    figure.add_scatter(
        x=[found.days[0].day, found.days[-1].day],
        y=[found.usual, found.usual],
        name=f"median of {found.normals} calibration parts",
        mode="lines+markers" if len(found.days) == 1 else "lines",
        line={"color": COLOURS["normal"], "dash": "dash", "width": 2},
        hoverinfo="skip",
    )
    alarmed = [day for day in found.days if day.alarm]
    figure.add_scatter(
        x=[day.day for day in alarmed],
        y=[day.median for day in alarmed],
        name="alarm",
        mode="markers",
        marker={"size": 16, "symbol": "circle-open", "color": RED, "line": {"width": 2}},
        hoverinfo="skip",
    )
    figure.update_yaxes(title="score → more abnormal")
    span = (found.days[-1].day - found.days[0].day).days
    figure.update_xaxes(type="date", tickformat="%d %b", dtick=DAY * max(1, span // 8), tick0=found.days[0].day)
    return figure


def _row(day: Day) -> dict[str, str | int]:
    return {
        "day (UTC)": f"{day.day:%Y-%m-%d}",
        "parts": day.parts,
        "median score": f"{day.median:.3f}",
        "above the calibration median": f"{day.above} of {day.parts}",
        "stopped": day.stopped.words(),
        "chance": f"{day.p:.2g}",
        "alarm": "yes" if day.alarm else "",
    }
