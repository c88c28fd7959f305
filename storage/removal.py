"""Everything that belongs to a project, found by following foreign keys: what it is, and its end.

A table that somebody adds is removed with the rest as soon as a foreign key leads from it to `projects`.
"""

import re
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.orm import Session

from storage import account_rows, label_rows, run_rows  # noqa: F401  (of Base.metadata)
from storage.models import ACTIVE, Annotation, Base, Image, Project, Run, Score, Version
from storage.shards import Shard, contents_of, result_name

KEY = re.compile(r"[0-9a-f]{64}")


def rows_of(table: Table, project_id: int) -> ColumnElement[bool] | None:
    """Which rows of a table belong to the project; None when no foreign key leads from it to `projects`."""
    if table.name == Project.__tablename__:
        return table.c.id == project_id
    steps = [key for key in table.foreign_keys if key.column.table.name != table.name]
    for key in sorted(steps, key=lambda key: key.column.table.name != Project.__tablename__):
        if key.column.table.name == Project.__tablename__:
            return key.parent == project_id
        if (above := rows_of(key.column.table, project_id)) is not None:
            return key.parent.in_(select(key.column).where(above))
    return None


def counts(session: Session, project_id: int) -> dict[str, int]:
    """Rows by table, and under `masks` the labels that carry one; what there is none of is left out."""
    found = {}
    for table in Base.metadata.sorted_tables:
        if (mine := rows_of(table, project_id)) is not None:
            found[table.name] = session.scalar(select(func.count()).select_from(table).where(mine)) or 0
    drawn = (Annotation.project_id == project_id, Annotation.mask.is_not(None))
    found["masks"] = session.scalar(select(func.count()).select_from(Annotation).where(*drawn)) or 0
    return {name: count for name, count in found.items() if count}


def objects(session: Session, project_id: int) -> set[str]:
    """Keys of the objects that the project's rows name: images, thumbnails, checkpoints, maps, pasted previews."""
    found: set[str] = set()
    for pixels, thumb in session.execute(select(Image.pixels, Image.thumb).where(Image.project_id == project_id)):
        found |= {pixels, thumb}
    found.update(session.scalars(select(Version.checkpoint).where(Version.project_id == project_id)))
    mine = select(Version.id).where(Version.project_id == project_id)
    found.update(session.scalars(select(Score.maps).where(Score.version_id.in_(mine))))
    for result in session.scalars(select(Run.result).where(Run.project_id == project_id, Run.result.is_not(None))):
        found.update(KEY.findall(str(result)))
    return found


def results(session: Session, project_id: int) -> list[str]:
    """Names of the results that the project's shards may have left in the object store."""
    query = select(Shard, Version.checkpoint).join(Version, Version.id == Shard.version_id)
    rows = session.execute(query.where(Version.project_id == project_id)).all()
    return [result_name(checkpoint, contents_of(session, shard, project_id)) for shard, checkpoint in rows]


def uploads(session: Session, project_id: int) -> list[str]:
    """Names of the folders of staged uploads that the project's ingests came from."""
    given = session.scalars(select(Run.arguments).where(Run.project_id == project_id, Run.kind == "ingest"))
    return [str(arguments["source"]) for arguments in given if arguments.get("source")]


def awaited_uploads(session: Session) -> set[str]:
    """Those that ingests of any project, queued or running, have still to bring in."""
    given = session.scalars(select(Run.arguments).where(Run.state.in_(ACTIVE), Run.kind == "ingest"))
    return {str(arguments.get("source", "")) for arguments in given}


def run_ids(session: Session, project_id: int) -> Sequence[str]:
    return session.scalars(select(Run.id).where(Run.project_id == project_id)).all()


def hold(session: Session, project_id: int, *, image_ids: Sequence[int] | None = None) -> None:
    """Keep others from adding to the project, and to all of its images or to these, until this transaction ends.

    The images come before the project, as they do for whoever saves a label: so neither waits for the other.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time
        mine = select(Image.id).where(Image.project_id == project_id).order_by(Image.id)
        mine = mine if image_ids is None else mine.where(Image.id.in_(image_ids))
        session.scalar(select(func.count()).select_from(mine.with_for_update().subquery()))
    session.get_one(Project, project_id, with_for_update=True)


def remove(session: Session, project_id: int) -> None:
    """Delete every row of the project, those that refer before those that they refer to.

    One statement per table: SQLite and PostgreSQL hold foreign keys at its end, so that a version may go together with
    the one that it came from.
    """
    for table in reversed(Base.metadata.sorted_tables):
        if (mine := rows_of(table, project_id)) is not None:
            session.execute(delete(table).where(mine))
    session.expire_all()
