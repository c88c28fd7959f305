"""Feature vectors a second of one optimiser step: the fused flow in both precisions over the plain FrEIA loop.

The paper's settings over ResNet-18's three levels at 256 pixels: 8 blocks, 128 position channels, 4,096 vectors, Adam.
All three loops take turns in one process on the same draws; medians over the rounds. On CUDA a round is 64 steps of
each level, of the fused flows by `recorded.Recorded`, the levels side by side as in training. The last line is JSON.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bgad_core.boundary import Boundary
from bgad_core.config import BackboneConfig, FlowConfig, Precision, in_precision, paper
from bgad_core.draws import Rows
from bgad_core.feature_cache import Features
from bgad_core.features import FeatureExtractor, resolve_device
from bgad_core.flow import ConditionalFlow, positional_encoding_2d
from bgad_core.fused import cells_on, fused_log_p_nats
from bgad_core.model import BGAD
from bgad_core.recorded import CHUNK, Recorded
from bgad_core.schedule import Phase, Schedule
from bgad_core.steps import optimisers_of

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
    if arguments.device.startswith("cuda"):
        on_cuda(arguments.rounds, arguments.device)
        return
    print(f"{platform.processor() or platform.machine()}, {arguments.threads} threads, torch {torch.__version__}")
    print("channels |" + "|".join(f"{name:>9} vectors/s" for name in LOOPS) + "| others' load, cores")
    seconds = dict.fromkeys(LOOPS, 0.0)
    for channels, side in LEVELS:
        level = level_of(channels, side, arguments.device)
        before = busy()
        medians = race(level, arguments.rounds)
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


def race(level: Level, rounds: int) -> dict[str, float]:
    """Median seconds of a step of each loop; they take turns, three unmeasured rounds come first."""
    steps = {name: step_of(name, level, "cpu") for name in LOOPS}
    taken: dict[str, list[float]] = {name: [] for name in LOOPS}
    for number in range(3 + rounds):
        chosen = torch.randperm(len(level.cells))[:BATCH]
        for name, step in steps.items():
            started = time.perf_counter()
            step(chosen)
            if number >= 3:
                taken[name].append(time.perf_counter() - started)
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


def on_cuda(rounds: int, device: str) -> None:
    """The same on a GPU: rates of each level alone, and of all three."""
    print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}")
    levels = [level_of(channels, side, device) for channels, side in LEVELS]
    plain = [step_of("FrEIA", level, device) for level in levels]
    fused = {name: recorded(name, device) for name in ("float32", "bfloat16")}  # type: ignore[arg-type]
    rates: dict[tuple[str, str], list[float]] = {}
    for number in range(3 + rounds):
        batches = [drawn_rows(side) for _, side in LEVELS]
        for which in ("64", "128", "256", "all"):
            chosen = [n for n, (channels, _) in enumerate(LEVELS) if which in (str(channels), "all")]
            for name in LOOPS:
                started = time.perf_counter()
                for level in chosen:
                    if name == "FrEIA":
                        for rows in batches[level]:
                            plain[level](torch.from_numpy(rows.features).to(device))
                    else:
                        fused[name].take(level, batches[level], RATE)
                if name != "FrEIA":
                    fused[name].losses(all_of_them=True)
                torch.cuda.synchronize()
                if number >= 3:
                    rate = BATCH * CHUNK * len(chosen) / (time.perf_counter() - started)
                    rates.setdefault((which, name), []).append(rate)
    medians = {key: statistics.median(values) for key, values in rates.items()}
    print("channels |" + "|".join(f"{name:>9} vectors/s" for name in LOOPS))
    for which in ("64", "128", "256", "all"):
        print(f"{which:>8} |" + "|".join(f"{medians[which, name]:19,.0f}" for name in LOOPS), flush=True)
    print(json.dumps({f"ratio_{name}": round(medians["all", name] / medians["all", "FrEIA"], 2) for name in LOOPS[1:]}))


def recorded(precision: Precision, device: str) -> Recorded:
    """The product's steps of phase 1 on drawn features."""
    config = in_precision(paper(BackboneConfig("resnet18", built_in=True)), precision)
    model = BGAD(config, FeatureExtractor(replace(config.backbone, precision="float32"), resolve_device(device)))
    vectors = list(torch.randn(IMAGES, model.length, device=device).abs().half().cpu().numpy())
    schedule = Schedule(Phase.one, 1, config.training, "", Path(), Path())
    steps = Recorded(model, Features(vectors, model.shapes), None, optimisers_of(model, RATE), schedule)
    steps.begin([Boundary(0.0, -0.1)] * len(LEVELS))
    return steps


def drawn_rows(side: int) -> list[Rows]:
    draws = [np.random.default_rng().permutation(IMAGES * side * side)[:BATCH] for _ in range(CHUNK)]
    return [Rows(draw, draw % (side * side), np.zeros(BATCH, dtype=np.float32)) for draw in draws]


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
