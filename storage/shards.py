"""Shards: parts of a scoring request that any worker may take. Functions on a Session; none commits.

Whoever changes a shard holds its run's row, so that of two that finish last one sees the other.
"""

import hashlib
import json
from collections.abc import Sequence
from enum import Enum

from sqlalchemy import ForeignKey, Index, Integer, String, Text, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from storage.models import ACTIVE, Base, Image, Run, RunState
from storage.scores import is_unscored

FORMAT = 1  # raise it when a result's rows change


class ShardState(Enum):
    waiting = "waiting"
    running = "running"
    done = "done"
    parked = "parked"
    cancelled = "cancelled"


OPEN = (ShardState.waiting, ShardState.running)


class Shard(Base):
    """The images of a project from one id to another, to be scored by one version."""

    __tablename__ = "shards"
    __table_args__ = (Index("ix_shards_state", "run_id", "state", "number"),)
    run_id: Mapped[str] = mapped_column(String(36), ForeignKey("runs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    first_image: Mapped[int]
    last_image: Mapped[int]
    images: Mapped[int]
    scored: Mapped[int] = mapped_column(default=0)
    state: Mapped[ShardState] = mapped_column(default=ShardState.waiting)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)


def plan(session: Session, *, run_id: str, version_id: int, project_id: int, size: int) -> list[Shard]:
    """Cut what the version has not seen, and no open shard of another run holds, into shards of `size` images.

    They are for the caller to add: a request is cut once, in one transaction.
    """
    number = ((func.row_number().over(order_by=Image.id) - 1) // size).label("number")
    todo = select(Image.id, number).where(
        Image.project_id == project_id, Image.id > taken_up_to(session, version_id), is_unscored(version_id)
    )
    cut = todo.subquery()
    query = select(cut.c.number, func.min(cut.c.id), func.max(cut.c.id), func.count()).group_by(cut.c.number)
    return [
        Shard(run_id=run_id, number=n, version_id=version_id, first_image=low, last_image=high, images=count)
        for n, low, high, count in session.execute(query.order_by(cut.c.number))
    ]


def taken_up_to(session: Session, version_id: int) -> int:
    """The last image id that an open shard of the version holds; 0 without any."""
    open_ones = select(func.max(Shard.last_image)).where(Shard.version_id == version_id, Shard.state.in_(OPEN))
    return session.scalar(open_ones) or 0


def has_shards(session: Session, run_id: str) -> bool:
    return session.scalar(select(Shard.number).where(Shard.run_id == run_id).limit(1)) is not None


def due(session: Session, *, limit: int) -> Sequence[tuple[str, int]]:
    """(run id, number) of the next open shards, the oldest request's first."""
    query = select(Shard.run_id, Shard.number).join(Run, Run.id == Shard.run_id)
    query = query.where(Run.state.in_(ACTIVE), Shard.state.in_(OPEN)).order_by(Run.created_at, Shard.number)
    return [(run_id, number) for run_id, number in session.execute(query.limit(limit))]


def shard(session: Session, run_id: str, number: int) -> Shard | None:
    return session.get(Shard, (run_id, number), with_for_update=True)


def images_in(session: Session, held: Shard, project_id: int) -> Sequence[Image]:
    """The shard's images, in the order in which they came."""
    mine = (Image.project_id == project_id, Image.id >= held.first_image, Image.id <= held.last_image)
    return session.scalars(select(Image).where(*mine).order_by(Image.id)).all()


def contents_of(session: Session, held: Shard, project_id: int) -> list[tuple[int, str]]:
    """(id, key of the pixels) of the shard's images, in the order of `images_in`."""
    mine = (Image.project_id == project_id, Image.id >= held.first_image, Image.id <= held.last_image)
    return [
        (row.id, row.pixels) for row in session.execute(select(Image.id, Image.pixels).where(*mine).order_by(Image.id))
    ]


def result_name(checkpoint: str, contents: Sequence[tuple[int, str]]) -> str:
    """The name under which the object store keeps a shard's result: what it was made of, in order."""
    made_of = [FORMAT, checkpoint, [list(content) for content in contents]]
    return "shards/" + hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def cancelling(session: Session) -> Sequence[str]:
    """Requests in shards that somebody asked to stop."""
    query = select(Run.id).where(Run.state == RunState.cancelling)
    return session.scalars(query.where(select(Shard.number).where(Shard.run_id == Run.id).exists())).all()


def cancel_waiting(session: Session, run_id: str) -> None:
    """What nobody works on is cancelled at once."""
    waiting = (Shard.run_id == run_id, Shard.state == ShardState.waiting)
    session.execute(update(Shard).where(*waiting).values(state=ShardState.cancelled))


def tally(session: Session, run_id: str) -> tuple[dict[ShardState, int], int, int]:
    """(shards by state, images scored, images in all) of a request."""
    query = select(Shard.state, func.count(), func.sum(Shard.scored), func.sum(Shard.images))
    rows = session.execute(query.where(Shard.run_id == run_id).group_by(Shard.state)).all()
    return {state: n for state, n, _, _ in rows}, sum(row[2] for row in rows), sum(row[3] for row in rows)


def first_error(session: Session, run_id: str) -> str | None:
    parked = (Shard.run_id == run_id, Shard.state == ShardState.parked)
    return session.scalar(select(Shard.error).where(*parked).order_by(Shard.number).limit(1))
