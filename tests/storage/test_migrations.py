"""The migrations make what the models say, up and down, with rows, and beside another process that does the same."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from storage import images
from storage.database import Database
from storage.errors import StorageError
from storage.migrate import downgrade, upgrade
from storage.models import Base, Verdict
from tests.storage.seeds import a_project, an_image, say


def test_models_and_migrations_agree(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_down_and_up_again_with_rows(database):
    with database.write() as session:
        say(session, an_image(session, a_project(session)), Verdict.normal)
    downgrade(database.engine, "base")
    assert set(inspect(database.engine).get_table_names()) == {"alembic_version"}
    upgrade(database.engine)
    with database.write() as session:
        assert images.projects(session) == []
        a_project(session)


def test_two_that_start_together_upgrade_once(empty_database_url):
    errors = []

    def start():
        try:
            database = Database(empty_database_url)
            database.upgrade()
            database.dispose()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    database = Database(empty_database_url)
    with database.write() as session:
        a_project(session)
    database.dispose()


def test_eight_that_open_a_new_database_at_the_same_moment_all_get_in(tmp_path):
    """On SQLite the switch to write-ahead logging answers "locked" at once, whatever the timeout."""
    errors = []
    for number in range(60):
        url, together = f"sqlite:///{tmp_path}/{number}.db", threading.Barrier(8)

        def start(url=url, together=together):
            together.wait()
            database = Database(url)
            try:
                with database.write() as session:
                    session.execute(text("SELECT 1"))
            except DBAPIError as error:
                errors.append(error)
            finally:
                database.dispose()

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def test_another_kind_of_database_is_refused_by_name():
    with pytest.raises(StorageError, match="mysql is not supported: use sqlite"):
        Database("mysql://host/name")


def test_foreign_keys_hold_after_an_upgrade(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'b.db'}")
    database.upgrade()
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    database.dispose()
