"""What is made once a run of the tests, by whichever of its processes asks first, and shared by all of them."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

VARIABLE = "TESTS_OF_THIS_RUN"  # names the run's folder to all processes of the run


def open_folder() -> Path:
    """The run's folder, made by its first process: the others inherit the variable."""
    os.environ[VARIABLE] = tempfile.mkdtemp(prefix="bgad-tests-")
    return folder()


def folder() -> Path:
    return Path(os.environ[VARIABLE])


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of this name within the run's, filled by `make` when nobody has; what failed is made again."""
    made, ready = folder() / name, folder() / f"{name}.made"
    with FileLock(folder() / f"{name}.lock"):
        if not ready.exists():
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            make(made)
            ready.touch()
    return made
