"""Who works on which image, and what somebody put off. A lease ends by itself: a closed laptop blocks nobody.

It begins and ends by the database's clock, so that a web server whose clock is wrong takes no image away from anybody.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.clock import there
from storage.label_rows import Lease, Skip

LEASED_FOR = timedelta(minutes=10)


def take(session: Session, *, project_id: int, image_id: int, by: str, purpose: str) -> bool:
    """Lease an image; False when it is somebody else's at this moment.

    One upsert whose condition the database checks under the row's lock, on SQLite and PostgreSQL alike: of two that ask
    together one gets it, and the other is told so without waiting for a transaction of theirs.
    """
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    fresh = {"by": by, "purpose": purpose, "expires_at": there(LEASED_FOR)}
    statement = insert(Lease).values(image_id=image_id, project_id=project_id, **fresh)
    upsert = statement.on_conflict_do_update(
        index_elements=["image_id"], set_=fresh, where=(Lease.by == by) | (Lease.expires_at < there())
    ).returning(Lease.image_id)
    return session.scalar(upsert) is not None


def leased_to(session: Session, project_id: int, by: str) -> Lease | None:
    """The image that somebody holds, if any."""
    mine = (Lease.project_id == project_id, Lease.by == by, Lease.expires_at >= there())
    return session.scalar(select(Lease).where(*mine).order_by(Lease.expires_at.desc()).limit(1))


def holder(session: Session, image_id: int) -> Lease | None:
    """The lease on an image, if one stands."""
    return session.scalar(select(Lease).where(Lease.image_id == image_id, Lease.expires_at >= there()))


def is_worn(session: Session, image_id: int) -> bool:
    """Whether an image has no lease, or one that ends before half of its time."""
    fresh = select(Lease.image_id).where(Lease.image_id == image_id, Lease.expires_at >= there(LEASED_FOR / 2))
    return session.scalar(fresh) is None


def others(session: Session, project_id: int, by: str) -> Sequence[int]:
    """Images that other people hold now."""
    return session.scalars(
        select(Lease.image_id).where(Lease.project_id == project_id, Lease.by != by, Lease.expires_at >= there())
    ).all()


def give_back(session: Session, project_id: int, by: str) -> None:
    """End all leases of somebody in a project."""
    session.execute(delete(Lease).where(Lease.project_id == project_id, Lease.by == by))


def skip(session: Session, *, project_id: int, image_id: int, by: str) -> None:
    """Put an image off for this person; once more changes nothing."""
    if session.get(Skip, (by, image_id)) is None:
        session.add(Skip(by=by, image_id=image_id, project_id=project_id))
    session.execute(delete(Lease).where(Lease.image_id == image_id, Lease.by == by))


def forget_skips(session: Session, project_id: int, by: str) -> int:
    """Offer this person again what they put off; how many that is."""
    mine = (Skip.project_id == project_id, Skip.by == by)
    count = session.scalar(select(func.count()).select_from(Skip).where(*mine)) or 0
    session.execute(delete(Skip).where(*mine))
    return count


def skipped(session: Session, project_id: int, by: str) -> Sequence[int]:
    """What somebody put off."""
    return session.scalars(select(Skip.image_id).where(Skip.project_id == project_id, Skip.by == by)).all()


def is_free(image_id: InstrumentedAttribute[int], by: str) -> ColumnElement[bool]:
    """Neither held by another person nor put off by this one."""
    held = select(Lease.image_id).where(Lease.image_id == image_id, Lease.by != by, Lease.expires_at >= there())
    return ~held.exists() & ~select(Skip.image_id).where(Skip.image_id == image_id, Skip.by == by).exists()
