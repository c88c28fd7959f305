"""Histograms: are normal and abnormal apart, where are b_n and b_a?"""

import streamlit as st

from app.services.review import Histogram, histogram_csv, likelihood_histograms, sides_of, versions_view
from app.ui.components.figures import WORDS, histogram_figure, show
from app.ui.components.version_picker import pick_other, pick_version
from app.ui.visit import project_visit

FEW = 2000  # cells; below, a share of one per cent rests on twenty of them


def words_of(this: Histogram, other: Histogram | None) -> str:
    """The figure in one line: what lies in the margin, and how much the groups overlap."""
    before = other.margin if other else {}
    parts = []
    for group in ("normal", "known", "held-out"):
        if group in this.margin:
            was = f" (was {100 * before[group]:.1f} %)" if group in before else ""
            parts.append(f"{WORDS[group]} {100 * this.margin[group]:.1f} %{was}")
    line = "In the margin: " + ", ".join(parts) if parts else ""
    for kind, value, old in (
        ("known", this.overlap, other.overlap if other else None),
        ("held-out", this.overlap_held_out, other.overlap_held_out if other else None),
    ):
        if value is not None:
            was = f" (was {100 * old:.1f} %)" if old is not None else ""
            line += f" · overlap of normal and {WORDS[kind]} {100 * value:.1f} %{was}"
    return line


here, slug = project_visit()
found = versions_view(here.context, here.actor, slug)
st.title("Histograms")
if not found:
    st.write("No version yet. The first one is trained from normal parts alone, on the Retrain page.")
    st.stop()

bar = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
number = pick_version(bar, found, key="histograms-this", first=found[0].number)
other_number = pick_other(bar, found, number, key="histograms-other")
logarithmic = bar.toggle("Logarithmic", value=True, key="histograms-log", help="Shows the few cells far out as well.")

these = likelihood_histograms(here.context, here.actor, slug, number)
those = likelihood_histograms(here.context, here.actor, slug, other_number) if other_number else {}
tabs = st.tabs(["fused" if level == "fused" else f"level {level}" for level in these])
for tab, (level, this) in zip(tabs, these.items(), strict=True):
    with tab:
        other = those.get(level)
        show(
            histogram_figure(this, other, logarithmic=logarithmic),
            key=f"histogram-{level}",
            picture=f"{slug}-v{number}-{level}",
            alt=f"log-likelihoods at {level}: b_n {this.b_n:.2f}, b_a {this.b_a:.2f}. {words_of(this, other)}",
        )
        st.markdown(words_of(this, other))
        if rows := sides_of(this, other):
            for row in rows:
                row["group"] = WORDS[row["group"]]
            st.dataframe(rows, hide_index=True, width="stretch")
        st.download_button(
            "CSV",
            histogram_csv(this, other),
            file_name=f"{slug}-v{number}-{level}.csv",
            mime="text/csv",
            key=f"csv-{level}",
            help="Every bin of this level; the picture is kept by the camera above the figure.",
        )
        counted = ", ".join(f"{WORDS[g]} {this.cells[g]:,}" for g in this.cells if this.cells[g])
        st.caption(
            f"v{number} filled{f', v{other_number} dotted' if other else ''}. Cells: {counted}. "
            f"b_n {this.b_n:.3f}, b_a {this.b_a:.3f}."
        )
        if this.part_stop is not None:
            st.caption(
                f"{this.decides} On this map that is a part whose lowest place lies below {this.part_stop:.3f}; the "
                "margin and what lies beyond b_n are of places, and decide on no part."
            )
        few = [WORDS[g] for g in this.cells if 0 < this.cells[g] < FEW]
        if few:
            st.caption(f"Few cells: {', '.join(few)}. Read their shares with care.")
