"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 120.0  # seconds: a machine whose cores are all busy is no failure
RUN = 1200.0  # seconds of a whole run on such a machine
T = TypeVar("T")


def wait_for(
    question: Callable[[], T], *, what: str | Callable[[], str], seconds: float = PATIENCE, every: float = 0.1
) -> T:
    """Ask until the answer is true, and return it; the failure says what was waited for.

    Args:
        what: the words, or a function that says them when the time is over: how things stand then.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what() if callable(what) else what}")
        time.sleep(every)
