"""Compare: on the same held-out images, which of two versions is better, and where do they differ?"""

import streamlit as st

from app.services.compare import Comparison, Pair, Side, comparison, request_comparison
from app.services.errors import Refused
from app.services.review import versions_view
from app.services.rule import point_words
from app.ui.components.flip import flip
from app.ui.components.job_status import job_line
from app.ui.components.metrics import FEW, metric_row
from app.ui.visit import plain, project_visit, sentence, told
from storage.models import Role

SHOWN = 60


def recall_table(first: Side, second: Side) -> None:
    """Recall per type and false alarms of both, each at its own rule."""
    nothing = "–"
    rows = [
        {
            "stopped": name,
            f"v{first.number}": first.recalls[name].words() if name in first.recalls else nothing,
            f"v{second.number}": second.recalls[name].words() if name in second.recalls else nothing,
        }
        for name in sorted({*first.recalls, *second.recalls})
    ]
    rows.append(
        {
            "stopped": "good parts",
            f"v{first.number}": first.alarms.words(),
            f"v{second.number}": second.alarms.words(),
        }
    )
    st.dataframe(rows, hide_index=True, width="stretch")


def rules(found: Comparison) -> str:
    """How each of them decides, or would if it were promoted."""
    words = [f"v{side.number} by its {point_words(side.rule.point)}" for side in found.sides]
    return f"{words[0]}, {words[1]}; 95 % intervals (Wilson)"


def label(pair: Pair) -> str:
    """One image in the list of those to look at."""
    said = pair.defect_type or pair.verdict.value
    scores = " / ".join("–" if score is None else f"{score:.2f}" for score in pair.scores)
    return f"{'≠ ' if pair.differs else ''}{said} · {pair.name} · {scores}"


here, slug = project_visit()
found = versions_view(here.context, here.actor, slug)
st.title("Compare")
if len(found) < 2:
    st.write("No version yet to compare with: two are needed. The Retrain page makes the next one.")
    st.stop()
numbers = [version.number for version in found]
deciding = next((version.number for version in found if version.decides), numbers[0])
first_number = next((n for n in numbers if n != deciding), numbers[0])
bar = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
first = bar.selectbox(
    "Version", numbers, index=numbers.index(first_number), format_func=lambda n: f"v{n}", key="compare-this", width=120
)
others = [n for n in numbers if n != first]
second = bar.selectbox(
    "with",
    others,
    index=others.index(deciding) if deciding in others else 0,
    format_func=lambda n: f"v{n}",
    key=f"compare-other-{first}",
    width=120,
)
try:
    result = comparison(here.context, here.actor, slug, first, second)
except Refused as refused:
    st.info(sentence(refused))
    st.stop()

words = f"On {result.normals} good and {result.defects} defective held-out images"
few = "; that is few, read with care" if min(result.normals, result.defects) < FEW else ""
with bar:
    st.caption(f"{words}{few}. Set {result.digest[:12]}.")
for side in result.sides:
    if side.learnt:
        st.warning(f"v{side.number} was made from {side.learnt} of these images: its figures are too good.")
if not result.complete:
    missing = " and ".join(f"v{side.number}" for side in result.sides if side.metrics is None)
    st.write(f"{missing} was not measured on this set yet: labels or images came since.")
    if result.active_run is None and here.may(Role.engineer) and st.button("Measure", type="primary", key="measure"):
        with told():
            request_comparison(here.context, here.actor, slug, first, second)
            st.rerun()
    job_line(here, slug, kind="compare")
mine, theirs = result.sides
metric_row(mine.metrics or {}, theirs.metrics or {}, theirs.number)
left, right = st.columns([1, 1], gap="medium")
with left:
    st.caption(f"What does each stop? {rules(result)}")
    recall_table(*result.sides)
with right:
    shown = result.pairs[:SHOWN]
    differing = sum(pair.differs for pair in result.pairs)
    index = st.selectbox(
        f"Where do they differ? In {differing} of {len(result.pairs)} decisions; then by change of score",
        range(len(shown)),
        format_func=lambda i: label(shown[i]),
        key=f"compare-image-{first}-{second}",
    )
    pair = shown[index]
    if None in pair.scores:
        st.info(f"{plain(pair.name)} is not scored by both yet: measure first.")
    else:
        names = tuple(
            f"v{side.number} · {score:.2f} · {decided}"
            for side, score, decided in zip(result.sides, pair.scores, pair.decided, strict=True)
        )
        flip(
            pair.image_id,
            left=result.sides[0].id,
            right=result.sides[1].id,
            names=(names[0], names[1]),
            width=310,
            key=f"seam-{pair.image_id}-{first}-{second}",
        )
