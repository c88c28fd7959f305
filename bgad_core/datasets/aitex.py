"""AITEX: woven fabric in strips of 4096x256, cut here into square patches as the literature does."""

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from bgad_core.data import Sample, read_image, sample_of
from bgad_core.datasets.dataset import Dataset, images_in, split_normals
from bgad_core.errors import DatasetError

PATCHES = ".patches"  # beside the data set's own folders
MOST_BLACK = 0.5  # a strip's ends are unexposed; a patch of them shows no fabric


def is_aitex(folder: Path) -> bool:
    return (folder / "Defect_images").is_dir() and (folder / "NODefect_images").is_dir()


def read_aitex(folder: Path) -> Dataset:
    """`NODefect_images/<fabric>/`, `Defect_images/NNNN_DDD_FF.png`, `Mask_images/NNNN_DDD_FF_mask[N].png`.

    Strips are cut into squares as high as the strip, written once to `.patches`. Patches of a defective strip that its
    mask does not touch are left out: what lies there was judged with the strip, not by itself. The type is DDD.

    Raises:
        DatasetError: a defective strip has no mask.
    """
    clean = [path for fabric in sorted((folder / "NODefect_images").iterdir()) for path in images_in(fabric)]
    clean += images_in(folder / "NODefect_images")
    normals = [sample_of(patch) for path in clean for patch, _ in _patches(folder, path, None)]
    masks = defaultdict(list)
    for mask in images_in(folder / "Mask_images"):
        masks["_".join(mask.stem.split("_")[:3])].append(mask)
    defects: list[Sample] = []
    for path in images_in(folder / "Defect_images"):
        if path.stem not in masks:
            raise DatasetError(f"{path.name} has no mask in {folder / 'Mask_images'}: {path.stem}_mask.png is missing")
        marked = np.any([read_image(mask).any(axis=2) for mask in masks[path.stem]], axis=0)
        kind = path.stem.split("_")[1]
        for patch, part in _patches(folder, path, marked):
            if part is not None and part.any():
                defects.append(sample_of(patch, abnormal=True, mask=part, defect_type=kind))
    train, held = split_normals(normals)
    return Dataset("aitex", train, held + defects)


def _patches(folder: Path, path: Path, mask: np.ndarray | None) -> list[tuple[Path, np.ndarray | None]]:
    """The strip's squares, written once, each with its part of the mask."""
    strip = read_image(path)
    side = strip.shape[0]
    made = []
    for left in range(0, strip.shape[1] - side + 1, side):
        patch = strip[:, left : left + side]
        if (patch.max(axis=2) == 0).mean() > MOST_BLACK:
            continue
        target = folder / PATCHES / path.parent.name / f"{path.stem}_{left:04d}.png"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), patch[..., ::-1])
        made.append((target, None if mask is None else mask[:, left : left + side]))
    return made
