"""Short of memory: smaller parts, the same step, and a sentence when nothing fits. Nothing here pretends to be full."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from bgad_core.boundary import Boundary
from bgad_core.errors import DeviceError, ran_out
from bgad_core.losses import bg_spp_loss, ml_loss
from bgad_core.memory import Parts, gradient_in_parts

ROOT = Path(__file__).resolve().parents[2]
TOO_MUCH = 2**62  # bytes that no machine has: the allocator's own refusal


def test_what_did_not_fit_once_is_not_tried_again():
    parts, calls = Parts(), []

    def hungry(count: int) -> str:
        calls.append(count)
        if count < 4:
            torch.empty(TOO_MUCH, dtype=torch.uint8)
        return "done"

    assert parts.within(hungry, most=8, what="a step") == parts.within(hungry, most=8, what="a step") == "done"
    assert calls == [1, 2, 4, 4]


def test_when_the_smallest_part_does_not_fit_the_error_says_what_to_do():
    with pytest.raises(DeviceError, match=r"a step of 9 vectors does not fit.*in 3 parts.*smaller image size"):
        Parts().within(lambda count: torch.empty(TOO_MUCH, dtype=torch.uint8), most=3, what="a step of 9 vectors")


def test_an_error_that_is_not_about_memory_is_not_tried_again():
    calls = []

    def wrong(count: int) -> None:
        calls.append(count)
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Parts().within(wrong, most=8, what="a step")
    assert calls == [1] and not ran_out(ValueError("out of memory"))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_step_in_parts_has_the_loss_and_the_gradients_of_the_whole_batch(count):
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 1)).double()
    rows, mask = torch.randn(50, 6, dtype=torch.float64), (torch.arange(50) % 5 == 0).double()
    log_p = lambda piece: layer(rows[piece])[:, 0] * 3  # noqa: E731
    loss = lambda nats: ml_loss(nats[mask < 0.5], 6) + bg_spp_loss(nats / 10, mask, Boundary(-0.01, -0.02))  # noqa: E731
    found = []
    for parts in (1, count):
        layer.zero_grad()
        value = gradient_in_parts(log_p, loss, 50, parts)
        found.append((value, [parameter.grad.clone() for parameter in layer.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-12)
    for whole, pieced in zip(found[0][1], found[1][1], strict=True):
        assert whole.abs().max() > 0 and torch.allclose(whole, pieced, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit on a process's memory is Linux's")
def test_a_training_under_a_memory_limit_goes_in_parts_and_learns_the_same(tmp_path):
    free = training_within(None, tmp_path)
    short = training_within(100, tmp_path)
    assert free["parts"] == 1 and short["parts"] > 1
    assert any("memory is short" in note for note in short["notes"])
    assert np.allclose(free["log_p"], short["log_p"], atol=1e-3)


def training_within(megabytes, folder):
    """A small training in a process of its own that may take so much more memory than it has at its start."""
    command = [sys.executable, "-m", "tests.bgad_core.short_of_memory", str(folder), str(megabytes or 0)]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
