"""What held-out labels measure of a version, beside what they measure of another."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.services.review import METRICS

FEW = 20  # images of a kind below which a metric is read with care


def metric_row(values: Mapping[str, Any], others: Mapping[str, Any], number: int | None) -> None:
    """Each metric, with its change from those of version `number`; one that stays has neither arrow nor colour."""
    for column, (name, words) in zip(st.columns(len(METRICS)), METRICS.items(), strict=True):
        value, other = values.get(name), others.get(name)
        shown = "–" if value is None else f"{value:.3f}"
        if value is None or other is None:
            column.metric(words, shown)
        elif f"{abs(value - other):.3f}" == "0.000":
            column.metric(words, shown, f"as v{number}", delta_color="off", delta_arrow="off")
        else:
            column.metric(words, shown, f"{value - other:+.3f} against v{number}")
