"""One small training under a limit of this process's memory: `python -m tests.bgad_core.short_of_memory FOLDER MB`."""

import json
import resource
import sys
import tempfile
from pathlib import Path

import torch

from bgad_core.config import FlowConfig
from bgad_core.data import sample_of
from bgad_core.feature_cache import FeatureCache
from bgad_core.training import Progress, train
from tests.bgad_core.conftest import texture, tiny_config, with_training, write_png

PAGE = resource.getpagesize()


def limit(megabytes: int) -> None:
    """Allow so much more address space than the process has now."""
    if megabytes:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * PAGE
        resource.setrlimit(resource.RLIMIT_AS, (now + megabytes * 2**20, resource.RLIM_INFINITY))


def main(folder: Path, megabytes: int) -> dict:
    torch.set_num_threads(1)
    config = with_training(
        tiny_config(size=256, flow=FlowConfig(blocks=8, position_channels=8)),
        positions=None, images_per_batch=8, batch=2**16, epochs_one=2,
    )  # fmt: skip
    parts = [sample_of(write_png(folder / f"good{seed}.png", texture(seed, size=256))) for seed in range(8)]
    reported: list[Progress] = []
    work = Path(tempfile.mkdtemp(dir=folder))

    def settled(step: Progress) -> None:
        """The limit falls when the features are there: what is short of memory then is the training's step."""
        reported.append(step)
        if (step.phase, step.done) == ("features", step.total):
            limit(megabytes)

    model = train(
        config, normals=parts[:6], anomalies=[], calibration=parts[6:], folder=work, phase_one_folder=work,
        cache=FeatureCache(work), device="cpu", progress=settled,
    )  # fmt: skip
    notes = sorted({step.note for step in reported})
    found = [boundary.b_n for boundary in model.boundaries]
    counts = [int(note.split()[-2]) for note in notes if note]
    return {"parts": max(counts, default=1), "notes": notes, "log_p": found}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
