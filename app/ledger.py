"""What a job writes on its row in `runs`: the truth that people see. Knows no job engine.

Each start of a job raises `attempts` by one, and the new number is its token: every later write checks it. A worker
that was frozen, declared dead and replaced finds another number there, and stops without touching anything.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from storage.database import Database
from storage.errors import AWAY, Unwritable
from storage.models import ACTIVE, Run, RunState, now
from storage.run_rows import RunLine

MAX_ATTEMPTS = 3
CANCEL_CHECK = 1.0  # seconds between two looks at the row; a cancel takes effect well within 5 s
PROGRESS_EVERY = 0.5
PATIENCE = 60.0
UNANSWERED = (DBAPIError, Unwritable)
MOST_OUTAGES = 20  # of the database in one attempt

log = logging.getLogger(__name__)
T = TypeVar("T")


class Stopped(Exception):
    """Raised by a handler that saw `Job.cancelled()`: its last checkpoint is complete."""


class Failed(Exception):
    """Raised by a handler with the sentence that people will read on the run."""


@dataclass
class Job:
    """One attempt at one run, as its handler sees it."""

    database: Database
    run_id: str
    project_id: int
    kind: str
    by: str
    arguments: dict[str, Any]
    attempt: int
    stopping: Callable[[], bool] = lambda: False
    step: str = "its first seconds"  # that it is in; before its first report, that the attempt before ended in
    moved: float = field(default_factory=time.monotonic, init=False)  # when it last reported, or asked to go on
    _cancelled: bool = field(default=False, init=False)
    _looked: float = field(default=float("-inf"), init=False)
    _wrote: float = field(default=float("-inf"), init=False)
    _phase: Any = field(default=None, init=False)

    @property
    def name(self) -> str:
        return self.run_id

    def cancelled(self, *, moving: bool = True) -> bool:
        """Whether to stop: somebody cancelled, the worker is going down, or another worker took the job over.

        Args:
            moving: False from a loop that waits for others, which is no sign that the job gets on.
        """
        if moving:
            self.moved = time.monotonic()
        if self._cancelled or self.stopping():
            return True
        if time.monotonic() - self._looked >= CANCEL_CHECK:
            self._looked = time.monotonic()
            try:
                self._cancelled = self.ordered_to_stop()
            except UNANSWERED:
                log.warning("job %s cannot ask the database whether to go on; it goes on", self.run_id)
        return self._cancelled

    def ordered_to_stop(self) -> bool:
        """Whether its row says so, which is asked at each call."""
        with self.database.read() as session:
            run = session.get(Run, self.run_id)
            return run is None or run.attempts != self.attempt or run.state is not RunState.running

    def stop_if_cancelled(self) -> None:
        """Raises Stopped when `cancelled()`."""
        if self.cancelled():
            raise Stopped

    def tell(self, text: str) -> None:
        """Add a line to the job's log, which its page shows; a database that is away loses the line, not the job."""
        add_line(self.database, self.run_id, self.attempt, text)

    def keep(self, result: dict[str, Any]) -> None:
        """Keep what a check found with its run."""
        with self.mine() as run:
            if run is not None:
                run.result = result

    def progress(self, phase: str, done: int, total: int, **more: Any) -> None:
        """Show how far it is: at most twice a second, but every new phase and every end of one."""
        self.moved, self.step = time.monotonic(), phase
        due = self.moved - self._wrote >= PROGRESS_EVERY
        if not due and phase == self._phase and done < total:
            return
        if phase != self._phase:
            self.tell(phase + (f": {more['note']}" if more.get("note") else ""))
        self._wrote, self._phase = self.moved, phase
        try:
            with self.mine() as run:
                if run is not None:
                    run.progress = {"phase": phase, "done": done, "total": total, **more}
        except UNANSWERED:
            log.warning("job %s cannot show its progress; it goes on", self.run_id)

    @contextmanager
    def mine(self) -> Iterator[Run | None]:
        """The row, locked for one write; None when this attempt no longer owns it."""
        with self.database.write() as session:
            run = _locked(session, self.run_id)
            yield run if run is not None and run.attempts == self.attempt and run.state in ACTIVE else None


def add_line(database: Database, run_id: str, attempt: int, text: str) -> None:
    """See `Job.tell`."""
    try:
        with database.write() as session:
            session.add(RunLine(run_id=run_id, attempt=attempt, text=text))
    except UNANSWERED:
        log.warning("job %s cannot write its log; it goes on: %s", run_id, text)


def patiently(call: Callable[[], T]) -> T:
    """Call again for `PATIENCE` seconds while the database is away; a job's outcome is worth waiting for."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except UNANSWERED:
            if time.monotonic() > deadline:
                raise
            log.warning("the database does not answer; trying again")
            time.sleep(1.0)


def through_outages(database: Database, call: Callable[[], T]) -> T:
    """Call a handler, and again when the database went away in the middle: it goes on from what it had finished.

    The attempt is the same one: it is no worker's death, so that it does not count towards parking.
    """
    for _ in range(MOST_OUTAGES):
        try:
            return call()
        except AWAY as error:
            log.warning("the database went away (%s); the job goes on when it is back", type(error.orig).__name__)
            patiently(lambda: _answers(database))
    return call()


def _answers(database: Database) -> None:
    with database.read() as session:
        session.connection()


def begin(database: Database, run_id: str, *, stopping: Callable[[], bool] = lambda: False) -> Job | None:
    """Start the next attempt; None when there is nothing to do (finished, cancelled, or parked just now)."""
    with database.write() as session:
        run = _locked(session, run_id)
        if run is None or run.state not in ACTIVE:
            return None
        if run.state is RunState.cancelling:
            _close(run, RunState.cancelled)
            return None
        if run.attempts >= MAX_ATTEMPTS:
            _close(run, RunState.failed, _parked(run))
            return None
        run.attempts += 1
        session.add(RunLine(run_id=run.id, attempt=run.attempts, text=f"attempt {run.attempts} begins"))
        run.state = RunState.running
        run.started_at = run.started_at or now()
        job = Job(database, run.id, run.project_id, run.kind, run.by, dict(run.arguments), run.attempts, stopping)
        job.step = run.progress.get("phase", job.step)
        return job


def finish(job: Job, *, error: str | None = None) -> None:
    """Close the run as done, or as failed with its sentence."""
    with job.mine() as run:
        if run is not None:
            _close(run, RunState.failed if error else RunState.done, error)


def stopped(job: Job) -> bool:
    """Close a stopped run as cancelled; True when it was only interrupted and goes back to the queue.

    A worker that goes down in an orderly way gives its attempt back: only a worker's death counts towards parking.
    """
    with job.mine() as run:
        if run is None:
            return False
        if run.state is RunState.cancelling:
            _close(run, RunState.cancelled)
            return False
        run.state = RunState.queued
        run.attempts -= 1
        run.progress = {**run.progress, "note": "its worker was stopped; the next one goes on from here"}
        return True


def abandon(database: Database, run_id: str) -> None:
    """Close a run whose engine job ended without writing an outcome (the database was away at that moment)."""
    with database.write() as session:
        run = _locked(session, run_id)
        if run is not None and run.state in ACTIVE:
            _close(run, RunState.failed, "it ended and could not write how: see the worker's log, start it again")


def _locked(session: Session, run_id: str) -> Run | None:
    return session.get(Run, run_id, with_for_update=True)


def _close(run: Run, state: RunState, error: str | None = None) -> None:
    run.state, run.error, run.finished_at = state, error, now()


def _parked(run: Run) -> str:
    phase = run.progress.get("phase", Job.step)
    return (
        f"parked: its worker died {run.attempts} times, the last time during {phase}. The usual cause is too little "
        "memory: see the worker's log, then start the job again with smaller images or on a larger machine"
    )
