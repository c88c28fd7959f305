"""What a training tells while it runs."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bgad_core.feature_cache import Features
from bgad_core.known import KnownAnomalies
from bgad_core.live import LiveLevel, Looks
from bgad_core.model import BGAD


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes:
        phase: "features", "phase 1", "phase 2" or "calibration".
        done, total: images or passes.
        loss: mean of the last pass, None where there is none.
        seconds_left: of this phase, None while unknown.
        note: one more thing to tell, such as that memory is short, or "".
        ended: a pass ended just now.
        live: where held-out normals and known defects stand, per level; where a pass ended, else empty.
    """

    phase: str
    done: int
    total: int
    loss: float | None = None
    seconds_left: float | None = None
    note: str = ""
    ended: bool = False
    live: list[LiveLevel] = field(default_factory=list)


Report = Callable[[Progress], None]
Watch = Callable[[BGAD, int], None]


def looking(progress: Report, model: BGAD, held_out: Features, known: KnownAnomalies | None = None) -> Report:
    """`progress`, with where the log-likelihoods stand in the report that ends a pass."""
    prepared: list[Looks] = []  # when first needed: a phase that is reused looks at nothing

    def report(step: Progress) -> None:
        if step.ended and not prepared:
            prepared.append(Looks(model, held_out, known))
        progress(replace(step, live=prepared[0].look()) if step.ended else step)

    return report
