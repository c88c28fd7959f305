"""Finds out which layout a folder has, and reads it."""

from collections.abc import Callable
from pathlib import Path

from bgad_core.datasets import aitex, folders, medical, solar
from bgad_core.datasets.dataset import Dataset
from bgad_core.errors import DatasetError

Reader = Callable[[Path], Dataset]

LAYOUTS: dict[str, tuple[Callable[[Path], bool], Reader]] = {
    "mvtec": (folders.is_mvtec, folders.read_mvtec),
    "btad": (folders.is_btad, folders.read_btad),
    "aitex": (aitex.is_aitex, aitex.read_aitex),
    "elpv": (solar.is_elpv, solar.read_elpv),
    "brainmri": (medical.is_brain_mri, medical.read_brain_mri),
    "headct": (medical.is_head_ct, medical.read_head_ct),
}


def layout_of(folder: Path) -> str:
    """The name of the folder's layout.

    Raises:
        DatasetError: it is none of those that are read.
    """
    for name, (fits, _) in LAYOUTS.items():
        if fits(folder):
            return name
    seen = ", ".join(sorted(path.name for path in folder.iterdir())[:6]) if folder.is_dir() else "no folder"
    raise DatasetError(
        f"{folder} ({seen}) has none of the layouts {', '.join(LAYOUTS)}: give the folder of one category, "
        "such as one with train/good and test"
    )


def read_dataset(folder: Path, layout: str | None = None) -> Dataset:
    """Read one category.

    Args:
        layout: one of `LAYOUTS`; None finds out.

    Raises:
        DatasetError: an unknown layout, or a folder that lacks normals or defects.
    """
    name = layout or layout_of(folder)
    if name not in LAYOUTS:
        raise DatasetError(f"layout {name!r} is not known: choose one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name][1](folder)
