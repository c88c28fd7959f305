"""The audit trail's rows: entries that hash the ones before them, and where the chain ends."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.models import Base, UtcDateTime, now


class AuditEntry(Base):
    """Who did what, when. Triggers refuse every change; `sha256` covers the row and the hash before it.

    A project's entries outlive it, so that `project_id` points nowhere once it was deleted.
    """

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    by: Mapped[str] = mapped_column(String(80), index=True)
    project_id: Mapped[int | None] = mapped_column(Integer, index=True)
    action: Mapped[str] = mapped_column(String(40), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    previous: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The one row that says which entry is the last; whoever adds one holds it until they commit."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
