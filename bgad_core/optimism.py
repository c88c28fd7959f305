"""What choosing the best pass on the test set would claim: told beside the honest figures, never instead of them.

The authors' code reports such numbers, each metric from its own best pass. They are no results: whoever chooses on the
test set has seen it.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bgad_core.evaluation import Evaluation
from bgad_core.model import BGAD

CHOSEN = ("image_auroc", "pixel_auroc", "pro")


class Optimism:
    """A `Watch` of training that measures every pass; kept on disk, so that a resumed run knows the passes before.

    Args:
        path: where the passes are kept.
        measure: the figures of a calibrated model on the test set.
    """

    def __init__(self, path: Path, measure: Callable[[BGAD], Evaluation]) -> None:
        self.path, self.measure = path, measure

    def __call__(self, model: BGAD, done: int) -> None:
        """Measure pass `done`; one that is done again after an interruption replaces itself."""
        passes = {**self._passes(), str(done): self.measure(model).to_dict()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".part")
        temporary.write_text(json.dumps(passes), encoding="utf-8")
        temporary.replace(self.path)

    def best(self) -> dict[str, Any]:
        """Per metric the highest value over the passes and the first pass that has it; None where it is undefined."""
        found: dict[str, Any] = {}
        for metric in CHOSEN:
            values = {int(done): row[metric] for done, row in self._passes().items() if row[metric] is not None}
            best = max(values, key=lambda done: (values[done], -done), default=None)
            found[metric] = None if best is None else {"value": values[best], "pass": best}
        return found

    def _passes(self) -> dict[str, Any]:
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.is_file() else {}


def summary_of(finished: Sequence[dict[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """The optimistic figures of finished runs, as the honest ones are summed up."""
    rows = [
        {"seed": row["seed"], **{metric: (found or {}).get("value") for metric, found in row["optimistic"].items()}}
        for row in finished
    ]
    return {metric: summary(metric, rows, seeds) for metric in CHOSEN}


def summary(metric: str, finished: Sequence[dict[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """Per seed the mean over its splits, and mean and sample deviation over the seeds."""
    per_seed: list[float | None] = []
    for seed in seeds:
        values = [row[metric] for row in finished if row["seed"] == seed]
        per_seed.append(None if None in values else float(np.mean(values)))
    known = [value for value in per_seed if value is not None]
    return {
        "mean": float(np.mean(known)) if len(known) == len(per_seed) else None,
        "std": float(np.std(known, ddof=1)) if len(known) == len(per_seed) > 1 else None,
        "per_seed": per_seed,
    }
