"""Which tests a process of the run gets at once."""

from xdist.scheduler import LoadScopeScheduling

# What they share takes seconds to make, and each process that runs one of them would make it again; and a driver of Ray
# that is told to look for a cluster by itself finds that of the test beside it.
TOGETHER = {
    "tests/app/test_ray.py",
    "tests/app/test_serving.py",
    "tests/journeys/test_access.py",
    "tests/storage/test_scale.py",
}


class Scheduling(LoadScopeScheduling):
    """Test by test to whichever process has least to do, a file of `TOGETHER` whole.

    pytest-xdist's own groups are marks, which it hands over in a test's name; since pytest 9.2 that does nothing
    (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::")[0]
        return path if path in TOGETHER else nodeid
