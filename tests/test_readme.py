"""Every bgad-inspect line of the README runs, in the README's order, in a scratch home."""

import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app.cli import main, parser
from bgad_core.config import BackboneConfig, BGADConfig, demo
from tests.app.conftest import part, write_tree

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = "weights/resnet18_tv_in1k_layers1to3_int8dequant.safetensors"
STAYS = ("serve", "demo", "web", "worker", "serve-model", "watch")  # they run until they are stopped


@dataclass(frozen=True)
class Line:
    """One `bgad-inspect …` of a code block: what is set before it, and its words."""

    setting: dict[str, str]
    words: list[str]


def lines_of(text: str) -> list[Line]:
    """The commands of all code blocks, continued lines joined."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL)
    found = []
    for line in (line for block in blocks for line in block.splitlines()):
        if not re.match(r"(\w+=\S+ +)*(\.venv/bin/)?bgad-inspect ", line):
            continue
        words = shlex.split(line, comments=True)
        start = next(place for place, word in enumerate(words) if word.endswith("bgad-inspect"))
        found.append(Line(dict(word.split("=", 1) for word in words[:start]), words[start + 1 :]))
    return found


def python_of(text: str) -> list[str]:
    """The blocks of Python code."""
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


README = lines_of((ROOT / "README.md").read_text(encoding="utf-8"))


def test_each_command_of_the_parser_is_shown_in_the_readme_or_serves_the_others():
    known = set(next(a for a in parser()._actions if a.choices).choices)
    shown = {line.words[0] for line in README}
    assert shown <= known
    assert known - shown - {"demo", "serve", "web", "worker", "evaluate"} == set()


def prepared(folder: Path) -> None:
    """What the README's lines name: parts of two kinds, and a weights file is not needed where the home is built in."""
    write_tree(folder / "path/to/screw", normals=10, held_normals=3, held_defects=3)
    tagged = '<image id="0" name="train/good/000.png" width="64" height="64"><tag label="dent"/></image>'
    (folder / "from-cvat.xml").write_text(f"<annotations>{tagged}</annotations>")
    for name in ("new-parts", "line-4"):
        (folder / "path/to" / name).mkdir(parents=True)
        (folder / "path/to" / name / "1.png").write_bytes(part(7000 + len(name), scratch=True))


def adapted(words: list[str]) -> list[str]:
    """The line as it is, but small: the built-in backbone, 64 pixels, the demo's schedule, and one look."""
    if words[:2] == ["project", "create"]:
        return [*words, "--built-in", "--size", "64"]
    if words[0] == "train":
        return [*words, "--preset", "demo"]
    if words[:2] == ["user", "add"]:
        return [*words, "--generate"]
    return [*words, "--once", "--settle", "0"] if words[0] == "watch" else words


@pytest.mark.slow
def test_every_line_of_the_readme_runs(tmp_path, monkeypatch, capfd):
    prepared(tmp_path)
    for name in [name for name in os.environ if name.startswith("BGAD_")]:
        monkeypatch.delenv(name)
    for name, value in {"HOME": tmp_path / "home", "DEVICE": "cpu", "THREADS": 1}.items():
        monkeypatch.setenv(f"BGAD_{name}", str(value))
    monkeypatch.chdir(tmp_path)
    ran = []
    for line in README:
        if (words := line.words)[0] in STAYS and words[0] != "watch":
            continue
        with monkeypatch.context() as set_before:
            for name, value in line.setting.items():
                set_before.setenv(name, value)
            code = main(adapted(words))
        assert code == 0, f"bgad-inspect {shlex.join(words)}: {capfd.readouterr()}"
        ran.append(words[0])
    assert {"project", "ingest", "train", "score", "export", "import-bundle", "model-token", "watch"} <= set(ran)


@pytest.mark.slow
def test_the_python_of_both_readmes_runs(shared, tmp_path, monkeypatch, capfd):
    """The library's first, which trains a model; then the product's, which scores parts by that file."""
    for folder, count in (("normal", 24), ("parts", 2)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"{number:02d}.png").write_bytes(part(number))
    (tmp_path / "new.png").write_bytes(part(50, scratch=True))
    (tmp_path / "resnet18.safetensors").symlink_to(shared / WEIGHTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bgad_core.config.product", small)
    for place in ("bgad_core/README.md", "README.md"):
        for block in python_of((ROOT / place).read_text(encoding="utf-8")):
            exec(compile(block, place, "exec"), {"__name__": "__main__"})
    said = capfd.readouterr().out.splitlines()
    assert re.fullmatch(r"0\.\d+ (normal|margin|defect)", said[-3]), said[-3]
    assert [line.split()[0] for line in said[-2:]] == ["00.png", "01.png"]


def small(backbone: BackboneConfig) -> BGADConfig:
    """One pass of each phase over small images: what is run is the README's lines, not how well they learn."""
    schedule = demo(backbone)
    return replace(schedule, size=64, training=replace(schedule.training, epochs_one=1, epochs_two=1, pastes=4))
