"""All rows of a database as lines of JSON, and back: alike for SQLite and PostgreSQL, so that one moves to the other.

Tables are read as the database has them, not as the models say: the rows of an older release come out as well as
today's, and a table that somebody adds is never forgotten.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    bindparam,
    func,
    insert,
    inspect,
    select,
    text,
)

from storage.database import Database
from storage.errors import StorageError

VERSION_TABLE = "alembic_version"
PASSING = frozenset({"sign_ins", "worker_pulses"})  # a restore signs nobody in, and revives no worker
ENGINE = frozenset(  # the job engine's on SQLite; it makes them again, and takes the jobs from `runs`
    {
        "application_versions",
        "dbos_migrations",
        "event_dispatch_kv",
        "notifications",
        "operation_outputs",
        "queues",
        "streams",
        "workflow_events",
        "workflow_events_history",
        "workflow_input",
        "workflow_output",
        "workflow_schedules",
        "workflow_status",
    }
)
DIGEST = re.compile(rb"[0-9a-f]{64}")
BATCH = 500


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees the database as it is at this moment, whatever others write meanwhile."""
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            connection.execute(text(f"SELECT count(*) FROM {VERSION_TABLE}"))  # it begins with the first read
            yield connection


def revision(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def tables(connection: Connection) -> list[Table]:
    """Those that are ours and outlast a restart, each after the ones that it refers to."""
    there = set(inspect(connection).get_table_names()) - ENGINE - PASSING - {VERSION_TABLE}
    metadata = MetaData()
    metadata.reflect(connection, only=sorted(there), resolve_fks=False)
    return list(metadata.sorted_tables)


def has_rows(connection: Connection) -> bool:
    """Whether anybody has put anything in."""
    return any(connection.execute(select(1).select_from(table).limit(1)).first() for table in tables(connection))


def lines(connection: Connection, table: Table) -> Iterator[bytes]:
    """A table's rows by primary key, one JSON list per line, in the order of the table's columns."""
    out = [_to_json(column) for column in table.columns]
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=BATCH)
    for row in connection.execute(query):
        values = [None if value is None else write(value) for write, value in zip(out, row, strict=True)]
        yield json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def load(connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[bytes]) -> int:
    """Put lines of `lines` into an empty table, ids and all; how many.

    Raises:
        StorageError: the table has no such columns.
    """
    if unknown := set(columns) - set(table.columns.keys()):
        raise StorageError(f"table {table.name} has no column {min(unknown)}: restore with the release of the backup")
    if connection.execute(select(func.count()).select_from(table)).scalar():
        connection.execute(table.delete())  # what the migrations themselves put in is in the backup too
    taken = [table.columns[name] for name in columns]
    back = [_from_json(column, naive=connection.dialect.name == "sqlite") for column in taken]
    statement = insert(table).values({column.name: bindparam(column.name, type_=_type(column)) for column in taken})
    count = 0
    lines = iter(rows)
    while batch := list(islice(lines, BATCH)):
        connection.execute(statement, [_named(columns, back, json.loads(line)) for line in batch])
        count += len(batch)
    if connection.dialect.name == "postgresql":
        _continue_numbers(connection, table)
    return count


def _named(columns: Sequence[str], back: list[Any], values: list[Any]) -> dict[str, Any]:
    return {
        name: None if value is None else read(value) for name, read, value in zip(columns, back, values, strict=True)
    }


def _to_json(column: Column[Any]) -> Any:
    if isinstance(column.type, LargeBinary):
        return lambda value: base64.b64encode(value).decode()
    if isinstance(column.type, DateTime):
        return lambda value: (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    return lambda value: value


def _from_json(column: Column[Any], *, naive: bool) -> Any:
    if isinstance(column.type, LargeBinary):
        return base64.b64decode
    if isinstance(column.type, DateTime):
        return lambda value: datetime.fromisoformat(value).replace(tzinfo=None if naive else UTC)
    return lambda value: value


def _type(column: Column[Any]) -> Any:
    """Nothing stays nothing: SQLAlchemy would write the word `null` into a JSON column."""
    return JSON(none_as_null=bool(column.nullable)) if isinstance(column.type, JSON) else column.type


def _continue_numbers(connection: Connection, table: Table) -> None:
    """Let a table's counter go on behind the highest number that was loaded."""
    keys = list(table.primary_key.columns)
    if len(keys) != 1 or keys[0].type.python_type is not int:
        return
    key = keys[0].name
    names = {"table": table.name, "key": key}
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :key)"), names).scalar()
    if sequence is not None:
        highest = connection.execute(select(func.max(table.columns[key]))).scalar()
        reached = {"sequence": sequence, "to": highest or 1, "used": highest is not None}
        connection.execute(text("SELECT setval(CAST(:sequence AS regclass), :to, :used)"), reached)
