"""What one phase of one training run is asked to do."""

import math
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bgad_core.config import TrainingConfig
from bgad_core.memory import Parts


class Phase(Enum):
    one = "phase 1"
    two = "phase 2"


@dataclass(frozen=True)
class Schedule:
    """One phase of one run.

    Attributes:
        epochs: passes over the normals.
        training: the settings of both phases.
        key: digest of what this phase is made from; a checkpoint of another key is not continued.
        finished: where the flows go when the phase is over.
        checkpoint: where flows and optimisers go after each pass.
        parts: into how many parts a step goes; more than 1 once memory ran out, and kept with the checkpoint.
    """

    phase: Phase
    epochs: int
    training: TrainingConfig
    key: str
    finished: Path
    checkpoint: Path
    parts: Parts = field(default_factory=Parts)


def rate_at(progress: float, schedule: Schedule) -> float:
    """The learning rate at `progress` passes: linear warm-up, then a cosine down to a hundredth of the peak."""
    training = schedule.training
    warm = min(training.warm_up, schedule.epochs / 2)
    if warm and progress < warm:
        return training.rate * (progress + 0.05) / (warm + 0.05)
    share = (progress - warm) / max(1e-9, schedule.epochs - warm)
    return training.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))
