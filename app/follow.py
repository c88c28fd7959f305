"""Watch a run from the command line, with a worker of its own when none is up."""

import time

from app import jobs
from app.processes import WORKER, Child, Say, child
from app.services.authority import OPERATOR
from app.services.context import Context
from app.services.errors import Refused
from app.services.retrain import cancel, run_view
from storage.models import ACTIVE, Run, RunState

LOOK = 0.5


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
    up, one is started for as long as this run lasts. Ctrl-C cancels the run.

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
    shown = ""
    while True:
        run = run_view(context, OPERATOR, run_id)
        if (line := describe(run)) != shown:
            say(line)
            shown = line
        if run.state not in ACTIVE:
            return run
        if worker is not None and worker.process.poll() is not None:
            worker.deaths += 1
            if worker.deaths > 3:
                raise Refused(f"the worker {worker.how_it_ended()}: see its messages above")
            worker.start()
        time.sleep(LOOK)


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
