"""The worker process: takes jobs from the queue, one at a time, and turns every failure into a sentence.

torch is imported with the first job that needs it, so that a worker is up at once and an ingest never waits for it.
"""

import errno
import importlib
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from app import jobs
from app.jobs import Failed, Handler, InParts, Job, Part, Stopped
from app.ledger import patiently
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from app.services.ingest import ingest_source
from app.services.score import request_scoring
from app.services.trigger import start_due
from app.worker.watchdog import Work, watched
from bgad_core.errors import BGADError, Cancelled, ran_out
from storage import images, runs, versions
from storage.errors import StorageError
from storage.models import ACTIVE, Role

log = logging.getLogger(__name__)
LOOK_EVERY = 30.0
OfJobs = Callable[[Context, Job], None]


def limit_threads(threads: int) -> None:
    """Call before torch is imported: leave a core to the web server, and never spin while waiting for others."""
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def work(context: Context, *, until: str | None = None) -> None:
    """Serve jobs until SIGTERM or SIGINT, or until the run `until` is over; then end the process.

    The process ends by `os._exit`: a job that was given back keeps its thread waiting, see `jobs.serve`.
    """
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    over: Callable[[], bool] = (lambda: is_over(context, until)) if until else (lambda: False)
    look = _Looking(context)

    def done() -> bool:
        look.now_and_then()
        return over()

    part_handler = None if context.settings.ray_address else telling(context, watched(_score_part))
    ours = handlers(context, within=watched)
    jobs.serve(context.database, ours, stop=stop, until=done, part_handler=part_handler)
    logging.shutdown()
    os._exit(0)


@dataclass
class _Looking:
    """Starts retrains by schedule or evidence, about twice a minute; trouble is logged and tried again."""

    context: Context
    last: float = field(default_factory=time.monotonic)

    def now_and_then(self) -> None:
        if time.monotonic() - self.last < LOOK_EVERY:
            return
        self.last = time.monotonic()
        try:
            start_due(self.context)
        except Exception:
            log.exception("could not look whether a retrain is due; tries again in %s s", LOOK_EVERY)


def handlers(context: Context, *, within: Callable[[OfJobs], OfJobs] = lambda handler: handler) -> dict[str, Handler]:
    """One handler per kind of run, each guarded by `telling`, and by `within` where a worker's process is its own."""
    return {kind: telling(context, within(handler)) for kind, handler in _HANDLERS.items()}


def telling(context: Context, handler: Callable[[Context, Work], None]) -> Callable[[Work], None]:
    """Translate what the handler raises into what its run, or its shard, will say."""

    def handle(job: Work) -> None:
        try:
            handler(context, job)
        except (Stopped, Failed, InParts):
            raise
        except Cancelled:
            raise Stopped from None
        except (BGADError, StorageError, Refused) as error:
            log.info("job %s: %s", job.run_id, error)
            raise Failed(str(error)) from error
        except (MemoryError, RuntimeError) as error:
            if not ran_out(error):
                raise
            raise Failed(
                "memory ran out, on the device or on the machine: use a smaller image size, a smaller backbone or a "
                "larger machine"
            ) from error
        except (OSError, DBAPIError) as error:
            if _disk_full(error):
                raise Failed(f"no space is left under {context.settings.home}: free some and start it again") from error
            raise

    return handle


def _ingest(context: Context, job: Job) -> None:
    """Bring in a staged upload, remove it, and have the new images scored when a version decides."""
    actor = Actor(job.by, Role.engineer)  # the request was authorised when it was queued
    source = context.settings.home / "uploads" / job.arguments["source"]
    with context.database.read() as session:
        slug = images.project(session, job.project_id).slug
    if source.is_dir():  # else: an earlier attempt had finished and removed it
        try:
            report = ingest_source(
                context,
                actor,
                slug,
                source,
                content=job.arguments["content"],
                progress=lambda done, total: job.progress("ingest", done, total),
                should_stop=job.cancelled,
                ingest_id=job.arguments["ingest_id"],
            )
            if report.refused and not report.added and not report.duplicates:
                first = report.refused[0]
                raise Refused(f"none of {len(report.refused)} images was taken: {first.name} {first.reason}")
        except Refused:  # another attempt would read the same files
            shutil.rmtree(source, ignore_errors=True)
            raise
    with context.database.read() as session:
        decides = versions.deciding_version(session, job.project_id) is not None
    if decides:
        request_scoring(context, actor, slug)
    shutil.rmtree(source, ignore_errors=True)


def _later(module: str, name: str) -> OfJobs:
    """A handler whose module is imported with its first job: it imports torch."""

    def handle(context: Context, job: Job) -> None:
        job.progress("starting", 0, 1)
        handler: OfJobs = getattr(importlib.import_module(f"app.worker.{module}"), name)
        handler(context, job)

    return handle


def _score_part(context: Context, part: Part) -> None:
    from app.worker.shards import score_part  # only now: it imports torch

    score_part(context, part)


_HANDLERS: dict[str, OfJobs] = {
    "ingest": _ingest,
    "score": _later("shards", "score"),
    "retrain": _later("retrain", "retrain"),
    "compare": _later("compare", "compare"),
    "verify": _later("verify", "verify"),
    "bias": _later("bias", "bias"),
    "preview": _later("preview", "paste"),
    "contamination": _later("contamination", "contamination"),
}


def is_over(context: Context, run_id: str) -> bool:
    """Whether a run has ended, or never was."""

    def look() -> bool:
        with context.database.read() as session:
            run = runs.run(session, run_id)
            return run is None or run.state not in ACTIVE

    return patiently(look)


def _disk_full(error: OSError | DBAPIError) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "disk is full" in str(error) or "No space left" in str(error)
