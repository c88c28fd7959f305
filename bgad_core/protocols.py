"""The paper's two protocols (Sec. 4.2): which defects are known, and which images they are measured on."""

import hashlib
from dataclasses import dataclass

import numpy as np

from bgad_core.data import Sample
from bgad_core.datasets.dataset import Dataset
from bgad_core.errors import DatasetError

KNOWN = 10
CALIBRATION_SHARE = 5  # every fifth training normal carries the boundary and is never pulled


@dataclass(frozen=True)
class Split:
    """One experiment's images; nothing is in two of its lists.

    Attributes:
        name: the protocol, with the known type for one-class.
        normals, calibration: normal samples to learn from, and to fit the boundary on.
        known: known anomalies.
        test: what is measured on.
    """

    name: str
    normals: list[Sample]
    calibration: list[Sample]
    known: list[Sample]
    test: list[Sample]

    def sha256(self) -> str:
        """Over every image and its place in the split: two figures compare only when it is the same."""
        lists = (self.normals, self.calibration, self.known, self.test)
        lines = [f"{place} {sample.sha256}" for place, samples in enumerate(lists) for sample in samples]
        return hashlib.sha256("\n".join([self.name, *sorted(lines)]).encode()).hexdigest()


def multi_class(dataset: Dataset, *, seed: int, known: int = KNOWN) -> Split:
    """`known` anomalies drawn over all defect types, removed from the test set.

    Types take turns, so that each gives as many as any other, as far as it has them; at least one defect of each type
    stays in the test set.

    Raises:
        DatasetError: too few defects, or a leaked image.
    """
    rng = np.random.default_rng([seed, 7])
    piles = []
    for kind in dataset.defect_types:
        of_kind = [sample for sample in dataset.test if sample.abnormal and sample.defect_type == kind]
        piles.append([of_kind[i] for i in rng.permutation(len(of_kind))][:-1])
    turns = max((len(pile) for pile in piles), default=0)
    drawn = [pile[turn] for turn in range(turns) for pile in piles if turn < len(pile)][:known]
    if len(drawn) < known:
        raise DatasetError(
            f"{dataset.name} has {len(drawn)} defects to make known beside one of each type that is measured: "
            f"{known} were asked for"
        )
    return _split("multi-class", dataset, drawn, dataset.test, seed)


def one_class(dataset: Dataset, defect_type: str, *, seed: int, known: int = KNOWN) -> Split:
    """`known` anomalies of one type, and no image of that type in the test set: its defects are of unseen kinds.

    Raises:
        DatasetError: no such type, too few of it, no other type, or a leaked image.
    """
    if defect_type not in dataset.defect_types:
        raise DatasetError(f"{dataset.name} has no type {defect_type!r}, but {', '.join(dataset.defect_types)}")
    if len(dataset.defect_types) < 2:
        raise DatasetError(f"{dataset.name} has one type of defect, {defect_type}: one-class needs an unseen one")
    of_kind = [sample for sample in dataset.test if sample.defect_type == defect_type]
    rng = np.random.default_rng([seed, 7])
    drawn = [of_kind[i] for i in rng.permutation(len(of_kind))[:known]]
    rest = [sample for sample in dataset.test if sample.defect_type != defect_type]
    return _split(f"one-class/{defect_type}", dataset, drawn, rest, seed)


def _split(name: str, dataset: Dataset, known: list[Sample], test: list[Sample], seed: int) -> Split:
    chosen = {sample.sha256 for sample in known}
    order = np.random.default_rng([seed, 8]).permutation(len(dataset.train))
    held = max(1, len(order) // CALIBRATION_SHARE)
    if held == len(order):
        raise DatasetError(f"{dataset.name} has one normal image: it cannot both be learnt and carry the boundary")
    split = Split(
        name,
        normals=[dataset.train[i] for i in sorted(order[held:])],
        calibration=[dataset.train[i] for i in sorted(order[:held])],
        known=known,
        test=[sample for sample in test if sample.sha256 not in chosen],
    )
    check_leakage(split)
    return split


def check_leakage(split: Split) -> None:
    """End with an error when an image that is measured on is also learnt from, under whatever name.

    Raises:
        DatasetError: names the first such image.
    """
    learnt = {sample.sha256: sample for sample in (*split.normals, *split.calibration, *split.known)}
    for sample in split.test:
        if sample.sha256 in learnt:
            raise DatasetError(
                f"leaked: {sample.path.name} of the test set is the same image as {learnt[sample.sha256].path.name}, "
                "which is learnt from; figures on it would be worth nothing"
            )
