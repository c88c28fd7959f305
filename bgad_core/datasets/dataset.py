"""What every reader makes: normals to train on, and a test set."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bgad_core.data import SUFFIXES, Sample
from bgad_core.errors import DatasetError

GOOD = "good"
HELD_OUT = 4  # one normal in so many is tested on where a data set has no split of its own


@dataclass(frozen=True)
class Dataset:
    """One category.

    Attributes:
        name: of the data set and category, such as "mvtec/screw".
        train: normal samples.
        test: normal samples and defects; every defect has a type.
    """

    name: str
    train: list[Sample]
    test: list[Sample]

    def __post_init__(self) -> None:
        if not self.train:
            raise DatasetError(f"{self.name} has no normal image to train on")
        if not any(sample.abnormal for sample in self.test):
            raise DatasetError(f"{self.name} has no defect to test on")

    @property
    def defect_types(self) -> list[str]:
        return sorted({sample.defect_type or "" for sample in self.test if sample.abnormal})


def images_in(folder: Path) -> list[Path]:
    """The image files right in a folder, in the order of their names; none when there is no such folder."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())


def split_normals(normals: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """(train, test) where a data set has no split: the quarter with the lowest content hashes is tested on.

    By hash, because that is as good as chance, needs no seed and no list, and is the same for everybody.
    """
    order = sorted(normals, key=lambda sample: hashlib.sha256(f"split {sample.sha256}".encode()).hexdigest())
    held = max(1, len(order) // HELD_OUT)
    return order[held:], order[:held]
