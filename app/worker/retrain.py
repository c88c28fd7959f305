"""One retrain: from the labels of a project to its next version, finished exactly once whatever kills it on the way.

Everything up to the version lies in the run's own folder and is picked up again; the version, its scores and, for the
first one, its promotion are one transaction, and a run that has its version already does nothing more.
"""

import hashlib
import json
import logging
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

import bgad_core
from app.jobs import Job
from app.services.context import Context
from app.services.errors import Refused
from app.services.impact import let_decide
from app.settings import Settings
from app.worker import review
from app.worker.device import owned_device
from app.worker.samples import CACHE_BYTES, plan_of, samples_of, snapshot, write_json
from app.worker.score import ScoreRow, labelled_references, score_all, values_of, with_novelty
from app.worker.together import train_together
from bgad_core import config as presets
from bgad_core.config import BackboneConfig, BGADConfig, Precision, in_precision
from bgad_core.feature_cache import FeatureCache
from bgad_core.features import fast_precision, resolve_device
from bgad_core.model import BGAD
from bgad_core.training import Progress, train
from storage import audit, decisions, runs, scores, versions
from storage.models import ACTIVE, Project, Run, Version

log = logging.getLogger(__name__)


def retrain(context: Context, job: Job) -> None:
    """Train, score every image of the project, evaluate on its held-out labels, and add the version."""
    if _version_of(context, job) is not None:
        return
    started = time.monotonic()
    home = context.settings.home
    folder = home / "runs" / job.run_id
    with owned_device(home, job):
        clear_leftovers(context)
        plan = plan_of(context, job.project_id, folder)
        config = config_of(context, job)
        model = _model(context, job, folder)
        rows = score_all(context, model, job, folder / "scores.jsonl")
        rows = with_novelty(rows, labelled_references(context, job.project_id, rows))
        job.progress("evaluation", 0, 1)
        parent = review.deciding(context, job.project_id)
        figures = review.figures(context, job, model, plan, rows, parent)
        checkpoint = folder / "model.safetensors"
        model.save(checkpoint)
        key = context.blobs.put(checkpoint.read_bytes())
    facts = {
        "checkpoint": key,
        "config": config.to_dict(),
        "boundaries": [vars(boundary) for boundary in model.boundaries],
        "histograms": figures.histograms,
        "metrics": figures.metrics,
        "snapshot": {**snapshot(context, job.project_id, plan), "code": code_of()},
        "known_anomalies": len(plan.anomalies),
        "device": _machine(context.settings),
        "seconds": time.monotonic() - started,
    }
    _add(context, job, parent, facts, rows)
    shutil.rmtree(folder, ignore_errors=True)


def config_of(context: Context, asked: Job | Run) -> BGADConfig:
    """The preset that was asked for, on the project's backbone, image size and tile."""
    with context.database.read() as session:
        settings: dict[str, Any] = session.get_one(Project, asked.project_id).settings
    backbone = BackboneConfig(settings["backbone"], weights=settings["weights"], built_in=settings["built_in"])
    name = asked.arguments.get("preset", "product")
    if name not in ("product", "paper", "demo"):
        raise Refused(f"preset {name!r} is not known: choose product, paper or demo")
    config: BGADConfig = getattr(presets, name)(backbone)
    if name != "paper":
        config = in_precision(config, precision_of(context.settings))
    seed = int(asked.arguments.get("seed", config.seed))
    return replace(config, size=settings["size"], tile=settings.get("tile"), seed=seed)


def _machine(settings: Settings) -> str:
    device = str(resolve_device(settings.device))
    return device if settings.ranks == 1 else f"{settings.ranks} × {device}"


def precision_of(settings: Settings) -> Precision:
    """What new versions are made in: as the settings say, or what this machine's device is fast at."""
    if settings.precision == "auto":
        return fast_precision(resolve_device(settings.device))
    return "bfloat16" if settings.precision == "bfloat16" else "float32"


def code_of() -> dict[str, str]:
    """The code that a version came from: the release, and a hash over the method's sources as they were run."""
    digest = hashlib.sha256()
    for path in sorted(Path(bgad_core.__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    try:
        release = version("bgad-inspect")
    except PackageNotFoundError:  # run from a checkout that was never installed
        release = "checkout"
    return {"release": release, "bgad_core_sha256": digest.hexdigest()}


def _model(context: Context, job: Job, folder: Path) -> BGAD:
    show = _Shown(job, folder / "losses.json")
    if context.settings.ranks == 1:
        return trained(context, job, folder, show, job.cancelled)
    device = resolve_device(context.settings.device)
    if device.type == "cuda" and context.settings.ranks > (there := torch.cuda.device_count()):
        raise Refused(
            f"BGAD_RANKS is {context.settings.ranks}, for a GPU each, and {there} are here: set it to {there}"
        )
    return BGAD.load(train_together(job, folder, context.settings.ranks, show), device=str(device))


def trained(
    context: Context, asked: Job | Run, folder: Path, show: Callable[[Progress], None], should_stop: Callable[[], bool]
) -> BGAD:
    """The model of a run's plan; in a group of processes, each does its share and has the same model in the end."""
    plan = plan_of(context, asked.project_id, folder)
    normals, anomalies, calibration = samples_of(context, asked.project_id, plan)
    home = context.settings.home
    return train(
        config_of(context, asked),
        normals=normals,
        anomalies=anomalies,
        calibration=calibration,
        folder=folder / "training",
        phase_one_folder=home / "phase-one",
        cache=FeatureCache(home / "features", CACHE_BYTES),
        device=context.settings.device,
        threads=context.settings.threads,
        progress=show,
        should_stop=should_stop,
    )


@dataclass
class _Shown:
    """Puts a training's progress on its run, with the losses of all passes and where the places stood after the last.

    Attributes:
        kept: where the losses lie, so that the next attempt of this run shows them too.
        losses: by phase, the loss of each pass.
    """

    job: Job
    kept: Path
    losses: dict[str, list[float | None]] = field(default_factory=dict)
    live: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kept.is_file():
            self.losses = json.loads(self.kept.read_text(encoding="utf-8"))

    def __call__(self, step: Progress) -> None:
        loss = step.loss if step.loss is not None and math.isfinite(step.loss) else None  # JSON knows no NaN
        if step.live:
            self.live = [asdict(level) for level in step.live]
            passes = self.losses.setdefault(step.phase, [])
            del passes[step.done - 1 :]  # a pass that a killed attempt had reported is trained again
            passes += [None] * (step.done - 1 - len(passes)) + [loss]
            write_json(self.kept, self.losses)
        more = {"losses": self.losses, "live": self.live} if self.live or self.losses else {}
        self.job.progress(
            step.phase, step.done, step.total, loss=loss, seconds_left=step.seconds_left, note=step.note, **more
        )


def clear_leftovers(context: Context) -> None:
    """Remove the folders of runs that are over: a failed or cancelled one never goes on."""
    for folder in (context.settings.home / "runs").glob("*"):
        with context.database.read() as session:
            run = runs.run(session, folder.name)
        if run is None or run.state not in ACTIVE:
            shutil.rmtree(folder, ignore_errors=True)


def _version_of(context: Context, job: Job) -> Version | None:
    with context.database.read() as session:
        found = (version for version in versions.versions(session, job.project_id) if version.run_id == job.run_id)
        return next(found, None)


def _add(context: Context, job: Job, parent: Version | None, facts: dict[str, Any], rows: list[ScoreRow]) -> None:
    """The version, its scores and the first one's promotion: all of it or nothing."""
    with context.database.write() as session:
        added = versions.add_version(
            session,
            project_id=job.project_id,
            run_id=job.run_id,
            parent_id=parent.id if parent else None,
            **facts,
        )
        scores.save_scores(session, added.id, [values_of(row) for row in rows])
        held = facts["metrics"]["held_out"]
        for evaluated, metrics in ((added, held["this"]), (parent, held["parent"])):
            if evaluated is not None and metrics is not None:
                decisions.save_evaluation(session, version_id=evaluated.id, set_sha256=held["sha256"], metrics=metrics)
        details = {"version": added.number, "run": job.run_id}
        audit.record(session, by=job.by, action="add version", details=details, project_id=job.project_id)
        if versions.deciding_version(session, job.project_id) is None:
            let_decide(session, added, by="system", reason="the first version")
    log.info("project %s has version %s", job.project_id, added.number)
