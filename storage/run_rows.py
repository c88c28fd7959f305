"""Rows around a run: the lines of its log, and the heartbeats of the workers that run them."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from storage.models import Base, UtcDateTime, now


class RunLine(Base):
    """One line of a run's log, for people."""

    __tablename__ = "run_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), index=True)
    attempt: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class WorkerPulse(Base):
    """A worker's heartbeat counter. Readers compare counts over their own monotonic clock, never wall clocks."""

    __tablename__ = "worker_pulses"
    executor_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    beats: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
