"""One shard of a scoring request as its worker sees it, and what it writes. Knows no job engine.

The same rules as for a run: each start raises the shard's `attempts`, and the new number is its token. A worker that
was replaced finds another number there, and its rows are not written. The request's run closes with its last shard.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.ledger import CANCEL_CHECK, MAX_ATTEMPTS, Failed, Stopped, add_line, patiently, through_outages
from storage import shards
from storage.database import Database
from storage.models import ACTIVE, Run, RunState, now
from storage.shards import OPEN, Shard, ShardState

log = logging.getLogger(__name__)

SHOW_EVERY = 2.0


@dataclass
class Part:
    """One attempt at one shard."""

    database: Database
    run_id: str
    number: int
    attempt: int
    stopping: Callable[[], bool] = lambda: False
    moved: float = field(default_factory=time.monotonic, init=False)  # when it last reported, or asked to go on
    _cancelled: bool = field(default=False, init=False)
    _looked: float = field(default=float("-inf"), init=False)
    _wrote: float = field(default=float("-inf"), init=False)

    @property
    def name(self) -> str:
        return f"{self.run_id}-{self.number}"

    @property
    def step(self) -> str:
        return f"shard {self.number}"

    def cancelled(self) -> bool:
        """Whether to stop: somebody cancelled, the worker is going down, or another worker took the shard over."""
        self.moved = time.monotonic()
        if self._cancelled or self.stopping():
            return True
        if time.monotonic() - self._looked >= CANCEL_CHECK:
            self._looked = time.monotonic()
            self._cancelled = self.ordered_to_stop()
        return self._cancelled

    def ordered_to_stop(self) -> bool:
        """Whether the rows say so, which is asked at each call."""
        with self.database.read() as session:
            run, shard = session.get(Run, self.run_id), session.get(Shard, (self.run_id, self.number))
            mine = shard is not None and (shard.attempts, shard.state) == (self.attempt, ShardState.running)
            return run is None or run.state is not RunState.running or not mine

    def tell(self, text: str) -> None:
        """Add a line to the request's log."""
        add_line(self.database, self.run_id, self.attempt, f"{self.step}: {text}")

    def progress(self, scored: int) -> None:
        """Show how far the whole request is, about every two seconds."""
        self.moved = time.monotonic()
        if self.moved - self._wrote < SHOW_EVERY:
            return
        self._wrote = self.moved
        with self.mine() as (_, shard):
            if shard is not None:
                shard.scored = scored

    @contextmanager
    def mine(self) -> Iterator[tuple[Session, Shard | None]]:
        """The shard's row for one write, under its run's lock; None when this attempt no longer owns it."""
        with _held(self.database, self.run_id, self.number) as (session, run, shard):
            owned = run is not None and shard is not None and run.state in ACTIVE and shard.attempts == self.attempt
            yield session, shard if owned and shard is not None and shard.state is ShardState.running else None


def attempt(
    database: Database,
    run_id: str,
    number: int,
    handler: Callable[[Part], None],
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Run one shard; True when it goes back to the queue. A shard that fails leaves the others alone."""
    part = patiently(lambda: begin(database, run_id, number, stopping=stopping))
    if part is None:
        return False
    try:
        through_outages(database, lambda: handler(part))
        return False
    except Stopped:
        return patiently(lambda: stopped(part))
    except Failed as failure:
        error = str(failure)
    except Exception as failure:
        log.exception("shard %s of job %s failed", number, run_id)
        error = f"shard {number} failed unexpectedly ({type(failure).__name__}: {failure})"
    patiently(lambda: park(part, error))
    return False


def begin(database: Database, run_id: str, number: int, *, stopping: Callable[[], bool] = lambda: False) -> Part | None:
    """Start the next attempt; None when there is nothing to do (done, cancelled, or parked just now)."""
    with _held(database, run_id, number) as (_, run, shard):
        if run is None or shard is None or shard.state not in OPEN:
            return None
        if run.state is not RunState.running:
            shard.state = ShardState.cancelled
            return None
        if shard.attempts >= MAX_ATTEMPTS:
            shard.state = ShardState.parked
            shard.error = f"shard {number} was parked: its worker died {shard.attempts} times. See the worker's log"
            return None
        shard.attempts += 1
        shard.state = ShardState.running
        return Part(database, run_id, number, shard.attempts, stopping)


def finish(part: Part, save: Callable[[Session], None]) -> None:
    """Write the shard's rows and close it, in one transaction."""
    with part.mine() as (session, shard):
        if shard is not None:
            save(session)
            shard.scored, shard.state = shard.images, ShardState.done


def park(part: Part, error: str) -> None:
    """Leave a shard that cannot be scored with its sentence; the others go on."""
    with part.mine() as (_, shard):
        if shard is not None:
            shard.state, shard.error = ShardState.parked, error


def stopped(part: Part) -> bool:
    """Close a stopped shard as cancelled; True when it was only interrupted and goes back to the queue, uncounted."""
    with _held(part.database, part.run_id, part.number) as (_, run, shard):
        if run is None or shard is None or shard.attempts != part.attempt or shard.state is not ShardState.running:
            return False
        if run.state is not RunState.running:
            shard.state = ShardState.cancelled
            return False
        shard.attempts, shard.state = shard.attempts - 1, ShardState.waiting
        return True


def give_back(database: Database, run_id: str, number: int) -> None:
    """A shard whose worker was stopped in order, from outside, goes back to the queue and is not counted."""
    with _held(database, run_id, number) as (_, _, shard):
        if shard is not None and shard.state is ShardState.running:
            shard.attempts, shard.state = shard.attempts - 1, ShardState.waiting


def close_cancelled(database: Database) -> None:
    """Requests that somebody cancelled end here, once nobody works on a shard of theirs."""
    with database.read() as session:
        run_ids = list(shards.cancelling(session))
    for run_id in run_ids:
        with _held(database, run_id, None) as (session, _, _):
            shards.cancel_waiting(session, run_id)


def abandon(database: Database, run_id: str, number: int) -> None:
    """Park a shard whose engine job ended without writing an outcome (the database was away at that moment)."""
    with _held(database, run_id, number) as (_, _, shard):
        if shard is not None and shard.state in OPEN:
            shard.state, shard.error = ShardState.parked, f"shard {number} ended and could not write how: see the log"


@contextmanager
def _held(database: Database, run_id: str, number: int | None) -> Iterator[tuple[Session, Run | None, Shard | None]]:
    """A run and one shard of it, locked in this order; the run's progress and end follow from its shards."""
    with database.write() as session:
        run = session.get(Run, run_id, with_for_update=True)
        yield session, run, None if number is None else shards.shard(session, run_id, number)
        session.flush()
        if run is not None and run.state in ACTIVE:
            _follow(session, run)


def _follow(session: Session, run: Run) -> None:
    states, scored, images = shards.tally(session, run.id)
    parked, all_of_them = states.get(ShardState.parked, 0), sum(states.values())
    over = sum(states.get(state, 0) for state in (ShardState.done, ShardState.parked))
    note = f"{over} of {all_of_them} shards"
    run.progress = {"phase": "scoring", "done": scored, "total": images, "note": note}
    if any(state in states for state in OPEN):
        return
    run.finished_at = now()
    if run.state is not RunState.running:
        run.state = RunState.cancelled
    elif parked:
        run.state = RunState.failed
        run.error = (
            f"{parked} of {all_of_them} shards could not be scored; the scores of the others are kept. The first: "
            f"{shards.first_error(session, run.id)}. Ask for scoring again, and only what is missing is tried"
        )
    else:
        run.state = RunState.done
