"""What the asking side writes: a run's row is its outbox, and its transaction is the asker's. Knows no job engine."""

import time
import uuid
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.models import ACTIVE, Run, RunState, now
from storage.run_rows import WorkerPulse

BEAT = 1.0  # seconds between two heartbeats of a worker


def submit(
    session: Session, *, project_id: int, kind: str, by: str, reason: str = "", arguments: dict[str, Any] | None = None
) -> str:
    """Queue a job in the caller's transaction and return its id; workers see it once that commits.

    A project has one active retrain: asking again, by a double click or from two browsers, returns the active one's id.
    """
    if kind == "retrain" and (found := session.scalar(active(project_id, kind))):
        return found
    run = Run(id=str(uuid.uuid4()), project_id=project_id, kind=kind, by=by, reason=reason, arguments=arguments or {})
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:  # another transaction was faster; the partial unique index saw it
        if found := session.scalar(active(project_id, kind)):
            return found
        raise
    return run.id


def active(project_id: int, kind: str) -> Select[str]:
    """The ids of a project's queued and running jobs of one kind."""
    return select(Run.id).where(Run.project_id == project_id, Run.kind == kind, Run.state.in_(ACTIVE))


def cancel(session: Session, run_id: str) -> bool:
    """Ask a job to stop: a queued one is cancelled at once, a running one within seconds. False when it is over."""
    run = session.get(Run, run_id, with_for_update=True)
    if run is None or run.state not in ACTIVE:
        return False
    if run.state is RunState.queued:
        run.state, run.finished_at = RunState.cancelled, now()
    else:
        run.state = RunState.cancelling
    return True


def worker_lives(database: Database, *, wait: float = 2.5 * BEAT) -> bool:
    """Whether some worker's counter moves; returns as soon as one does, False after `wait` seconds."""
    before = beats_of(database)
    deadline = time.monotonic() + wait
    while before and time.monotonic() < deadline:
        time.sleep(0.2)
        if any(beats > before.get(name, beats) for name, beats in beats_of(database).items()):
            return True
    return False


def beats_of(database: Database) -> dict[str, int]:
    """The heartbeat counter of every worker that ever beat and was not found dead."""
    with database.read() as session:
        return {pulse.executor_id: pulse.beats for pulse in session.scalars(select(WorkerPulse))}
