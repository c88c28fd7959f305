"""BrainMRI and HeadCT: images of patients with one label each and no masks."""

import csv
from pathlib import Path

from bgad_core.data import SUFFIXES, sample_of
from bgad_core.datasets.dataset import Dataset, images_in, split_normals
from bgad_core.errors import DatasetError


def is_brain_mri(folder: Path) -> bool:
    return (folder / "yes").is_dir() and (folder / "no").is_dir()


def read_brain_mri(folder: Path) -> Dataset:
    """`no/` without and `yes/` with a tumour."""
    train, held = split_normals([sample_of(path) for path in images_in(folder / "no")])
    tumours = [sample_of(path, abnormal=True, defect_type="tumour") for path in images_in(folder / "yes")]
    return Dataset("brainmri", train, held + tumours)


def is_head_ct(folder: Path) -> bool:
    labels = folder / "labels.csv"
    return labels.is_file() and "hemorrhage" in labels.read_text(encoding="utf-8").partition("\n")[0]


def read_head_ct(folder: Path) -> Dataset:
    """`labels.csv` with id and hemorrhage, and images that are named by their id, at any depth.

    Raises:
        DatasetError: a label has no image.
    """
    images = {int(p.stem): p for p in sorted(folder.rglob("*")) if p.suffix.lower() in SUFFIXES and p.stem.isdigit()}
    normals, bleeding = [], []
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            number, label = int(row["id"]), int(row["hemorrhage"])
            if number not in images:
                raise DatasetError(f"labels.csv names image {number}, and {folder} has no file {number:03d}.png")
            if label:
                bleeding.append(sample_of(images[number], abnormal=True, defect_type="hemorrhage"))
            else:
                normals.append(sample_of(images[number]))
    train, held = split_normals(normals)
    return Dataset("headct", train, held + bleeding)
