"""One trainer per device: a lock that dies with its process."""

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.jobs import Job, Stopped

VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def owned_device(home: Path, job: Job) -> Iterator[None]:
    """Hold this machine's device for a job; wait for another worker that has it, and stop when told to."""

    def tell() -> None:
        job.progress("waiting", 0, 1, note="another worker uses the device")

    with held_device(home, job.cancelled, waiting=tell):
        yield


@contextmanager
def held_device(
    home: Path, should_stop: Callable[[], bool], *, waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """The same for whoever is told to stop by `should_stop`.

    Raises:
        Stopped: `should_stop` answered true while another worker had the device.
    """
    with lock_of(home).open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if should_stop():
                    raise Stopped from None
                waiting()
                time.sleep(0.5)
        yield


def lock_of(home: Path) -> Path:
    """Machines that share `home` have a lock each, and so has each device that CUDA_VISIBLE_DEVICES shows a worker."""
    device = f"{socket.gethostname()}-{os.environ.get(VISIBLE, '')}"
    return home / f"device-{''.join(c if c.isalnum() else '-' for c in device)}.lock"
