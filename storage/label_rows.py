"""Rows around a label: its types' masks, leases, skips, what a second person said, the import that it came with."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models import Base, UtcDateTime, now


class TypedMask(Base):
    """Where one type of defect lies in an image that has several; a label of one type has none of these rows."""

    __tablename__ = "typed_masks"
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id"), primary_key=True)
    defect_type_id: Mapped[int] = mapped_column(ForeignKey("defect_types.id"), primary_key=True)
    mask: Mapped[bytes] = mapped_column(LargeBinary)  # 1-bit PNG, full size of the image, 1 = of this type


class Lease(Base):
    """An image that the queue has given to somebody, until it expires."""

    __tablename__ = "leases"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    by: Mapped[str] = mapped_column(String(80))
    purpose: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Skip(Base):
    """An image that somebody put off; the queue does not offer it to them again by itself."""

    __tablename__ = "skips"
    __table_args__ = (Index("ix_skips_image", "image_id"),)
    by: Mapped[str] = mapped_column(String(80), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"), primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LabelReview(Base):
    """A second person's word on one revision of a label."""

    __tablename__ = "label_reviews"
    id: Mapped[int] = mapped_column(primary_key=True)
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id"), index=True)
    accepted: Mapped[bool] = mapped_column(Boolean)
    reason: Mapped[str] = mapped_column(String(500), default="")
    by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LabelImport(Base):
    """A file of labels that somebody took over, with what was left out of it; undone, its labels no longer stand."""

    __tablename__ = "label_imports"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), index=True)
    source: Mapped[str] = mapped_column(String(300))
    format: Mapped[str] = mapped_column(String(20))
    by: Mapped[str] = mapped_column(String(80))
    labels: Mapped[int]
    skipped: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)  # [{"image":, "item":, "why":}]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(String(80))


class ImportedLabel(Base):
    """One label of an import."""

    __tablename__ = "imported_labels"
    annotation_id: Mapped[int] = mapped_column(ForeignKey("annotations.id"), primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("label_imports.id"), index=True)
    held_out: Mapped[bool] = mapped_column(Boolean)  # whether its image was, before
