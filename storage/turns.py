"""A lock that is had in the order in which it was asked for."""

import threading
from collections import deque


class Turns:
    """One holder at a time, the one who waits longest next: `threading.Lock` lets whoever comes last overtake."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._queue: deque[threading.Event] = deque()  # the first one's turn it is

    def acquire(self, *, timeout: float) -> bool:
        """Wait for the turn, at most `timeout` seconds; False when it did not come, and nothing is held then."""
        mine = threading.Event()
        with self._guard:
            self._queue.append(mine)
            if self._queue[0] is mine:
                return True
        if mine.wait(timeout):
            return True
        with self._guard:
            if mine.is_set():  # it came just now
                return True
            self._queue.remove(mine)
        return False

    def release(self) -> None:
        """Give the turn to the next one; only whoever holds it may."""
        with self._guard:
            self._queue.popleft()
            if self._queue:
                self._queue[0].set()
