"""Run the migrations from inside the product, under a lock that two starting processes respect."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x42474144  # "BGAD"


def alembic_config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision that this release's models stand on."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def known(revision: str) -> bool:
    """Whether this release has a revision of that name; a newer release's it has not."""
    folder = MIGRATIONS / "versions"
    return any(path.name.startswith(f"{revision}_") for path in folder.glob("*.py"))


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade to `revision`; waits while another process does."""
    with locked(engine) as connection:
        command.upgrade(alembic_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to `revision`, for tests and for an operator who says so."""
    with locked(engine) as connection:
        command.downgrade(alembic_config(connection), revision)


@contextmanager
def locked(engine: Engine) -> Iterator[Connection]:
    """One transaction that nobody else migrates beside.

    On SQLite foreign keys are off while tables are copied (with them on, dropping the old table deletes its children);
    the check before the commit takes their place. The pragma has no effect inside a transaction, so it comes first.
    """
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if sqlite:
            _foreign_keys(connection, on=False)
        try:
            with connection.execution_options(bgad_write=True).begin():
                if not sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                yield connection
                if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
                    raise RuntimeError(f"the migration would orphan {len(broken)} rows, first {broken[0]}: undone")
        finally:
            if sqlite:
                _foreign_keys(connection, on=True)


def _foreign_keys(connection: Connection, *, on: bool) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")
    cursor.close()
