"""Watch a run from the command line, with a worker of its own when none is up."""

import time

from app import jobs
from app.outbox import beats_of
from app.processes import WORKER, Child, Say, child
from app.services.authority import OPERATOR
from app.services.context import Context
from app.services.errors import Refused
from app.services.retrain import cancel, run_view
from storage.models import ACTIVE, Run, RunState

LOOK = 0.5
PATIENCE = 10.0  # seconds that a worker may be silent, or a run wait, before it is said


def expected(run: Run, preset: str) -> str:
    """A line on the retrain that is followed, which may be one that was active already.

    Raises:
        Refused: it has another preset; only one goes at a time, so that nothing was queued.
    """
    found = run.arguments.get("preset", "product")
    if found != preset:
        raise Refused(
            f"a retrain with preset {found}, asked for by {run.by}, is {run.state.name} in this project and only one "
            f"goes at a time, so none with preset {preset} was queued: wait until it is over or cancel it on the "
            f"Retrain page, then ask again; --preset {found} follows it"
        )
    return f"retrain with preset {found}, asked for by {run.by}, is followed: Ctrl-C cancels it"


def follow(context: Context, run_id: str, say: Say, *, worker: Child | None = None) -> Run:
    """Show a run's progress until it is over.

    Everything goes through the queue, so that a run from here is the same as one from the browser. When no worker is
    up, one is started for as long as this run lasts; another's that dies later, or is at another run, is told of.
    Ctrl-C cancels the run.

    Raises:
        Refused: the run failed or was cancelled, with its own sentence.
    """
    mine = worker is None and not jobs.worker_lives(context.database)
    if mine:
        say("no worker is up: one is started for this run")
        worker = child("worker", (*WORKER, "--until", run_id), context.settings)
        worker.start()
    try:
        run = _watch(context, run_id, say, worker)
    except KeyboardInterrupt:
        say("cancelling")
        cancel(context, OPERATOR, run_id)
        run = _watch(context, run_id, say, worker)
    finally:
        if mine and worker is not None:
            worker.stop()
    if run.state is not RunState.done:
        raise Refused(run.error or f"the run was {run.state.name}")
    return run


def _watch(context: Context, run_id: str, say: Say, worker: Child | None) -> Run:
    shown, others = "", _Others(context) if worker is None else None
    while True:
        run = run_view(context, OPERATOR, run_id)
        if (line := describe(run)) != shown:
            say(line)
            shown = line
        if run.state not in ACTIVE:
            return run
        if others is not None:
            others.tell(run, say)
        if worker is not None and worker.process.poll() is not None:
            worker.deaths += 1
            if worker.deaths > 3:
                raise Refused(f"the worker {worker.how_it_ended()}: see its messages above")
            say(f"the worker {worker.how_it_ended()}; it starts again")
            worker.start()
        time.sleep(LOOK)


class _Others:
    """The workers that somebody else started, by their heartbeats: says once when none is left, or all are busy."""

    def __init__(self, context: Context) -> None:
        self._context, self._beats = context, beats_of(context.database)
        self._began = self._heard = time.monotonic()
        self._silent = self._waits = False

    def tell(self, run: Run, say: Say) -> None:
        moment, beats = time.monotonic(), beats_of(self._context.database)
        if any(count != self._beats.get(name) for name, count in beats.items()):
            self._beats, self._heard = beats, moment
            if self._silent:
                say("a worker is up again")
            self._silent = False
        elif moment - self._heard > PATIENCE and not self._silent:
            self._silent = True
            say(
                "no worker is up any more, and the run waits for one: start `bgad-inspect worker`, or see why the "
                "other one ended; Ctrl-C cancels the run"
            )
        if run.state is RunState.queued and moment - self._began > PATIENCE and not (self._silent or self._waits):
            self._waits = True
            say("no worker has taken the run yet: those that are up are at other runs, and it begins when one is free")


def describe(run: Run) -> str:
    """One line about a run: state, phase, how far, loss, time left."""
    step = run.progress or {}
    if run.state is not RunState.running or not step:
        return f"{run.kind}: {run.state.name}"
    parts = [f"{run.kind}: {step.get('phase')} {step.get('done')}/{step.get('total')}"]
    if step.get("loss") is not None:
        parts.append(f"loss {step['loss']:.4f}")
    if step.get("seconds_left") is not None:
        parts.append(f"{step['seconds_left']:.0f} s left")
    if step.get("note"):
        parts.append(str(step["note"]))
    return " · ".join(parts)
