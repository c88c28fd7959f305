"""A retrain's training in several processes of this machine, one per accelerator, under torch's elastic agent.

When one dies, the agent starts all of them again from the last checkpoint. They meet by a file; what they tell, and
that they are to stop, goes through files as well, so that none of them needs a place in the job's ledger.
"""

import json
import logging
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from app.jobs import Job
from app.services.errors import Refused
from bgad_core.errors import Cancelled
from bgad_core.live import LiveLevel
from bgad_core.progress import Progress

log = logging.getLogger(__name__)

RESTARTS = 3
LOOK = 0.5  # seconds between two looks at what they tell
TOLD, STOP, WHY, MODEL = "told.jsonl", "stop", "why", "model.safetensors"


def train_together(job: Job, folder: Path, count: int, show: Callable[[Progress], None]) -> Path:
    """Train a run's plan in `count` processes; the file with the trained model.

    Args:
        folder: the run's own; what was trained before an earlier attempt ended is taken up there.

    Raises:
        Cancelled: the job was; the last checkpoint is complete.
        Refused: a process said why it cannot train, or they died more often than they are started again.
    """
    for old in folder.glob("together-*"):
        shutil.rmtree(old, ignore_errors=True)
    meeting = folder / f"together-{uuid.uuid4().hex[:8]}"  # a file that an earlier group met by would mislead this one
    meeting.mkdir(parents=True)
    failed: list[BaseException] = []
    thread = threading.Thread(target=_launch, args=(job.run_id, meeting, count, failed), daemon=True)
    thread.start()
    told = _told(meeting / TOLD)
    while thread.is_alive():
        thread.join(LOOK)
        if job.cancelled(moving=False):
            (meeting / STOP).touch()
        for step in told():
            show(step)
    if (meeting / WHY).is_file():
        raise Refused((meeting / WHY).read_text(encoding="utf-8"))
    if not (meeting / MODEL).is_file():
        if (meeting / STOP).is_file():
            raise Cancelled("cancelled while several processes trained")
        why = str(failed[0]).splitlines()[-1:] if failed else []
        raise Refused(
            f"the {count} processes of the training ended {RESTARTS + 1} times without a model ({''.join(why)}): "
            "see the worker's log, or set BGAD_RANKS=1 to train in one"
        )
    return meeting / MODEL


def _launch(run_id: str, meeting: Path, count: int, failed: list[BaseException]) -> None:
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=meeting.name,
        max_restarts=RESTARTS,
        monitor_interval=LOOK,
        rdzv_backend="c10d",
        rdzv_endpoint=str(meeting / "agent"),
        rdzv_configs={"store_type": "file"},  # the other kind listens on every interface of the machine
        local_addr="localhost",
    )
    try:
        elastic_launch(config, sys.executable)("-m", "app.worker.rank", run_id, str(meeting))
    except Exception as error:
        log.warning("training in %s processes: %s", count, error)
        failed.append(error)


def _told(path: Path) -> Callable[[], Iterator[Progress]]:
    """Reads what was added to a file of steps since it was last asked."""
    at = 0

    def new() -> Iterator[Progress]:
        nonlocal at
        if not path.is_file():
            return
        with path.open("rb") as file:
            file.seek(at)
            whole, newline, _ = file.read().rpartition(b"\n")
        at += len(whole) + len(newline)
        for line in whole.splitlines():
            step = json.loads(line)
            yield Progress(**{**step, "live": [LiveLevel(**level) for level in step["live"]]})

    return new
