"""The method on a published data set by a published protocol, without any project: figures to be compared."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from app.processes import Say
from app.services.errors import Refused
from app.services.outfile import write_out
from app.settings import Settings
from bgad_core import config as presets
from bgad_core.config import BackboneConfig, BGADConfig, Precision, Variant, in_precision
from bgad_core.datasets import read_dataset
from bgad_core.experiments import Experiment, Protocol, Report, run, table
from bgad_core.training import Progress


@dataclass(frozen=True)
class Request:
    """What the command line asks for; `work` keeps features, checkpoints and finished runs."""

    source: Path
    protocol: Protocol
    method: Variant
    preset: str
    backbone: str
    weights: Path | None
    built_in: bool
    seeds: tuple[int, ...]
    known: int
    size: int
    out: Path
    work: Path
    optimistic: bool = False
    tile: int | None = None
    pastes: int | None = None
    precision: Precision = "float32"


def evaluate_dataset(settings: Settings, request: Request, say: Say) -> None:
    """Run, print the table, write the JSON.

    Raises:
        Refused: the folder is missing, or the file cannot be written.
        DatasetError, WeightsError: see `bgad_core.experiments`.
    """
    if not request.source.is_dir():
        raise Refused(f"{request.source} is no folder: give the folder of one category")
    say(f"reading {request.source}")
    experiment = Experiment(
        dataset=read_dataset(request.source),
        protocol=request.protocol,
        config=_config(request),
        seeds=request.seeds,
        folder=request.work,
        known=request.known,
        device=settings.device,
        threads=settings.threads,
        optimistic=request.optimistic,
    )
    result = run(experiment, _teller(say))
    write_out(request.out, json.dumps(result, indent=1) + "\n")
    say(table(result))
    say(f"written: {request.out}")


def _config(request: Request) -> BGADConfig:
    backbone = BackboneConfig(
        request.backbone, weights=str(request.weights) if request.weights else None, built_in=request.built_in
    )
    made: BGADConfig = getattr(presets, request.preset)(backbone)
    if request.pastes is not None:
        if request.pastes < 0:
            raise Refused(f"{request.pastes} pastes cannot be made: give 0 or more")
        made = replace(made, training=replace(made.training, pastes=request.pastes))
    made = in_precision(made, request.precision)
    return replace(made, size=request.size, variant=request.method, tile=request.tile)


def _teller(say: Say) -> Report:
    """A line whenever a tenth of a phase is done."""
    told: set[tuple[str, str, int]] = set()

    def tell(name: str, step: Progress) -> None:
        tenth = 10 * step.done // max(1, step.total)
        if (name, step.phase, tenth) in told:
            return
        told.add((name, step.phase, tenth))
        loss = "" if step.loss is None else f", loss {step.loss:.3f}"
        left = "" if step.seconds_left is None else f", about {step.seconds_left:.0f} s left in this phase"
        say(f"{name}: {step.phase} {step.done}/{step.total}{loss}{left}")

    return tell
