"""Images that a project need not keep: old, never labelled, and nothing that any version was made from."""

from collections.abc import Iterator, Sequence, Set
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from storage.clock import there
from storage.label_rows import Lease
from storage.models import Annotation, Base, Image, Score, Version

BATCH = 1000


def expired(session: Session, project_id: int, *, before: datetime, used: Set[str]) -> Iterator[list[int]]:
    """Ids of such images that came before `before`, about `BATCH` at a time, in the order of their numbers.

    One with any label in its history stays, a withdrawn one too, one that the queue has given to somebody, and one
    whose hash is among the `used`.
    """
    after = 0
    while page := session.execute(_candidates(project_id, before, after).limit(BATCH)).all():
        yield [row.id for row in page if row.sha256 not in used]
        after = page[-1].id


def keys_of(session: Session, image_ids: Sequence[int]) -> set[str]:
    """Keys of the objects that these images and their scores name."""
    rows = session.execute(select(Image.pixels, Image.thumb).where(Image.id.in_(image_ids)))
    maps = session.scalars(select(Score.maps).where(Score.image_id.in_(image_ids)))
    return {key for row in rows for key in row} | set(maps)


def remove(session: Session, project_id: int, image_ids: Sequence[int], *, before: datetime) -> int:
    """Delete those of the images, held by this transaction, that are still expired, with whatever refers to them.

    Looked at again, because somebody may have labelled one before it was held. Answers how many went.
    """
    still = _candidates(project_id, before, 0).where(Image.id.in_(image_ids))
    going = [row.id for row in session.execute(still)]
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column is Image.__table__.c.id:
                session.execute(delete(table).where(key.parent.in_(going)))
    session.execute(delete(Image).where(Image.id.in_(going)))
    return len(going)


def _candidates(project_id: int, before: datetime, after: int) -> Select[int, str]:
    labelled = select(Annotation.id).where(Annotation.image_id == Image.id).exists()
    given = select(Lease.image_id).where(Lease.image_id == Image.id, Lease.expires_at > there()).exists()
    mine = (Image.project_id == project_id, Image.created_at < before, Image.id > after)
    return select(Image.id, Image.sha256).where(*mine, ~labelled, ~given).order_by(Image.id)


def used(session: Session, project_id: int) -> set[str]:
    """Hashes of all images that some version's snapshot names."""
    found: set[str] = set()
    for snapshot in session.scalars(select(Version.snapshot).where(Version.project_id == project_id)):
        found.update(snapshot.get("normals", []), snapshot.get("calibration", []))
        found.update(row["sha256"] for row in [*snapshot.get("anomalies", []), *snapshot.get("labels", [])])
    return found
