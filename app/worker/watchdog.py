"""The net below a job that hangs: code that never comes back cannot be told to stop, only ended with its process.

An attempt shows that it gets on by its reports and by asking whether to go on. A thread of its own looks on: when
neither came for `BGAD_STALLED` seconds, it writes down where all threads stand, parks the attempt and ends the worker;
when a cancelled attempt does not stop by itself, it ends the worker as well. The heartbeat is no help here: its thread
beats beside one that hangs. Where the code that hangs holds Python's lock, no thread gets to look: then a timer of the
interpreter's own, outside of that lock, writes to the same file and ends the process, and the next attempt, which finds
something in the file, parks instead of trying.
"""

import faulthandler
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, TypeVar

from app import ledger, parts
from app.jobs import Failed, Job, Part
from app.processes import ENDED_ITSELF
from app.services.context import Context

log = logging.getLogger(__name__)

LOOK = 0.5
GRACE = 3.0  # seconds that a cancelled job has to stop by itself: with two looks and the write, it is over within 5
LATE = 5.0  # seconds after which the timer does what the thread should have done
LAST = 10.0  # seconds to write how it ended; a database that does not answer keeps nobody

Work = TypeVar("Work", Job, Part)


def watched(handler: Callable[[Context, Work], None]) -> Callable[[Context, Work], None]:
    """The handler under watch. For processes that may be ended: it takes everything in them along."""

    def handle(context: Context, work: Work) -> None:
        with watching(context.settings.home / "stacks", work, stalled=context.settings.stalled):
            handler(context, work)

    return handle


@contextmanager
def watching(folder: Path, work: Job | Part, *, stalled: int) -> Iterator[None]:
    """Watch one attempt while the block runs, and end the process when it hangs.

    Args:
        folder: where the stacks are written before they are in the run's log.
        stalled: seconds without a sign of progress after which it is parked; 0: cancelling alone ends it.

    Raises:
        Failed: the attempt before was ended by the timer, and left its stacks here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for earlier in folder.glob(f"{work.name}.*.txt"):
        with suppress(FileNotFoundError):  # a worker that was taken for dead and woke up was faster
            stacks = earlier.read_text(encoding="utf-8")
            earlier.unlink()
            if stacks:
                _tell(work, stacks)
                raise Failed(_parked(work, stalled))
    path = folder / f"{work.name}.{work.attempt}.txt"
    with path.open("w+", encoding="utf-8") as file:
        work.moved = time.monotonic()
        watch = _Watch(work, stalled, file)
        watch.arm()  # before the job has a chance to take Python's lock for good
        threading.Thread(target=watch.look_on, name="watchdog", daemon=True).start()
        try:
            yield
        finally:
            watch.leave()
            path.unlink(missing_ok=True)


@dataclass
class _Watch:
    work: Job | Part
    stalled: int
    file: TextIO
    over: threading.Event = field(default_factory=threading.Event)
    ending: threading.Lock = field(default_factory=threading.Lock)  # a job that comes back now waits for the end
    ordered: float | None = None  # when it was first seen that the job is to stop

    def look_on(self) -> None:
        while not self.over.wait(LOOK):
            self.arm()
            if self.stalled and self.idle() > self.stalled:
                self.end(self.park)
            elif self.disobeys():
                self.end(self.cancel)

    def idle(self) -> float:
        return time.monotonic() - self.work.moved

    def arm(self) -> None:
        """Set the timer to a little after the moment at which the thread would end the job as it stands now."""
        with self.ending:
            if self.stalled and not self.over.is_set():
                self.timer(max(0.0, self.stalled - self.idle()) + LATE)

    def leave(self) -> None:
        with self.ending:
            self.over.set()
            faulthandler.cancel_dump_traceback_later()

    def timer(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=self.file)

    def disobeys(self) -> bool:
        """Whether it was to stop `GRACE` seconds ago: cancelled, removed, or taken over by another worker."""
        try:
            if self.ordered is None and self.work.ordered_to_stop():
                self.ordered = time.monotonic()
        except Exception:  # of whatever kind: who looks on must not end before the job
            log.exception("the watchdog cannot ask the database about job %s; it asks again", self.work.name)
        return self.ordered is not None and time.monotonic() - self.ordered > GRACE

    def end(self, close: Callable[[], None]) -> None:
        """Close the attempt, then end the process, whatever comes in between."""
        with self.ending:
            if self.over.is_set():
                return
            self.timer(LAST)
            try:
                close()
            except Exception:
                log.exception("how job %s ended could not be written: its next attempt will", self.work.name)
            finally:
                os._exit(ENDED_ITSELF)

    def park(self) -> None:
        faulthandler.dump_traceback(self.file)
        self.file.seek(0)
        _tell(self.work, self.file.read())
        error = _parked(self.work, self.stalled)
        if isinstance(self.work, Job):
            ledger.finish(self.work, error=error)
        else:
            parts.park(self.work, error)
        Path(self.file.name).unlink(missing_ok=True)

    def cancel(self) -> None:
        log.warning("job %s was told to stop and did not within %s s: its worker ends", self.work.name, GRACE)
        if isinstance(self.work, Job):
            ledger.stopped(self.work)
        else:
            parts.stopped(self.work)
        self.work.tell(f"did not stop by itself within {GRACE:.0f} s: its worker was ended")
        Path(self.file.name).unlink(missing_ok=True)


def _tell(work: Job | Part, stacks: str) -> None:
    log.error("job %s made no progress in %s; its threads stood here:\n%s", work.name, work.step, stacks)
    work.tell(f"no progress; the worker's threads stood here:\n{stacks}")


def _parked(work: Job | Part, stalled: int) -> str:
    return (
        f"parked: it made no progress for {stalled} s in {work.step}, and its worker was ended. Where the worker's "
        "threads stood is in the run's log. Start it again, with a larger BGAD_STALLED where a step of it takes longer"
    )
