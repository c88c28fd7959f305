"""What is installed is what the locks name, from files with the hashes there; nothing is installed in another way."""

import hashlib
import re
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SETS = ("", "-dev", "-build", "-export", "-ray", "-s3", "-serve", "-audit")
INSTALLED_TOGETHER = ("", "-build", "-export", "-ray", "-s3", "-serve")


def asked(path):
    """What a requirements file asks for, with those that it includes."""
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from asked(path.parent / line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            yield Requirement(line)


def locked(name):
    """(requirement, its hashes) by name, of a lock."""
    lines = (ROOT / f"requirements{name}.lock").read_text().replace("\\\n", "").splitlines()
    rows = {}
    for line in filter(None, lines):
        requirement, *hashes = line.split("--hash=")
        parsed = Requirement(requirement.strip())
        rows[canonicalize_name(parsed.name)] = (parsed, {one.strip() for one in hashes})
    assert len(rows) == len([line for line in lines if line]), "a distribution stands in the lock twice"
    return rows


@pytest.mark.parametrize("name", SETS)
def test_a_lock_has_what_is_asked_for_in_the_version_asked_for(name):
    rows = locked(name)
    for requirement in asked(ROOT / f"requirements{name}.txt"):
        assert requirement.specifier == rows[canonicalize_name(requirement.name)][0].specifier, (
            f"{requirement}: run `make lock`"
        )


@pytest.mark.parametrize("name", SETS)
def test_every_distribution_of_a_lock_has_one_version_and_hashes_and_no_index(name):
    for requirement, hashes in locked(name).values():
        assert [s.operator for s in requirement.specifier] == ["=="], requirement
        assert hashes and all(re.fullmatch("sha256:[0-9a-f]{64}", one) for one in hashes), requirement
    assert "://" not in (ROOT / f"requirements{name}.lock").read_text()


@pytest.mark.parametrize("name", INSTALLED_TOGETHER)
def test_locks_that_meet_in_one_environment_agree(name):
    everything = locked("-dev")
    for key, (requirement, hashes) in locked(name).items():
        assert (requirement.specifier, hashes) == (everything[key][0].specifier, everything[key][1]), key


def test_what_is_installed_is_what_the_lock_names():
    here = {key: row for key, (row, _) in locked("-dev").items() if row.marker is None or row.marker.evaluate()}
    assert {key: f"=={metadata.version(key)}" for key in here} == {key: str(row.specifier) for key, row in here.items()}


def test_what_is_installed_pulls_in_nothing_beside_the_lock():
    rows = locked("-dev")
    for key, (requirement, _) in rows.items():
        if requirement.marker is None or requirement.marker.evaluate():
            for line in metadata.requires(key) or []:
                pulled = Requirement(line)
                if pulled.marker is None or pulled.marker.evaluate({"extra": ""}):
                    assert canonicalize_name(pulled.name) in rows, f"{key} needs {pulled}: run `make lock`"


def test_nothing_is_installed_without_hashes_but_this_project_itself():
    peers = (
        "$(PEERS)/bin/pip install --quiet -r requirements-bench.txt"  # other people's tools, in their own environment
    )
    for name in ("Makefile", "Dockerfile"):
        text = (ROOT / name).read_text().replace("\\\n", " ").replace(peers, "")
        for command in re.findall(r"pip install[^&\n]*", text):
            ours = "--no-deps" in command and "--no-build-isolation" in command and "-r " not in command
            assert ours or "--require-hashes" in command or "HASHED" in command, f"{name}: {command}"
        assert all("--require-hashes" in line for line in re.findall(r"HASHED ?:?=.*", text))


@pytest.mark.slow
def test_a_file_that_was_changed_is_refused(tmp_path):
    wheel = tmp_path / "part-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("part.py", "GOOD = True\n")
        file.writestr("part-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: part\nVersion: 1.0\n")
        file.writestr("part-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("part-1.0.dist-info/RECORD", "part.py,,\npart-1.0.dist-info/METADATA,,\n")
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"part==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    install = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", tmp_path, "--require-hashes"]
    install += ["--only-binary", ":all:", "-r", lock, "--target"]
    subprocess.run([*install, tmp_path / "whole"], check=True, capture_output=True)
    assert (tmp_path / "whole" / "part.py").is_file()

    with zipfile.ZipFile(wheel, "a") as file:
        file.writestr("more.py", "print('let in')\n")
    refused = subprocess.run([*install, tmp_path / "changed"], capture_output=True, text=True)
    assert refused.returncode != 0 and "DO NOT MATCH THE HASHES" in refused.stderr, refused.stderr
    assert not (tmp_path / "changed" / "part.py").exists()
