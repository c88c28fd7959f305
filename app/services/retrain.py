"""Retraining: what it would learn from, start it, watch it, stop it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import jobs
from app.services.access import project_of, run_of
from app.services.authority import Actor
from app.services.context import Context
from app.services.errors import Refused
from storage import annotations, audit, runs, typed_masks, versions
from storage.models import Annotation, Image, Project, Role, Run, Verdict, Version
from storage.run_rows import RunLine

PRESETS = ("product", "paper", "demo")
MIN_NORMALS = 5  # two for calibration and three to learn from: the least that has a median and a spread


@dataclass(frozen=True)
class TrainingData:
    """The labelled images that a retrain would use; held-out ones never are.

    Attributes:
        normals: images whose label is normal.
        anomalies: (image, its current annotation) where the label is defect.
        said: the current annotations of the project by image id.
    """

    normals: list[Image]
    anomalies: list[tuple[Image, Annotation]]
    said: dict[int, Annotation] = field(default_factory=dict)


@dataclass(frozen=True)
class RetrainPreview:
    """What a retrain would learn from, and how that differs from what the deciding version learnt from.

    Attributes:
        normals: normal parts it would learn from; a fifth of them calibrates the boundary.
        anomalies: images with known defects.
        known: the same by type ("untyped" where nobody gave one); an image with several types counts for each.
        without_mask: known defects without a mask; they train on their most abnormal features.
        new_normals, new_anomalies: not in the deciding version's snapshot, or labelled differently there.
        phase_one_reused: True when the normals are those of the deciding version, so that phase 1 stands.
        version_number: the deciding version, None before day one.
        refusal: why a retrain cannot start, as a sentence; None when it can.
        active_run: the retrain that is queued or running, if any.
        size, tile: pixels that the model sees at once, and how many of the image they show; None: the whole image.
    """

    normals: int
    anomalies: int
    known: dict[str, int]
    without_mask: int
    new_normals: int
    new_anomalies: int
    phase_one_reused: bool
    version_number: int | None
    refusal: str | None
    active_run: str | None
    size: int
    tile: int | None


def training_data(session: Session, project_id: int) -> TrainingData:
    """The current labels of all images that are not held out, in a stable order (by content)."""
    current = {row.image_id: row for row in annotations.current_annotations(session, project_id)}
    query = select(Image).where(Image.project_id == project_id, Image.held_out.is_(False)).order_by(Image.sha256)
    normals, anomalies = [], []
    for image in session.scalars(query):
        said = current.get(image.id)
        if said is not None and said.verdict is Verdict.normal:
            normals.append(image)
        elif said is not None and said.verdict is Verdict.defect:
            anomalies.append((image, said))
    return TrainingData(normals, anomalies, current)


def refusal(project: Project, data: TrainingData) -> str | None:
    """Why this cannot be trained on, as a sentence that says what to do; None when it can."""
    if len(data.normals) >= MIN_NORMALS:
        return None
    count = len(data.normals)
    has = "no image that is labelled normal" if count == 0 else f"only {count} labelled normal"
    return (
        f"{project.slug} has {has} outside the held-out ones, and training needs at least {MIN_NORMALS}: "
        "ingest normal parts with `--content normal`, or label some as normal"
    )


def retrain_preview(context: Context, actor: Actor, project_slug: str) -> RetrainPreview:
    """What the next retrain would learn from."""
    with context.database.read() as session:
        project = project_of(session, actor, project_slug, Role.viewer)
        data = training_data(session, project.id)
        types = {row.id: row.name for row in annotations.defect_types(session, project.id)}
        several = typed_masks.names_of(session, project.id)
        version = versions.deciding_version(session, project.id)
        active = session.scalar(jobs.active(project.id, "retrain"))
    new_normals, new_anomalies = learnt_since(data, version)
    known: Counter[str] = Counter()
    for _, said in data.anomalies:
        known.update({types.get(said.defect_type_id or 0, "untyped"), *several.get(said.id, ())})
    return RetrainPreview(
        normals=len(data.normals),
        anomalies=len(data.anomalies),
        known=dict(sorted(known.items())),
        without_mask=sum(said.mask is None for _, said in data.anomalies),
        new_normals=new_normals,
        new_anomalies=new_anomalies,
        phase_one_reused=version is not None and {image.sha256 for image in data.normals} == _normals_of(version),
        version_number=version.number if version else None,
        refusal=refusal(project, data),
        active_run=active,
        size=project.settings["size"],
        tile=project.settings.get("tile"),
    )


def learnt_since(data: TrainingData, version: Version | None) -> tuple[int, int]:
    """(normals, known anomalies) that are not in the version's snapshot, or are labelled differently there."""
    learnt = {(row["sha256"], row["annotation_id"]) for row in (version.snapshot["anomalies"] if version else [])}
    new_normals = {image.sha256 for image in data.normals} - _normals_of(version)
    return len(new_normals), sum((image.sha256, said.id) not in learnt for image, said in data.anomalies)


def _normals_of(version: Version | None) -> set[str]:
    return {*version.snapshot["normals"], *version.snapshot["calibration"]} if version else set()


def request_retraining(
    context: Context, actor: Actor, project_slug: str, *, reason: str = "", preset: str = "product", seed: int = 0
) -> str:
    """Queue a retrain and return its run's id; while one is active, its id is returned and nothing is queued.

    Args:
        seed: of the flows' weights and of every draw. Retrains on the same labels with other seeds tell how much chance
            moves the boundary; drift is judged against that.

    Raises:
        Refused: too few normals, or an unknown preset.
    """
    if preset not in PRESETS:
        raise Refused(f"preset {preset!r} is not known: choose {', '.join(PRESETS)}")
    with context.database.write() as session:
        project = project_of(session, actor, project_slug, Role.engineer)
        if (why := refusal(project, training_data(session, project.id))) is not None:
            raise Refused(why)
        active = session.scalar(jobs.active(project.id, "retrain"))
        run_id = active or jobs.submit(
            session,
            project_id=project.id,
            kind="retrain",
            by=actor.name,
            reason=reason[:500],
            arguments={"preset": preset, **({"seed": seed} if seed else {})},
        )
        if run_id != active:
            details = {"run": run_id, "reason": reason, "preset": preset}
            audit.record(session, by=actor.name, action="retrain", details=details, project_id=project.id)
    return run_id


def cancel(context: Context, actor: Actor, run_id: str) -> None:
    """Ask a run to stop; it does within seconds. Nothing happens when it is over already."""
    with context.database.write() as session:
        run = run_of(session, actor, run_id, Role.engineer)
        if jobs.cancel(session, run_id):
            audit.record(session, by=actor.name, action="cancel", details={"run": run_id}, project_id=run.project_id)


def run_view(context: Context, actor: Actor, run_id: str) -> Run:
    """One run as it stands: its state, progress and error are for people to read."""
    with context.database.read() as session:
        return run_of(session, actor, run_id, Role.viewer)


def runs_of(context: Context, actor: Actor, project_slug: str, *, limit: int = 20) -> Sequence[Run]:
    """The latest runs of a project, the newest first."""
    with context.database.read() as session:
        return list(runs.runs(session, project_of(session, actor, project_slug, Role.viewer).id, limit=limit))


def log_of(context: Context, actor: Actor, run_id: str) -> Sequence[RunLine]:
    """A run's log, the oldest line first."""
    with context.database.read() as session:
        return runs.lines(session, run_of(session, actor, run_id, Role.viewer).id)
