"""Shards of large scoring requests on Ray Data, for those who run Ray: the same code and the same rows, another engine.

Ray carries the numbers of shards to its machines, nothing else: each is claimed, scored and written there as a worker
does it, so attempts, cancelling and progress are the rows' own. A shard whose machine died is due again in the next
round. Ray's machines need what a worker needs: this package and the same BGAD_* variables.
"""

import logging
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from types import ModuleType

from app import parts
from app.ledger import patiently
from app.parts import Part
from app.services.context import Context, open_context
from app.services.errors import Refused
from app.settings import Settings
from app.worker.loop import is_over, limit_threads, telling
from app.worker.watchdog import watched
from storage import shards

log = logging.getLogger(__name__)
BEAT = 1.0
ROUND = 1024  # shards that Ray knows of at a time
MOST_FAILURES = 3  # rounds in a row that fail and leave the same shards
Named = tuple[str, int]  # a shard: its run and its number


class RoundFailed(Exception):
    """Ray could not end a round, with its reason; what was scored is kept."""


def drive(context: Context, *, until: str | None = None) -> None:
    """Hand out what is due, round by round, until SIGTERM or SIGINT, or until the run `until` is over.

    May be killed at any moment: the next one begins with what is not done. Ray may give up a round when a machine of
    it dies, so that a failed one is begun again. The process ends here, because a thread may wait for Ray still.

    Raises:
        Refused: Ray is not installed, not named, without a token, not to be reached, or fails `MOST_FAILURES` times in
            a row without one shard scored.
    """
    ray, stop = connected(context.settings), threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):  # only now: Ray has put its own handlers in place
        signal.signal(name, lambda *_: stop.set())
    failures: list[Sequence[Named]] = []  # what was due in each of the rounds that failed last
    try:
        while not stop.wait(BEAT) and not (until and is_over(context, until)):
            due = patiently(lambda: due_now(context))
            failures = [earlier for earlier in failures if earlier == due]
            try:
                if due:
                    hand_out(ray, context, due, stop)
            except RoundFailed as failure:
                failures.append(due)
                if len(failures) == MOST_FAILURES:
                    why = f"the Ray cluster cannot go on ({failure})"
                    raise Refused(f"{why}: start this again when it can; what was scored is kept") from failure
                log.warning("Ray gave up a round (%s); beginning it again", failure)
    finally:
        ray.shutdown()
    logging.shutdown()
    os._exit(0)


def connected(settings: Settings) -> ModuleType:
    """Ray, connected to the cluster that the settings name."""
    if not settings.ray_address:
        raise Refused("BGAD_RAY_ADDRESS is not set: name a cluster, as its head's host:port, or auto on its machines")
    if os.environ.get("RAY_AUTH_MODE") != "token":
        raise Refused(
            "Ray runs whatever reaches its ports: start its machines and this process with RAY_AUTH_MODE=token and "
            "the same RAY_AUTH_TOKEN_PATH"
        )
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # else it reports to its makers
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # else the round's thread would come back to it after the shutdown
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise Refused(f"Ray is not installed ({error}): make install-ray") from error
    try:
        ray.init(address=settings.ray_address, log_to_driver=False)
    except Exception as error:  # of many kinds, from its core
        address, why = settings.ray_address, _reason(error)
        raise Refused(f"the Ray cluster at {address} cannot be used ({why}): see that it runs") from error
    options = ray.data.DataContext.get_current()
    options.max_errored_blocks = -1  # a shard whose machine died is due again; the others go on
    options.enable_progress_bars = False
    return ray


def hand_out(ray: ModuleType, context: Context, due: Sequence[Named], stop: threading.Event) -> None:
    """One round: every shard of `due` to whichever machine is free; returns early when told to stop.

    Raises:
        RoundFailed: the cluster went away, or none of its machines can start to score.
    """
    pool = ThreadPoolExecutor(1)  # Ray waits where no signal reaches it
    answered = pool.submit(_round, ray, context, due)
    while not answered.done() and not stop.wait(BEAT / 4):
        pass
    if not stop.is_set():
        try:
            log.info("%s of %s shards came back", answered.result(), len(due))
        except Exception as error:
            raise RoundFailed(_reason(error)) from error
        return
    ray.shutdown()  # and with it its processes, in the middle of a shard each
    for run_id, number in due:
        patiently(partial(parts.give_back, context.database, run_id, number))


def _round(ray: ModuleType, context: Context, due: Sequence[Named]) -> int:
    settings, items = context.settings, [{"run": run_id, "number": number} for run_id, number in due]
    there, gpus = ray.cluster_resources(), 1 if settings.device == "cuda" else 0
    room = int(min(there.get("CPU", 0) // settings.threads, there.get("GPU", 0) if gpus else len(due), len(due)))
    log.info("%s shards to Ray, %s at a time", len(due), max(1, room))
    asked = ray.data.from_items(items, override_num_blocks=len(items)).map(
        Scorer,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, room)),
        num_cpus=settings.threads,
        num_gpus=gpus,
        max_restarts=-1,
        max_task_retries=0,
    )
    return sum(1 for _ in asked.iter_rows())


def _reason(error: Exception) -> str:
    """One line of what Ray says: the first, or behind a stack of another machine, which it sends along, the last."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1 if any(line.lstrip().startswith("File ") for line in lines) else 0].strip()


def due_now(context: Context) -> Sequence[Named]:
    with context.database.read() as session:
        return shards.due(session, limit=ROUND)


class Scorer:
    """What runs on Ray's machines: one per free device there, for as long as the round lasts."""

    def __init__(self) -> None:
        settings = Settings.from_environment()
        limit_threads(settings.threads)
        self.context = open_context(settings)

    def __call__(self, row: dict[str, object]) -> dict[str, object]:
        run_id, number = str(row["run"]), int(str(row["number"]))
        parts.attempt(self.context.database, run_id, number, telling(self.context, watched(_score)))
        return row


def _score(context: Context, part: Part) -> None:
    from app.worker.shards import score_part  # only now: it imports torch

    score_part(context, part, device=nullcontext())  # whose turn it is on a device, Ray says
