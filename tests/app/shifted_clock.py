"""A module run by a machine whose wall clock is wrong: `python -m tests.app.shifted_clock SECONDS MODULE ARGUMENT…`.

Both of Python's wall clocks are moved before anything else is imported; the monotonic clock is left as it is.
"""

import datetime
import runpy
import sys
import time

SHIFT = float(sys.argv[1])
real = time.time


class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(real() + SHIFT, tz)


if __name__ == "__main__":
    datetime.datetime = Shifted  # type: ignore[misc]
    time.time = lambda: real() + SHIFT
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
