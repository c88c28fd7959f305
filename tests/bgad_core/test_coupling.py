"""The kernels for CUDA, without a GPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = Path(__file__).parent / "interpreted_coupling.py"


@pytest.mark.slow
def test_what_a_gpu_does_to_the_elements_is_what_the_processor_does():
    # Triton decides when it is first imported whether it interprets or compiles.
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", KERNELS]
    done = subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    assert done.returncode == 0 and "16 passed" in done.stdout, done.stdout
