"""Two processes train one model: as one process does, within rounding, and both end with the same bits."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bgad_core import ranks
from bgad_core.model import BGAD
from tests.bgad_core.conftest import same_state, state_of
from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_two_processes_end_as_one_does_within_rounding(trained, parts, tmp_path):
    (tmp_path / "parts").write_bytes(pickle.dumps(parts))
    started = []
    for rank in range(2):
        environment = {**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
        environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.bgad_core.rank", str(tmp_path), str(tmp_path / f"{rank}.safetensors")]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True))
    for process in started:
        _, errors = process.communicate(timeout=2 * PATIENCE)
        assert process.returncode == 0, errors
    first, second = (BGAD.load(tmp_path / f"{rank}.safetensors", device="cpu") for rank in range(2))
    assert same_state(first, second)
    one, two = state_of(trained), state_of(first)
    for name, value in one.items():
        assert np.abs(value - two[name]).max() <= 1e-3 * max(1.0, np.abs(value).max()), name
    for alone, together in zip(trained.boundaries, first.boundaries, strict=True):
        assert together.b_n == pytest.approx(alone.b_n, rel=1e-3, abs=1e-3)
    assert len(list((tmp_path / "phase-one").glob("*.safetensors"))) == 1


def test_without_a_group_nothing_changes():
    layer = nn.Linear(3, 1)
    rows = torch.randn(5, 3)
    found = ranks.shared(lambda features, _: layer(features)[:, 0], rows, torch.arange(5))
    assert torch.equal(found, layer(rows)[:, 0])
    found.sum().backward()
    before = layer.weight.grad.clone()
    ranks.summed(layer)
    ranks.wait()
    assert torch.equal(layer.weight.grad, before) and ranks.is_first() and ranks.any_of(True, rows.device)
