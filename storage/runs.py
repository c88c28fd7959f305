"""Runs as people see them. Their states are moved by `app/jobs.py` and the worker."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.models import ACTIVE, Run
from storage.run_rows import RunLine


def run(session: Session, run_id: str) -> Run | None:
    return session.get(Run, run_id)


def runs(session: Session, project_id: int, *, limit: int = 20) -> Sequence[Run]:
    """The latest runs of a project, the newest first."""
    query = select(Run).where(Run.project_id == project_id)
    return session.scalars(query.order_by(Run.created_at.desc(), Run.id).limit(limit)).all()


def active_run(session: Session, project_id: int, kind: str | None = None) -> Run | None:
    """The project's oldest queued or running run, of one kind or of any."""
    query = select(Run).where(Run.project_id == project_id, Run.state.in_(ACTIVE)).order_by(Run.created_at)
    if kind is not None:
        query = query.where(Run.kind == kind)
    return session.scalars(query.limit(1)).first()


def oldest_active(session: Session) -> datetime | None:
    """When the oldest run of any project that has not ended was asked for; None when all have."""
    return session.scalar(select(Run.created_at).where(Run.state.in_(ACTIVE)).order_by(Run.created_at).limit(1))


def lines(session: Session, run_id: str) -> Sequence[RunLine]:
    """A run's log, the oldest line first."""
    return session.scalars(select(RunLine).where(RunLine.run_id == run_id).order_by(RunLine.id)).all()
