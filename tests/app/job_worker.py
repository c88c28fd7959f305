"""A real worker process with small handlers: `python -m tests.app.job_worker URL FOLDER [DEAD_AFTER]`."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from app import jobs
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
        job.progress("dying", 0, 1)
        os.kill(os.getpid(), signal.SIGKILL)

    return {"score": steps, "retrain": steps, "ingest": trouble}


if __name__ == "__main__":
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    jobs.serve(Database(sys.argv[1]), handlers(Path(sys.argv[2])), stop=stop, dead_after=float((*sys.argv, "2")[3]))
    os._exit(0)
