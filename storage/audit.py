"""Who did what, when: entries are only ever added."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.models import AuditEntry


def record(
    session: Session, *, by: str, action: str, details: dict[str, Any] | None = None, project_id: int | None = None
) -> AuditEntry:
    """Add an entry in the transaction of what it tells of: both are kept, or neither."""
    entry = AuditEntry(by=by, action=action, details=details or {}, project_id=project_id)
    session.add(entry)
    return entry


def entries(session: Session, *, project_id: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
    """The latest entries, of one project or of all, the newest first."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    return session.scalars(query if project_id is None else query.where(AuditEntry.project_id == project_id)).all()
