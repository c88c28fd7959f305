"""Histograms: are normal and abnormal apart, where are b_n and b_a?"""

import streamlit as st

from app.services.review import Histogram, histogram_csv, likelihood_histograms, sides_of, versions_view
from app.ui.components.figures import WORDS, histogram_figure, show
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
    if this.overlap is not None:
        was = f" (was {100 * other.overlap:.1f} %)" if other and other.overlap is not None else ""
        line += f" · overlap of normal and known defects {100 * this.overlap:.1f} %{was}"
    return line


here, slug = project_visit()
found = versions_view(here.context, here.actor, slug)
st.title("Histograms")
if not found:
    st.write("No version yet. The first one is trained from normal parts alone, on the Retrain page.")
    st.stop()

numbers = [version.number for version in found]
deciding = next((version.number for version in found if version.decides), numbers[0])
bar = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
number = bar.selectbox(
    "Version", numbers, index=numbers.index(deciding), format_func=lambda n: f"v{n}", key="histograms-this", width=160
)
others = [n for n in numbers if n != number]
before = next((n for n in others if n < number), None)
other_number = bar.selectbox(
    "Compare with",
    [None, *others],
    index=([None, *others].index(before)),
    format_func=lambda n: "nothing" if n is None else f"v{n}",
    key=f"histograms-other-{number}",
    width=160,
)
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
        few = [WORDS[g] for g in this.cells if 0 < this.cells[g] < FEW]
        if few:
            st.caption(f"Few cells: {', '.join(few)}. Read their shares with care.")
