"""The command line: what works ends with 0, what a person can mend with 1 and one sentence, a typo with 2."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app import follow
from app.cli import main
from app.ledger import begin
from app.outbox import beats_of, worker_lives
from app.processes import environment_of
from app.services.errors import Refused
from app.services.retrain import cancel, request_retraining, retrain_preview, runs_of
from app.settings import Settings
from storage import images
from storage.blobs import path_of
from storage.models import RunState
from storage.run_rows import WorkerPulse
from tests.app.conftest import ENGINEER, part, write_tree
from tests.patience import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(settings, monkeypatch, capsys):
    """Runs one command in this process: (exit code, what it printed, what it complained)."""
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def complaint(answer: tuple[int, str, str]) -> str:
    """The one sentence of a command that ended with 1."""
    code, _, err = answer
    lines = [line for line in err.splitlines() if line.startswith("bgad-inspect: ")]
    assert code == 1 and len(lines) == 1 and "Traceback" not in err, err
    return lines[0]


def test_a_project_is_made_and_filled_from_the_command_line(command, context, tmp_path):
    code, out, _ = command("project", "create", "Tile 4", "--built-in", "--size", "64")
    assert code == 0 and "project tile-4" in out and "has seen no photographs" in out
    tree = write_tree(tmp_path / "in", normals=6, held_normals=1, held_defects=1)
    (tree / "train" / "good" / "broken.png").write_bytes(b"")
    code, out, _ = command("ingest", tree, "--project", "tile-4")
    assert code == 0
    assert "refused train/good/broken.png: is empty (0 bytes)" in out
    assert "8 added, 0 known already, 1 refused" in out and "next: bgad-inspect train --project tile-4" in out
    assert "0 added, 8 known already" in command("ingest", tree, "--project", "tile-4")[1]


def test_the_tile_of_the_command_line_is_what_a_retrain_trains_with(command, context, tmp_path):
    code, out, _ = command("project", "create", "pcb", "--built-in", "--size", "64", "--tile", "128")
    assert code == 0 and "tiles of 128 pixels as 64 pixels" in out
    command("ingest", write_tree(tmp_path / "in", normals=6, held_normals=0, held_defects=0), "--project", "pcb")
    job = begin(context.database, request_retraining(context, ENGINEER, "pcb", preset="demo"))
    from app.worker.retrain import config_of  # only now: it imports torch

    config = config_of(context, job)
    assert (config.size, config.tile) == (64, 128)
    seen = retrain_preview(context, ENGINEER, "pcb")
    assert (seen.size, seen.tile) == (64, 128)


@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", ".", "--project", "tyle"),
        ("train", "--project", "tyle"),
        ("score", ".", "--project", "tyle", "--out", "x.csv"),
    ],
)
def test_an_unknown_project_is_one_sentence(command, context, arguments):
    assert "there is no project 'tyle'" in complaint(command(*arguments))


def test_a_project_without_normals_cannot_be_trained_and_says_what_to_do(command, filled, context):
    slug = filled(normals=0)
    assert "no image that is labelled normal" in complaint(command("train", "--project", slug))
    assert runs_of(context, ENGINEER, slug) == []


def test_train_names_the_active_retrain_of_another_preset_and_queues_nothing(command, filled, context):
    slug = filled()
    run_id = request_retraining(context, ENGINEER, slug, preset="demo")
    said = complaint(command("train", "--project", slug, "--preset", "paper", "--reason", "second"))
    assert f"a retrain with preset demo, asked for by {ENGINEER.name}, is queued" in said
    assert "none with preset paper was queued" in said and "--preset demo follows it" in said
    assert [(run.id, run.arguments["preset"]) for run in runs_of(context, ENGINEER, slug)] == [(run_id, "demo")]


def test_train_says_once_when_the_worker_of_another_is_at_other_runs_dies_and_comes_back(filled, context, monkeypatch):
    monkeypatch.setattr(follow, "PATIENCE", 2.0)
    run_id = request_retraining(context, ENGINEER, filled(), preset="demo")
    said, beats = [], threading.Event()
    over = threading.Event()
    beats.set()

    def heart() -> None:
        """A worker that beats, and takes no run."""
        while not over.is_set():
            if beats.is_set():
                with context.database.write() as session:
                    pulse = session.get(WorkerPulse, "another") or WorkerPulse(executor_id="another", beats=0)
                    pulse.beats += 1
                    session.add(pulse)
            over.wait(0.05)

    def say(line: str) -> None:
        said.append(line)
        if "at other runs" in line:
            beats.clear()
        elif "no worker is up any more" in line:
            beats.set()
        elif line == "a worker is up again":
            cancel(context, ENGINEER, run_id)

    thread = threading.Thread(target=heart)
    thread.start()
    try:
        wait_for(lambda: beats_of(context.database), what="a first beat")
        with pytest.raises(Refused, match="the run was cancelled"):
            follow.follow(context, run_id, say)
    finally:
        over.set()
        thread.join()
    told = [line.split(":")[0] for line in said if not line.startswith("retrain: ")]
    assert told == [
        "no worker has taken the run yet",
        "no worker is up any more, and the run waits for one",
        "a worker is up again",
    ]


def test_scoring_before_any_version_and_to_an_odd_file_is_refused(command, filled, tmp_path):
    slug = filled()
    (tmp_path / "a.png").write_bytes(part(1))
    assert "has no version yet" in complaint(command("score", tmp_path, "--project", slug, "--out", tmp_path / "o.csv"))
    assert "name it .csv or .json" in complaint(command("score", tmp_path, "--project", slug, "--out", "o.xlsx"))
    assert "does not exist" in complaint(
        command("score", tmp_path, "--project", slug, "--out", tmp_path / "no" / "o.csv")
    )


def test_a_name_that_is_taken_and_weights_that_are_missing_are_one_sentence(command, context):
    assert command("project", "create", "tile", "--built-in")[0] == 0
    assert "already a project 'tile'" in complaint(command("project", "create", "Tile", "--built-in"))
    assert "does not exist" in complaint(command("project", "create", "wood", "--weights", "/nowhere.safetensors"))
    assert "not a multiple of 32" in complaint(command("project", "create", "wood", "--built-in", "--size", "100"))


def test_a_typo_ends_with_2_and_the_usage(command, capsys):
    with pytest.raises(SystemExit) as end:
        command("trian")
    assert end.value.code == 2 and "usage: bgad-inspect" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["web", "serve", "demo"])
def test_a_port_in_use_is_one_sentence(command, monkeypatch, name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("BGAD_PORT", str(port))
        said = complaint(command(name))
    assert f"port {port} on 127.0.0.1 cannot be used" in said and f"BGAD_PORT={port + 1}" in said


def test_settings_that_do_not_hold_are_one_sentence(command, monkeypatch, tmp_path):
    monkeypatch.setenv("BGAD_PORT", "http")
    assert "BGAD_PORT is 'http'" in complaint(command("web"))
    monkeypatch.setenv("BGAD_PORT", "8501")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("BGAD_HOME", str(tmp_path / "file"))
    assert "cannot be written" in complaint(command("project", "create", "x"))


def test_a_database_that_is_away_is_one_sentence_without_its_password(command, monkeypatch):
    monkeypatch.setenv("BGAD_DATABASE_URL", "postgresql://ann:hush@127.0.0.1:1/bgad")
    said = complaint(command("project", "create", "x"))
    assert "cannot be opened" in said and "hush" not in said
    monkeypatch.setenv("BGAD_DATABASE_URL", "mysql://ann@localhost/bgad")
    assert "mysql is not supported" in complaint(command("project", "create", "x"))


def test_settings_survive_the_way_into_a_child_process(settings):
    assert Settings.from_environment(environment_of(settings)) == settings


@pytest.mark.slow
def test_a_worker_of_its_own_ends_in_order_when_asked_to(settings, context):
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "worker"],
        cwd=ROOT,
        env={**os.environ, **environment_of(settings)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: worker_lives(context.database), what="the worker to beat")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and "Traceback" not in errors


@pytest.mark.parametrize("writes", [("backup", "b.zip"), ("export-labels", "tree", "--format", "mvtec", "--project")])
def test_a_command_that_writes_leaves_nothing_when_it_is_ended(settings, context, filled, tmp_path, writes):
    slug = filled(normals=3)
    if writes[0] == "backup":  # held where it reads something that never comes
        upload = settings.home / "uploads" / ("a" * 32)
        upload.mkdir(parents=True)
        os.mkfifo(upload / "000000")
        (upload / "names.json").write_text('{"000000": "x.png"}')
    else:
        with context.database.read() as session:
            last = list(images.images_for(session, 1))[-1].pixels
        held = settings.home / "objects" / path_of(last)
        held.unlink()
        os.mkfifo(held)
        writes = (*writes, slug)
    out = tmp_path / "out"
    out.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", writes[0], str(out / writes[1]), *writes[2:]],
        cwd=ROOT,
        env={**os.environ, **environment_of(settings)},
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: list(out.iterdir()) or process.poll() is not None, what="a half-written file")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143, errors
    assert list(out.iterdir()) == []
    assert errors.splitlines()[-1] == "bgad-inspect: stopped: nothing half-written was left" and "Trace" not in errors


@pytest.mark.slow
def test_train_and_score_from_the_command_line(command, filled, context, tmp_path):
    slug = filled(normals=10, held_normals=3, held_defects=3)
    code, out, err = command("train", "--project", slug, "--preset", "demo", "--reason", "day one")
    assert code == 0, err
    assert "no worker is up: one is started for this run" in out and "retrain: done" in out
    assert "retrain with preset demo, asked for by" in out
    run = runs_of(context, ENGINEER, slug)[0]
    assert (run.state, run.by, run.reason) == (RunState.done, "cli", "day one")
    source = tmp_path / "new"
    source.mkdir()
    (source / "good.png").write_bytes(part(50))
    (source / "bad.png").write_bytes(part(51, scratch=True))
    (source / "broken.png").write_bytes(b"")
    code, out, _ = command(
        "score", source, "--project", slug, "--out", tmp_path / "o.json", "--heatmaps", tmp_path / "h"
    )
    assert code == 1 and "refused broken.png" in out and "2 images scored with version 1" in out
    told = json.loads((tmp_path / "o.json").read_text())
    found = {row["name"]: row for row in told["images"]}
    assert found["bad.png"]["score"] > found["good.png"]["score"]
    assert sorted(path.name for path in (tmp_path / "h").iterdir()) == ["bad.png.png", "good.png.png"]
    (source / "broken.png").unlink()
    assert command("score", source, "--project", slug, "--out", tmp_path / "o.csv")[0] == 0
    head, *rows = (tmp_path / "o.csv").read_text().splitlines()
    assert head == "name,score,standing,lowest_log_p,version,refused" and len(rows) == 2
    assert {row.split(",")[0]: float(row.split(",")[1]) for row in rows} == {n: r["score"] for n, r in found.items()}
    shutil.copy(source / "good.png", source / f"{'漢' * 78}.png")
    (tmp_path / "h2" / "bad.png.png").mkdir(parents=True)  # no file can have this name here
    code, out, _ = command(
        "score", source, "--project", slug, "--out", tmp_path / "o2.json", "--heatmaps", tmp_path / "h2"
    )
    assert code == 1 and "no heatmap of bad.png: " in out and "3 images scored with version 1" in out
    assert len([path for path in (tmp_path / "h2").iterdir() if path.is_file()]) == 2


def test_no_service_or_page_process_needs_torch():
    code = "import sys, app.cli, app.services.score, app.services.retrain; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
