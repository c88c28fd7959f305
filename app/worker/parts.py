"""The demo's parts: a labelled tree, and an unlabelled pool with some defects in it."""

import shutil
from pathlib import Path

from bgad_core.synthetic import make_parts

SIZE = 256
NORMALS = 40
DEFECTS = 16
POOL_NORMALS = 24
POOL_DEFECTS = 24


def make_demo_parts(folder: Path) -> tuple[Path, Path]:
    """Make (tree, pool) under `folder`: an MVTec-style tree, and plain images of the same part without labels."""
    tree, other, pool = folder / "labelled parts", folder / ".making", folder / "new parts"
    for each in (tree, other, pool):
        shutil.rmtree(each, ignore_errors=True)
    make_parts(tree, normals=NORMALS, defects=DEFECTS, seed=1, size=SIZE)
    make_parts(other, normals=POOL_NORMALS, defects=POOL_DEFECTS, seed=2, size=SIZE)
    pool.mkdir(parents=True)
    images = sorted([*other.glob("train/*/*.png"), *other.glob("test/*/*.png")], key=lambda path: path.name)
    for number, path in enumerate(images, start=1):
        shutil.move(path, pool / f"part-{number:03d}.png")
    shutil.rmtree(other)
    return tree, pool
