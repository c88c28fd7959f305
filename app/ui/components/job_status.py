"""The running job, live: phase, how far, loss, time left, and a way to stop it."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from app.services.retrain import cancel, run_view, runs_of
from app.ui.visit import Visit, told
from storage.models import ACTIVE, Role, Run, RunState

KINDS = {
    "ingest": "Bringing in images",
    "score": "Scoring",
    "retrain": "Retraining",
    "compare": "Measuring",
    "verify": "Making it again",
    "bias": "Bias check",
    "preview": "Pasting defects",
    "contamination": "Looking for odd normals",
}
ENDS = {RunState.done: "done", RunState.failed: "failed", RunState.cancelled: "cancelled"}
WAITS = "Waiting for a worker. If this stays, start one: bgad-inspect worker"


def job_line(
    here: Visit, slug: str, *, kind: str | None = None, figures: Callable[[Run], None] = lambda run: None
) -> None:
    """The project's running job, of one kind or of any; the whole page is drawn again when it ends.

    Args:
        figures: draws what belongs below a run's line, as often as the line is drawn.
    """
    with told():
        active = [r for r in runs_of(here.context, here.actor, slug) if r.state in ACTIVE and kind in (None, r.kind)]
        if active:
            _live(here, [run.id for run in reversed(active)], figures)


@st.fragment(run_every=1.0)
def _live(here: Visit, ids: list[str], figures: Callable[[Run], None]) -> None:
    found = [run_view(here.context, here.actor, run_id) for run_id in ids]
    if any(run.state not in ACTIVE for run in found):
        st.rerun()
    for run in found:
        _draw(here, run)
        figures(run)


def _draw(here: Visit, run: Run) -> None:
    with st.container(border=True):
        words, button = st.columns([5, 1], vertical_alignment="center")
        with words:
            st.progress(share_done(run), text=describe(run))
        with button:
            may = here.may(Role.engineer) and run.state is not RunState.cancelling
            if st.button("Cancel", key=f"cancel-{run.id}", disabled=not may, width="stretch"):
                cancel(here.context, here.actor, run.id)
                st.rerun()


def share_done(run: Run) -> float:
    """How far the phase is, 0 to 1."""
    total = run.progress.get("total") or 0
    return min(1.0, max(0.0, run.progress.get("done", 0) / total)) if total else 0.0


def describe(run: Run) -> str:
    """A run in one line, for people."""
    name = KINDS.get(run.kind, run.kind)
    if run.state is RunState.queued:
        return f"{name}: queued. {WAITS}"
    if run.state is RunState.cancelling:
        return f"{name}: stopping"
    progress = run.progress
    if not progress:
        return f"{name}: starting"
    facts = [f"{name}: {progress['phase']}", f"{progress.get('done', 0)} of {progress.get('total', 0)}"]
    if progress.get("loss") is not None:
        facts.append(f"loss {progress['loss']:.3f}")
    if progress.get("seconds_left") is not None:
        facts.append(f"about {duration(progress['seconds_left'])} left in this phase")
    if progress.get("note"):
        facts.append(str(progress["note"]))
    return " · ".join(facts)


def runs_table(found: list[Run]) -> None:
    """Past and present runs, the latest first."""
    st.dataframe(
        [
            {
                "started": local_time(run.created_at),
                "what": KINDS.get(run.kind, run.kind),
                "state": ENDS.get(run.state, run.state.value),
                "took": _took(run),
                "by": run.by,
                "note": run.error or run.reason,
            }
            for run in found
        ],
        hide_index=True,
        width="stretch",
        column_config={"note": st.column_config.TextColumn("note", width="large")},
    )


def duration(seconds: float) -> str:
    """A time span that one can say aloud."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def local_time(moment: datetime) -> str:
    """A moment in the browser's time zone."""
    zone = st.context.timezone
    return moment.astimezone(_zone(zone)).strftime("%Y-%m-%d %H:%M")


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _took(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return duration((run.finished_at - run.started_at).total_seconds())
