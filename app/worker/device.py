"""One trainer per device: a lock that dies with its process."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.jobs import Job


@contextmanager
def owned_device(home: Path, job: Job) -> Iterator[None]:
    """Hold the device of this machine's `home`; wait for another worker that has it, and stop when told to."""
    with (home / "device.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                job.stop_if_cancelled()
                job.progress("waiting", 0, 1, note="another worker uses the device")
                time.sleep(0.5)
        yield
