"""One of several processes of one training, started by test_ranks: folder of samples, where to save, which normals."""

import pickle
import sys
from pathlib import Path

import torch

from bgad_core import ranks
from tests.bgad_core.conftest import Run, tiny_config

if __name__ == "__main__":
    torch.set_num_threads(1)
    home, out = Path(sys.argv[1]), Path(sys.argv[2])
    parts = pickle.loads((home / "parts").read_bytes())
    with ranks.joined(home / "store"):
        assert ranks.size() == 2
        Run(parts, home, [])(tiny_config()).save(out)
