"""Engine, sessions and write transactions, alike on SQLite and PostgreSQL.

SQLite: WAL, `synchronous=FULL`, foreign keys on, and every write opens with BEGIN IMMEDIATE. A deferred BEGIN that
turns into a write fails with "database is locked" whatever the timeout; an immediate one waits its turn. SQLite waits
by sleeping and looking again, and whoever comes next may be luckier, so threads of one process take turns by a lock.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from storage import audit
from storage.errors import BadText, StorageError, Unwritable
from storage.text import check_storable
from storage.turns import Turns

BUSY_TIMEOUT_MS = 30_000
NO_DISK = (
    "disk is full",
    "readonly database",
    "disk I/O error",
    "unable to open database file",
    "No space left on device",
    "read-only transaction",
)


class Database:
    """One database; open one per process.

    Args:
        url: SQLAlchemy URL, `sqlite:///file` or `postgresql://…` (psycopg 3 is used).

    Raises:
        StorageError: another kind of database.
    """

    def __init__(self, url: str) -> None:
        parsed = _with_driver(make_url(url))
        self.engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
        event.listen(self.engine, "before_cursor_execute", _check)
        self._turn = Turns()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing it changes is kept."""
        with _told(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One write transaction: committed at the end of the block with its audit entries, undone by any error.

        Raises:
            Unwritable: the disk is full or may not be written; nothing was changed.
        """
        with (
            _told(),
            self._my_turn(),
            self.engine.connect().execution_options(bgad_write=True) as connection,
            Session(connection, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
            audit.seal(session)

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """One writer of this process at a time on SQLite, in the order of asking.

        Who waits too long then waits for SQLite, which says so.
        """
        taken = self.is_sqlite and self._turn.acquire(timeout=BUSY_TIMEOUT_MS / 1000)
        try:
            yield
        finally:
            if taken:
                self._turn.release()

    def upgrade(self) -> None:
        """Bring the schema to the latest revision; two processes may do so at once."""
        from storage.migrate import upgrade

        upgrade(self.engine)

    def dispose(self) -> None:
        self.engine.dispose()


@contextmanager
def _told() -> Iterator[None]:
    """What the disk refuses becomes a sentence; all else is left to those who know what to make of it."""
    try:
        yield
    except DBAPIError as error:
        said = str(error.orig).strip().partition("\n")[0]
        if any(sign in said for sign in NO_DISK):
            raise Unwritable(
                f"the database cannot be written ({said}): free some space or mend its rights, then try again; "
                "nothing was changed"
            ) from error
        if isinstance(error, DataError):
            raise BadText(f"the database cannot hold one of the values ({said}): give another") from error
        raise


def _check(_connection: Any, _cursor: Any, _statement: str, values: Any, _context: Any, many: bool) -> None:
    """Refuse what one of the databases cannot hold before either sees it, so that both answer alike."""
    for row in values if many else (values,):
        for value in row.values() if isinstance(row, dict) else row or ():
            if isinstance(value, str):
                check_storable(value)
            elif isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise BadText(f"the number {str(value)[:20]}… is larger than a database can hold: give another")


def _with_driver(url: URL) -> URL:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return url
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise StorageError(f"{backend} is not supported: use sqlite:///file or postgresql://user@host/name")


def _postgresql(url: URL) -> Engine:
    return create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, pool_size=10, max_overflow=20)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, below
    prepare_sqlite(connection)


def prepare_sqlite(connection: sqlite3.Connection) -> None:
    """Make a new connection wait, write ahead, reach the disk and hold foreign keys."""
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a new database to WAL; the switch alone does not keep to `busy_timeout`, so two that start try again."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("bgad_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
