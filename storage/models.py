"""Rows. Annotations, versions, promotions and the audit trail are append-only: what was said is never rewritten."""

from datetime import UTC, datetime
from enum import Enum
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import DateTime, TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite drops time zones, so they are put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: pass datetime.now(UTC)")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    return datetime.now(UTC)


class Role(Enum):
    """What somebody may do: the first four in one project, admin everywhere; each includes the ones before it."""

    viewer = 1
    inspector = 2
    reviewer = 3
    engineer = 4
    admin = 5


class Verdict(Enum):
    normal = "normal"
    defect = "defect"
    unsure = "unsure"


class Standing(Enum):
    """Where an image's most abnormal place stands against the boundary of a version."""

    normal = "normal"  # no place below b_n
    margin = "margin"  # some place between b_a and b_n
    defect = "defect"  # some place below b_a


class RunState(Enum):
    queued = "queued"
    running = "running"
    cancelling = "cancelling"
    cancelled = "cancelled"
    failed = "failed"
    done = "done"


NEVER_AGAIN = {"sqlite_autoincrement": True}  # a removed row's number is not given to another: browsers remember it
ACTIVE = (RunState.queued, RunState.running, RunState.cancelling)


class Base(DeclarativeBase):
    pass


class Project(Base):
    """One product or part type."""

    __tablename__ = "projects"
    __table_args__ = NEVER_AGAIN
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # backbone, weights, size, schedule
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Image(Base):
    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("project_id", "sha256"),
        Index("ix_images_came", "project_id", "created_at"),
        Index("ix_images_order", "project_id", "id"),
        Index("ix_images_ingest", "ingest_id"),
        NEVER_AGAIN,
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    sha256: Mapped[str] = mapped_column(String(64))  # of the file that came in; its blob key
    pixels: Mapped[str] = mapped_column(String(64))  # blob key of the 8-bit RGB PNG that is served and trained on
    thumb: Mapped[str] = mapped_column(String(64))  # blob key of the thumbnail
    name: Mapped[str] = mapped_column(String(500))
    width: Mapped[int]
    height: Mapped[int]
    held_out: Mapped[bool] = mapped_column(Boolean, default=False)  # never trained on: metrics and calibration
    ingest_id: Mapped[int] = mapped_column(ForeignKey("ingests.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Ingest(Base):
    """One arrival of images, with what was refused and why."""

    __tablename__ = "ingests"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    source: Mapped[str] = mapped_column(String(1000))
    by: Mapped[str] = mapped_column(String(80))
    added: Mapped[int] = mapped_column(default=0)
    duplicates: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)  # [{"name": ..., "reason": ...}]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DefectType(Base):
    __tablename__ = "defect_types"
    __table_args__ = (UniqueConstraint("project_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    name: Mapped[str] = mapped_column(String(80))


class Annotation(Base):
    """What one person said of one image. A later revision stands beside the earlier ones, never over them."""

    __tablename__ = "annotations"
    __table_args__ = (
        UniqueConstraint("image_id", "revision"),
        Index("ix_annotations_current", "project_id", "image_id", "revision"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    revision: Mapped[int]  # 1, 2, … per image
    verdict: Mapped[Verdict | None]  # None: the label was withdrawn (undo)
    defect_type_id: Mapped[int | None] = mapped_column(ForeignKey("defect_types.id"))
    mask: Mapped[bytes | None] = mapped_column(LargeBinary)  # 1-bit PNG, full size of the image, 1 = abnormal
    ignore: Mapped[bytes | None] = mapped_column(LargeBinary)  # 1-bit PNG, 1 = "don't care": neither trained nor judged
    by: Mapped[str] = mapped_column(String(80))
    client_id: Mapped[str] = mapped_column(String(64), unique=True)  # a retried save finds its first attempt
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))  # what the person saw
    score: Mapped[float | None] = mapped_column(Float)
    purpose: Mapped[str | None] = mapped_column(String(20))  # why the queue showed it; None when a person chose it
    blind: Mapped[bool | None] = mapped_column(Boolean)  # True: the person answered before any heat was shown
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Version(Base):
    """A trained model with its boundary. Never changed after it was added."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("project_id", "number"), NEVER_AGAIN)
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    number: Mapped[int]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), unique=True)  # one run, one version
    checkpoint: Mapped[str] = mapped_column(String(64))  # blob key of the safetensors file
    config: Mapped[dict[str, Any]] = mapped_column(JSON)
    # [{"level": "fused"|"1"…, "b_n":, "b_a":, "median":, "spread":}]
    boundaries: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    histograms: Mapped[dict[str, Any]] = mapped_column(JSON)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)  # images and annotation revisions it was made from
    known_anomalies: Mapped[int] = mapped_column(default=0)
    device: Mapped[str] = mapped_column(String(80))
    seconds: Mapped[float] = mapped_column(Float)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Promotion(Base):
    """Who let which version decide, and when. The last one of a project stands; rolling back adds another."""

    __tablename__ = "promotions"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    by: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500), default="")
    # the checks as they stood, whether somebody overrode them, and what became of the operating point
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OperatingPoint(Base):
    """Where somebody let a version stop parts, and on what evidence. The last one of a version stands."""

    __tablename__ = "operating_points"
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), index=True)
    promise: Mapped[str] = mapped_column(String(20))  # boundary | expected | confident | edited
    alpha: Mapped[float | None] = mapped_column(Float)  # share of good parts that may be stopped; None: the boundary's
    confidence: Mapped[float | None] = mapped_column(Float)
    stop: Mapped[float] = mapped_column(Float)  # scores above it are stopped
    reject: Mapped[float] = mapped_column(Float)  # scores above it are defects without a second look
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # normals, rank, expected, low, high
    by: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Evaluation(Base):
    """A version's metrics on one set of held-out images with their labels. Two compare when the set is the same."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("version_id", "set_sha256"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    set_sha256: Mapped[str] = mapped_column(String(64))  # of the images' hashes and their annotations' ids
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Score(Base):
    """One image under one version. A higher score is more abnormal."""

    __tablename__ = "scores"
    __table_args__ = (
        Index("ix_scores_ranked", "version_id", "score"),
        Index("ix_scores_boundary", "version_id", "distance"),
        Index("ix_scores_waiting", "version_id", "waiting", "score"),
        Index("ix_scores_waiting_boundary", "version_id", "waiting", "distance"),
        Index("ix_scores_waiting_novelty", "version_id", "waiting", "novelty"),
        Index("ix_scores_standing", "version_id", "standing", "waiting", "score"),
        Index("ix_scores_draw", "version_id", "standing", "draw"),
        Index("ix_scores_image", "image_id"),
    )
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    score: Mapped[float] = mapped_column(Float)
    distance: Mapped[float] = mapped_column(Float)  # |lowest fused log_p - b_n|: near the boundary first
    standing: Mapped[Standing]
    maps: Mapped[str] = mapped_column(String(64))  # blob key of the .npz with `fused` and `levels` log-likelihood maps
    waiting: Mapped[bool] = mapped_column(Boolean, server_default=true())  # nobody's label stands: what a queue reads
    draw: Mapped[float | None] = mapped_column(Float)  # the audit's lot in [0, 1); None: labelled when it was scored
    margin: Mapped[float | None] = mapped_column(Float)  # share of the map in regions between b_a and b_n
    novelty: Mapped[float | None] = mapped_column(Float)  # 1 = as far from all that is labelled as labelled parts lie
    descriptor: Mapped[bytes | None] = mapped_column(LargeBinary)  # float16, its most abnormal region's features


class Run(Base):
    """A job as people see it. The engine keeps its own tables; `app/jobs.py` keeps the two in step."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "ix_runs_one_active_retrain",
            "project_id",
            unique=True,
            sqlite_where=text("kind = 'retrain' AND state IN ('queued', 'running', 'cancelling')"),
            postgresql_where=text("kind = 'retrain' AND state IN ('queued', 'running', 'cancelling')"),
        ),
        Index("ix_runs_project", "project_id", "created_at"),
        Index("ix_runs_state", "state", "created_at"),
    )
    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid4, also the engine's workflow id
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    kind: Mapped[str] = mapped_column(String(20))  # ingest, score, retrain …: the worker's handlers
    state: Mapped[RunState] = mapped_column(default=RunState.queued)
    by: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(500), default="")
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  # phase, done, total, loss, seconds_left, note
    # what a check found; versions and scores have rows of their own
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
