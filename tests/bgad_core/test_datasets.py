"""Each data set's published layout, and the two protocols on it."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bgad_core.data import sample_of
from bgad_core.datasets import LAYOUTS, layout_of, read_dataset
from bgad_core.errors import DatasetError
from bgad_core.protocols import check_leakage, multi_class, one_class
from tests.bgad_core.conftest import texture, write_png


def images(folder: Path, count: int, seed: int, *, suffix: str = ".png", names: str = "{:03d}") -> list[Path]:
    return [write_png(folder / (names.format(i) + suffix), texture(seed + i, size=16)) for i in range(count)]


def mask(path: Path, *, size: tuple[int, int] = (16, 16)) -> None:
    marked = np.zeros(size, dtype=np.uint8)
    marked[4:9, 4:9] = 255
    write_png(path, marked)


def mvtec(root: Path) -> None:
    images(root / "train/good", 8, 0)
    images(root / "test/good", 2, 50)
    for kind, seed in (("dent", 100), ("scratch", 200)):
        for path in images(root / "test" / kind, 8, seed):
            mask(root / "ground_truth" / kind / f"{path.stem}_mask.png")


def btad(root: Path) -> None:
    images(root / "train/ok", 5, 0, suffix=".bmp")
    images(root / "test/ok", 2, 50, suffix=".bmp")
    for path in images(root / "test/ko", 3, 100, suffix=".bmp"):
        mask(root / "ground_truth/ko" / f"{path.stem}.png")


def strip(path: Path, seed: int) -> None:
    grain = np.random.default_rng(seed).normal(120, 9, (16, 64, 1)).astype(np.uint8).repeat(3, axis=2)
    grain[:, 48:] = 0  # the unexposed end
    write_png(path, grain)


def aitex(root: Path) -> None:
    for i in range(4):
        strip(root / "NODefect_images/2306881-210020u" / f"{i:04d}_000_00.png", i)
    for i, kind in enumerate(("002", "019")):
        strip(root / "Defect_images" / f"{i + 1:04d}_{kind}_00.png", 100 + i)
        mask(root / "Mask_images" / f"{i + 1:04d}_{kind}_00_mask.png", size=(16, 64))


def elpv(root: Path) -> None:
    paths = images(root / "images", 10, 0, names="cell{:04d}")
    labels = ["0.0", "0.0", "0.0", "0.0", "0.0", "0.3333333", "0.6666667", "1.0", "1.0", "1.0"]
    lines = [
        f"images/{p.name}  {label}   {'mono' if i % 2 else 'poly'}"
        for i, (p, label) in enumerate(zip(paths, labels, strict=True))
    ]
    (root / "labels.csv").write_text("\n".join(lines))


def brainmri(root: Path) -> None:
    images(root / "no", 6, 0, suffix=".jpg", names="{} no")
    images(root / "yes", 4, 100, suffix=".jpg", names="Y{}")


def headct(root: Path) -> None:
    images(root / "head_ct", 8, 0)
    rows = "\n".join(f"{i},{int(i >= 5)}" for i in range(8))
    (root / "labels.csv").write_text(f"id, hemorrhage\n{rows}\n")


MADE = {"mvtec": mvtec, "btad": btad, "aitex": aitex, "elpv": elpv, "brainmri": brainmri, "headct": headct}
# train and test normals, defects, of them with a mask, types
FOUND = {
    "mvtec": (8, 2, 16, 16, ["dent", "scratch"]),
    "btad": (5, 2, 3, 3, ["ko"]),
    "aitex": (9, 3, 2, 2, ["002", "019"]),
    "elpv": (4, 1, 3, 0, ["mono", "poly"]),
    "brainmri": (5, 1, 4, 0, ["tumour"]),
    "headct": (4, 1, 3, 0, ["hemorrhage"]),
}


@pytest.fixture
def made(tmp_path):
    def make(name: str) -> Path:
        MADE[name](tmp_path / name)
        return tmp_path / name

    return make


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_published_layout_is_known_and_read(made, name):
    folder = made(name)
    assert layout_of(folder) == name
    found = read_dataset(folder)
    normals = [sample for sample in found.test if not sample.abnormal]
    defects = [sample for sample in found.test if sample.abnormal]
    masked = [sample for sample in defects if sample.mask is not None and sample.mask.any()]
    assert (len(found.train), len(normals), len(defects), len(masked), found.defect_types) == FOUND[name]
    assert not any(sample.abnormal for sample in found.train)
    again = read_dataset(folder)
    assert [s.path for s in again.train] == [s.path for s in found.train]


def test_a_patch_of_a_strip_is_what_the_strip_shows_there(made):
    found = read_dataset(made("aitex"))
    defect = next(sample for sample in found.test if sample.abnormal)
    assert cv2.imread(str(defect.path)).shape == (16, 16, 3)
    assert defect.path.stem.endswith("_0000") and np.argwhere(defect.mask).tolist()[0] == [4, 4]


def test_a_folder_of_another_layout_is_refused_with_what_is_in_it(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(DatasetError, match=r"\(pictures\) has none of the layouts mvtec, btad"):
        read_dataset(tmp_path)
    with pytest.raises(DatasetError, match="'visa' is not known"):
        read_dataset(tmp_path, "visa")


def test_a_defect_without_its_published_mask_is_named(made):
    folder = made("mvtec")
    (folder / "ground_truth/dent/003_mask.png").unlink()
    with pytest.raises(DatasetError, match=r"dent/003\.png has no mask"):
        read_dataset(folder)


def test_multi_class_takes_the_types_in_turn_and_measures_on_the_others(made):
    found = read_dataset(made("mvtec"))
    split = multi_class(found, seed=0)
    assert sorted(sample.defect_type for sample in split.known) == ["dent"] * 5 + ["scratch"] * 5
    assert len(split.test) == 8 and {s.defect_type for s in split.test if s.abnormal} == {"dent", "scratch"}
    assert len(split.normals) == 7 and len(split.calibration) == 1
    assert multi_class(found, seed=0).sha256() == split.sha256() != multi_class(found, seed=1).sha256()


def test_one_class_measures_on_unseen_types_alone(made):
    found = read_dataset(made("mvtec"))
    split = one_class(found, "dent", seed=0, known=6)
    assert {sample.defect_type for sample in split.known} == {"dent"} and len(split.known) == 6
    assert {sample.defect_type for sample in split.test if sample.abnormal} == {"scratch"}
    with pytest.raises(DatasetError, match="no type 'hole', but dent, scratch"):
        one_class(found, "hole", seed=0)


def test_too_few_defects_are_refused_with_the_numbers(made):
    with pytest.raises(DatasetError, match=r"2 defects to make known .* 10 were asked for"):
        multi_class(read_dataset(made("btad")), seed=0)
    with pytest.raises(DatasetError, match="one type of defect, ko"):
        one_class(read_dataset(made("btad")), "ko", seed=0)


def test_a_leaked_image_ends_the_run_under_whatever_name(made):
    folder = made("mvtec")
    copy = folder / "train/good/999.png"
    copy.write_bytes((folder / "test/good/000.png").read_bytes())
    with pytest.raises(DatasetError, match=r"leaked: 000\.png of the test set is the same image as 999\.png"):
        multi_class(read_dataset(folder), seed=0)
    others = [sample_of(path) for path in images(folder / "x", 3, 900)]
    check_leakage(multi_class(replace(read_dataset(folder), train=others), seed=0))
