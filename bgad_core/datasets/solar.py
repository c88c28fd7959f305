"""ELPV: electroluminescence images of solar cells, each with the probability that it is defective."""

from pathlib import Path

from bgad_core.data import Sample, sample_of
from bgad_core.datasets.dataset import Dataset, split_normals
from bgad_core.errors import DatasetError


def is_elpv(folder: Path) -> bool:
    return (folder / "images").is_dir() and (folder / "labels.csv").is_file() and _is_elpv_row(_rows(folder)[:1])


def read_elpv(folder: Path) -> Dataset:
    """`images/cellNNNN.png` and `labels.csv`: path, probability, and mono or poly, separated by blanks.

    Only cells that the experts were sure of are used: 0 is normal, 1 is defective. Between lies doubt, and a metric on
    doubtful labels measures the doubt. The module's kind is the type, as no finer one is published. There are no masks.

    Raises:
        DatasetError: a row that is none.
    """
    normals: list[Sample] = []
    defects: list[Sample] = []
    for number, row in enumerate(_rows(folder), start=1):
        if not _is_elpv_row([row]):
            raise DatasetError(f"line {number} of {folder / 'labels.csv'} is not path, probability and type: {row}")
        path, probability = folder / row[0], float(row[1])
        if probability == 0:
            normals.append(sample_of(path))
        elif probability == 1:
            defects.append(sample_of(path, abnormal=True, defect_type=row[2]))
    train, held = split_normals(normals)
    return Dataset("elpv", train, held + defects)


def _rows(folder: Path) -> list[list[str]]:
    lines = (folder / "labels.csv").read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line.strip()]


def _is_elpv_row(rows: list[list[str]]) -> bool:
    try:
        return bool(rows) and all(len(row) == 3 and 0 <= float(row[1]) <= 1 for row in rows)
    except ValueError:
        return False
