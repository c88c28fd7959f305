"""`bgad-inspect evaluate`: the figures' file and what its options reach."""

import json

import pytest

from app.cli import main
from tests.app.conftest import write_tree

METRICS = ("image_auroc", "pixel_auroc", "pro", "ap", "aupimo")


def evaluate(tree, out, *options: str) -> int:
    common = ["--built-in", "--preset", "demo", "--size", "64", "--seeds", "0", "--known", "2", "--out", str(out)]
    return main(["evaluate", str(tree), *common, *options])


@pytest.mark.slow
def test_the_file_tells_the_figures_and_every_setting(tmp_path, capsys):
    tree = write_tree(tmp_path / "part", normals=8, held_normals=3, held_defects=5)
    assert evaluate(tree, tmp_path / "out.json", "--pastes", "3") == 0
    told = json.loads((tmp_path / "out.json").read_text())
    for metric in METRICS:
        assert set(told[metric]) == {"mean", "std", "per_seed"} and len(told[metric]["per_seed"]) == 1
    assert told["settings"]["training"]["pastes"] == 3 and told["settings"]["size"] == 64
    assert told["protocol"] == "multi-class" and told["method"] == "bgad"
    assert told["split_sha256"] and told["seconds"] > 0
    assert "image_auroc" in capsys.readouterr().out


def test_fewer_pastes_than_none_are_refused(tmp_path, capsys):
    tree = write_tree(tmp_path / "part", normals=4, held_normals=1, held_defects=3)
    assert evaluate(tree, tmp_path / "out.json", "--pastes", "-1") == 1
    assert "-1 pastes cannot be made" in capsys.readouterr().err
