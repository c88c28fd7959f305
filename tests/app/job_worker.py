"""A real worker process with small handlers: `python -m tests.app.job_worker URL FOLDER [DEAD_AFTER [STALLED]]`.

Under the watchdog where STALLED is given, with a part handler that hangs.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

from app import jobs
from app.worker.watchdog import watching
from storage import shards
from storage.database import Database


def handlers(folder: Path):
    """Handlers that note in `folder` what they do: one line per start and per end, and a checkpoint per step."""

    def note(name: str, line: str) -> None:
        with (folder / name).open("a") as file:
            file.write(line + "\n")

    def checkpoint(path: Path, step: int) -> None:
        """The old number or the new one, wherever a kill falls: a file cut short between the two would be neither."""
        new = path.with_suffix(".new")
        new.write_text(str(step))
        new.replace(path)

    def steps(job: jobs.Job) -> None:
        """Go on from the last checkpoint, one step in 0.1 s."""
        note("starts", job.run_id)
        with job.database.read() as session:
            if shards.has_shards(session, job.run_id):
                raise jobs.InParts
        path = folder / f"{job.run_id}.step"
        done = int(path.read_text()) if path.exists() else 0
        total = job.arguments.get("steps", 3)
        for step in range(done, total):
            job.stop_if_cancelled()
            time.sleep(0.1)
            note("steps", f"{job.run_id} {step}")
            checkpoint(path, step + 1)
            job.progress("counting", step + 1, total, loss=0.5)
        note("ends", job.run_id)

    def trouble(job: jobs.Job) -> None:
        note("starts", job.run_id)
        kind = job.arguments["trouble"]
        if kind == "sentence":
            raise jobs.Failed("no normal parts: label some")
        if kind == "bug":
            raise TypeError("a str is no int")
        if kind == "hang":
            job.progress("warping", 0, 1)
            hang()
        if kind == "hold":
            job.progress("holding", 0, 1)
            ctypes.PyDLL(None).pause()  # C code that hangs without letting go of Python's lock
        job.progress("dying", 0, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    return {"score": steps, "retrain": steps, "ingest": trouble}


def hang(_part=None) -> None:
    """The hang that the watchdog was made for: OpenCV 5 never comes back from this."""
    import cv2
    import numpy as np

    nowhere = np.full((2, 3), np.nan)
    cv2.warpAffine(np.zeros((64, 64), np.uint8), nowhere, (64, 64), borderMode=cv2.BORDER_REFLECT)


def watched(handler, folder: Path, stalled: str | None):
    def handle(work) -> None:
        with watching(folder / "stacks", work, stalled=int(stalled)) if stalled else nullcontext():
            handler(work)

    return handle


if __name__ == "__main__":
    url, folder, dead_after, stalled = (*sys.argv[1:], *("2", None)[len(sys.argv) - 3 :])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    mine = {kind: watched(handler, Path(folder), stalled) for kind, handler in handlers(Path(folder)).items()}
    parts = watched(hang, Path(folder), stalled)
    jobs.serve(Database(url), mine, stop=stop, dead_after=float(dead_after), part_handler=parts if stalled else None)
    os._exit(0)
