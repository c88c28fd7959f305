"""Jobs that outlive their worker: the only importer of the job engine (DBOS Transact).

A row in `runs` is a job's outbox: it is written in the transaction of whoever asks, so nothing that was acknowledged
can be missing from the queue, and the web process needs no engine at all. Workers hand the rows that the engine does
not know yet to it, under the row's own id: twice is once. They also take over what a dead worker left behind, which
the engine's free library leaves to its user. A worker is dead when its heartbeat counter stands still for `dead_after`
seconds of the observer's own monotonic clock; wall clocks decide nothing.
"""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, create_engine, delete, event, select

from app import parts
from app.ledger import Failed, Job, Stopped, abandon, begin, finish, patiently, stopped, through_outages
from app.outbox import BEAT, active, beats_of, cancel, submit, worker_lives
from app.parts import Part
from storage import shards
from storage.database import Database, prepare_sqlite
from storage.models import ACTIVE, Run
from storage.run_rows import WorkerPulse

__all__ = [
    "Failed",
    "Handler",
    "InParts",
    "Job",
    "Part",
    "Stopped",
    "active",
    "cancel",
    "serve",
    "submit",
    "worker_lives",
]

log = logging.getLogger(__name__)

Handler = Callable[[Job], None]
PartHandler = Callable[[Part], None]
QUEUE = "bgad-inspect"
APPLICATION_VERSION = "1"  # raise it when the order of durable steps changes
DEAD_AFTER = 10.0
GRACE = 30.0  # seconds that a job gets to reach its next checkpoint when the worker is asked to stop
WAITING = ("ENQUEUED", "PENDING", "DELAYED")
AHEAD = 32  # shards that the engine knows of at a time: a request of 100 million images has 24,000
BELOW_INTERACTIVE = 10  # the engine takes lower numbers first; runs have 0


class InParts(Exception):
    """Raised by a handler that cut its run into shards: the run ends with the last of them."""


def serve(
    database: Database,
    handlers: Mapping[str, Handler],
    *,
    stop: threading.Event,
    until: Callable[[], bool] = lambda: False,
    dead_after: float = DEAD_AFTER,
    part_handler: PartHandler | None = None,
) -> None:
    """Run jobs, one at a time, until `stop` is set or `until` answers true. May be killed at any moment.

    Once per process: the engine is a singleton. An orderly stop gives the running job back to the queue; its thread
    then waits for the end of the process, because returning would tell the engine that it is done: leave by os._exit.
    """
    worker = _Worker(database, dict(handlers), stop, dead_after, part_handler)
    worker.start()
    try:
        while not stop.wait(BEAT) and not until():
            worker.tick()
    finally:
        worker.leave()


@dataclass
class _Worker:
    database: Database
    handlers: dict[str, Handler]
    stop: threading.Event
    dead_after: float
    part_handler: PartHandler | None = None
    executor_id: str = field(
        default_factory=lambda: f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    )
    busy: threading.Lock = field(default_factory=threading.Lock)
    run: Callable[[str], None] = field(init=False)
    part: Callable[[str, int], None] = field(init=False)
    seen: dict[str, tuple[int, float]] = field(default_factory=dict)  # executor: (beats, when they last moved)

    def start(self) -> None:
        """Register the heartbeat, then the engine: a job of an executor without a heartbeat is an orphan."""
        from dbos import DBOS

        self.beat()
        DBOS(config=_config(self.database, self.executor_id))

        @DBOS.workflow(name="run")
        def run(run_id: str) -> None:
            self.execute(lambda: self.attempt(run_id))

        @DBOS.workflow(name="part")
        def part(run_id: str, number: int) -> None:
            self.execute(lambda: self.attempt_part(run_id, number))

        self.run, self.part = run, part
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.5)

    def tick(self) -> None:
        """One heartbeat and one look around; a database that is away for a while is waited for."""
        try:
            self.beat()
            self.sweep()
        except Exception:
            log.exception("the worker could not look for jobs; it tries again in %s s", BEAT)

    def beat(self) -> None:
        with self.database.write() as session:
            pulse = session.get(WorkerPulse, self.executor_id)
            if pulse is None:  # the first beat, or one after others took this worker for dead
                session.add(WorkerPulse(executor_id=self.executor_id, beats=1))
            else:
                pulse.beats += 1

    def sweep(self) -> None:
        """Hand new rows to the engine, take over dead workers' jobs, close what ended without an outcome.

        The engine is read before the rows: a job that was over by then had written its row before that.
        """
        from dbos import DBOS

        known = {job.workflow_id: job for job in DBOS.list_workflows(status=list(WAITING), load_input=False)}
        with self.database.read() as session:
            active = list(session.scalars(select(Run.id).where(Run.state.in_(ACTIVE)).order_by(Run.created_at)))
        for run_id in active:
            if run_id not in known:
                self.adopt(run_id)
        self.hand_over_parts(known)
        owners = {job.executor_id for job in known.values() if job.status == "PENDING"} - {self.executor_id, None}
        dead = self.dead(owners)
        for run_id, job in known.items():
            if job.status == "PENDING" and job.executor_id in dead:
                log.warning("worker %s is gone; its job %s goes on here", job.executor_id, run_id)
                DBOS.resume_workflow(run_id, queue_name=QUEUE)
        with self.database.write() as session:
            session.execute(delete(WorkerPulse).where(WorkerPulse.executor_id.in_(dead)))

    def adopt(self, run_id: str) -> None:
        """Queue a row under its own id, unless the engine says that this id is over."""
        from dbos import DBOS, SetWorkflowID

        status = DBOS.get_workflow_status(run_id)
        if status is None:
            with SetWorkflowID(run_id):
                DBOS.enqueue_workflow(QUEUE, self.run, run_id)
        elif status.status not in WAITING:
            with self.database.read() as session:
                in_parts = shards.has_shards(session, run_id)  # then they close it
            if not in_parts:
                abandon(self.database, run_id)

    def hand_over_parts(self, known: Mapping[str, Any]) -> None:
        """Queue the next shards below everything that a person waits for, under ids that say which they are."""
        from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

        parts.close_cancelled(self.database)
        if self.part_handler is None:  # another engine has them
            return
        with self.database.read() as session:
            due = shards.due(session, limit=AHEAD)
        for run_id, number in due:
            name = f"{run_id}/{number}"
            if name in known:
                continue
            status = DBOS.get_workflow_status(name)
            if status is None:
                with SetWorkflowID(name), SetEnqueueOptions(priority=BELOW_INTERACTIVE):
                    DBOS.enqueue_workflow(QUEUE, self.part, run_id, number)
            elif status.status not in WAITING:
                parts.abandon(self.database, run_id, number)

    def dead(self, owners: set[str | None]) -> set[str]:
        """Those of `owners`, and of all that ever beat, whose counter is missing or stood still for too long."""
        beats, moment = beats_of(self.database), time.monotonic()
        for name, count in beats.items():
            if name not in self.seen or self.seen[name][0] != count:
                self.seen[name] = (count, moment)
        still = {name for name in beats if moment - self.seen[name][1] > self.dead_after}
        return (still | {name for name in owners if name and name not in beats}) - {self.executor_id}

    def execute(self, attempt: Callable[[], bool]) -> None:
        """What the engine runs: one attempt, whose outcome is on the row before the engine hears of it."""
        given_back = self.stop.is_set()
        if not given_back:
            with self.busy:
                given_back = attempt()
        if given_back:  # to return would tell the engine that the job is done: wait for the end of the process
            threading.Event().wait()

    def attempt(self, run_id: str) -> bool:
        """Run the handler and close the row; True when the job goes back to the queue."""
        job = patiently(lambda: begin(self.database, run_id, stopping=self.stop.is_set))
        if job is None:
            return False
        error = None
        try:
            through_outages(self.database, lambda: self.handlers[job.kind](job))
        except InParts:
            return False
        except Stopped:
            return patiently(lambda: stopped(job))
        except Failed as failure:
            error = str(failure)
        except Exception as failure:
            log.exception("job %s failed", run_id)
            error = f"the job failed unexpectedly ({type(failure).__name__}: {failure}): see the worker's log"
        patiently(lambda: finish(job, error=error))
        return False

    def attempt_part(self, run_id: str, number: int) -> bool:
        """Run one shard; True when it goes back to the queue."""
        handler = self.part_handler
        return handler is not None and parts.attempt(self.database, run_id, number, handler, stopping=self.stop.is_set)

    def leave(self) -> None:
        """Let the running job reach a checkpoint and give it back, then say that this worker is no more."""
        self.stop.set()
        self.busy.acquire(timeout=GRACE)
        with self.database.write() as session:
            session.execute(delete(WorkerPulse).where(WorkerPulse.executor_id == self.executor_id))


def _config(database: Database, executor_id: str) -> Any:
    from dbos import DBOSPortableJSONSerializer

    return {
        "name": QUEUE,
        "system_database_engine": _engine(database),
        "serializer": DBOSPortableJSONSerializer(),  # the default is pickle
        "application_version": APPLICATION_VERSION,
        "executor_id": executor_id,
        "use_listen_notify": False,
        "log_level": "WARNING",
    }


def _engine(database: Database) -> Engine:
    """An engine of its own on the labels' database: the engine's code opens its transactions itself."""
    engine = create_engine(database.engine.url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.isolation_level = "IMMEDIATE"
            prepare_sqlite(connection)

    return engine
