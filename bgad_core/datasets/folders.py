"""MVTec AD and BTAD: folders say what is normal, what is tested, and where the masks are."""

from pathlib import Path

from bgad_core.data import Sample, read_mask, sample_of
from bgad_core.datasets.dataset import GOOD, Dataset, images_in
from bgad_core.errors import DatasetError


def is_mvtec(folder: Path) -> bool:
    return (folder / "train" / GOOD).is_dir() and (folder / "test").is_dir()


def read_mvtec(folder: Path) -> Dataset:
    """`train/good`, `test/<type>`, `ground_truth/<type>/<stem>_mask.png`; also any data set in this layout.

    Raises:
        DatasetError: a defect has no mask.
    """
    train = [sample_of(path) for path in images_in(folder / "train" / GOOD)]
    test = []
    for kind in sorted(path.name for path in (folder / "test").iterdir() if path.is_dir()):
        for path in images_in(folder / "test" / kind):
            test.append(sample_of(path) if kind == GOOD else _masked(path, folder / "ground_truth" / kind, kind))
    return Dataset(f"mvtec/{folder.name}", train, test)


def is_btad(folder: Path) -> bool:
    return (folder / "train" / "ok").is_dir() and (folder / "test" / "ko").is_dir()


def read_btad(folder: Path) -> Dataset:
    """`train/ok`, `test/ok`, `test/ko`, `ground_truth/ko` with the image's stem; masks of product 03 are BMP.

    BTAD names no types of defect: all are "ko".
    """
    train = [sample_of(path) for path in images_in(folder / "train" / "ok")]
    test = [sample_of(path) for path in images_in(folder / "test" / "ok")]
    test += [_masked(path, folder / "ground_truth" / "ko", "ko") for path in images_in(folder / "test" / "ko")]
    return Dataset(f"btad/{folder.name}", train, test)


def _masked(path: Path, masks: Path, kind: str) -> Sample:
    found = [mask for mask in images_in(masks) if mask.stem in (f"{path.stem}_mask", path.stem)]
    if not found:
        raise DatasetError(f"{kind}/{path.name} has no mask in {masks}: expected {path.stem}_mask.png")
    return sample_of(path, abnormal=True, mask=read_mask(found[0], image=path), defect_type=kind)
