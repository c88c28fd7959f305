"""Feature vectors a second of one optimiser step: the fused flow in both precisions over the plain FrEIA loop.

The paper's settings over ResNet-18's three levels at 256 pixels: 8 blocks, 128 position channels, 4,096 vectors, Adam.
All three loops take turns in one process on the same draws; medians over the rounds. The last line is JSON.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bgad_core.config import FlowConfig, Precision
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.fused import cells_on, fused_log_p_nats

LEVELS = ((64, 64), (128, 32), (256, 16))  # channels, side of the grid
BATCH, IMAGES, POSITIONS, RATE = 4096, 32, 128, 2e-4
LOOPS = ("FrEIA", "float32", "bfloat16")


@dataclass(frozen=True)
class Level:
    """One level's features of a group of images, (IMAGES * cells, channels), and the cell of each."""

    channels: int
    side: int
    features: Tensor
    cells: Tensor
    grid: Tensor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="timed steps of each loop and level")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    machine = torch.cuda.get_device_name() if arguments.device.startswith("cuda") else platform.processor()
    print(f"{machine or platform.machine()}, {arguments.threads} threads, torch {torch.__version__}")
    print("channels |" + "|".join(f"{name:>9} vectors/s" for name in LOOPS) + "| others' load, cores")
    seconds = dict.fromkeys(LOOPS, 0.0)
    for channels, side in LEVELS:
        level = level_of(channels, side, arguments.device)
        before = busy()
        medians = race(level, arguments.rounds, arguments.device)
        rates = "|".join(f"{BATCH / medians[name]:19,.0f}" for name in LOOPS)
        print(f"{channels:8} |{rates}| {foreign(before):.2f}", flush=True)
        for name in LOOPS:
            seconds[name] += medians[name]
    print("   total |" + "|".join(f"{BATCH * len(LEVELS) / seconds[name]:19,.0f}" for name in LOOPS) + "|")
    ratios = {f"ratio_{name}": round(seconds["FrEIA"] / seconds[name], 3) for name in LOOPS[1:]}
    print(json.dumps(ratios))


def level_of(channels: int, side: int, device: str) -> Level:
    features = torch.randn(IMAGES * side * side, channels, device=device).abs()
    cells = torch.arange(side * side, device=device).repeat(IMAGES)
    return Level(channels, side, features, cells, positional_encoding_2d(POSITIONS, side, side).to(device))


def race(level: Level, rounds: int, device: str) -> dict[str, float]:
    """Median seconds of a step of each loop; they take turns, three unmeasured rounds come first."""
    steps = {name: step_of(name, level, device) for name in LOOPS}
    taken: dict[str, list[float]] = {name: [] for name in LOOPS}
    for number in range(3 + rounds):
        chosen = torch.randperm(len(level.cells), device=device)[:BATCH]
        for name, step in steps.items():
            spent = timed(step, chosen, device)
            if number >= 3:
                taken[name].append(spent)
    return {name: statistics.median(values) for name, values in taken.items()}


def step_of(name: str, level: Level, device: str) -> Callable[[Tensor], None]:
    precision: Precision = "bfloat16" if name == "bfloat16" else "float32"
    flow = ConditionalFlow(level.channels, FlowConfig(precision=precision), seed=1).to(device)
    optimiser = torch.optim.Adam(flow.parameters(), lr=RATE, fused=name != "FrEIA" or None)

    def step(chosen: Tensor) -> None:
        features, cells = level.features[chosen], level.cells[chosen]
        if name == "FrEIA":
            log_p = flow.log_p_nats(features, level.grid[cells])
        else:
            log_p = fused_log_p_nats(flow, features, cells_on(level.grid, level.side, cells))
        optimiser.zero_grad()
        (-F.logsigmoid(log_p / level.channels).mean()).backward()
        optimiser.step()

    return step


def timed(step: Callable[[Tensor], None], chosen: Tensor, device: str) -> float:
    started = time.perf_counter()
    step(chosen)
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started


def busy() -> tuple[float, float, float]:
    """Wall seconds, processor seconds of the whole machine, and of this process, so far."""
    with open("/proc/stat") as file:
        ticks = [int(value) for value in file.readline().split()[1:9]]
    own = os.times()
    return time.perf_counter(), (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"), own.user + own.system


def foreign(before: tuple[float, float, float]) -> float:
    """Cores that other processes kept busy since `before`; a benchmark beside much of it is void."""
    now = busy()
    return max(0.0, (now[1] - before[1]) - (now[2] - before[2])) / (now[0] - before[0])


if __name__ == "__main__":
    main()
