"""The audit trail: chained, append-only, and whatever was done to it behind our back is found and named."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage import audit
from storage.database import Database
from storage.migrate import downgrade, upgrade


def fill(database, count=6):
    for number in range(count):
        with database.write() as session:
            audit.record(session, by="eve", action="promote", details={"version": number, "share": 0.1})


def verified(database, **known):
    with database.read() as session:
        return audit.verify(session, **known)


def behind_our_back(database, *statements):
    """As somebody with the database's file or its owner's rights could: triggers off, then changed."""
    with database.engine.connect() as connection, connection.begin():
        if database.is_sqlite:
            connection.execute(text("DROP TRIGGER audit_no_update"))
            connection.execute(text("DROP TRIGGER audit_no_delete"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))


def test_entries_follow_one_another(database):
    assert verified(database) == audit.Checked(0, 0, audit.FIRST, None)
    fill(database)
    found = verified(database)
    assert (found.entries, found.last, found.broken) == (6, 6, None)
    assert verified(database, known=(6, found.head)).broken is None


@pytest.mark.parametrize("change", ["UPDATE audit SET by = 'otto'", "DELETE FROM audit WHERE id = 3"])
def test_the_database_itself_refuses_to_change_an_entry(database, change):
    fill(database)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.connect() as connection:
        connection.execute(text(change))
    assert verified(database).entries == 6


@pytest.mark.parametrize(
    ("change", "entries", "says"),
    [
        ("UPDATE audit SET by = 'otto' WHERE id = 4", 3, "entry 4 ('promote' by 'otto'"),
        ("UPDATE audit SET details = '{\"version\": 9}' WHERE id = 1", 0, "entry 1"),
        ("DELETE FROM audit WHERE id = 3", 2, "entry 4 does not follow entry 2"),
        ("DELETE FROM audit WHERE id = 6", 5, "ends at entry 5, its head at entry 6"),
        ("UPDATE audit SET id = id + 100 WHERE id = 2", 1, "entry 3 does not follow entry 1"),
    ],
)
def test_what_was_changed_removed_or_moved_is_named(database, change, entries, says):
    fill(database)
    behind_our_back(database, change)
    found = verified(database)
    assert found.entries == entries and says in found.broken


def test_a_chain_that_was_made_anew_is_found_by_a_head_that_somebody_kept(database):
    fill(database, 3)
    kept = verified(database)
    first = "0" * 64
    behind_our_back(
        database, "DELETE FROM audit", f"UPDATE audit_head SET entry_id = 0, sha256 = '{first}' WHERE id = 1"
    )
    fill(database, 5)
    assert verified(database).broken is None
    assert "entry 3" in verified(database, known=(kept.last, kept.head)).broken


def test_what_was_undone_is_not_told(database):
    fill(database, 1)
    with pytest.raises(RuntimeError), database.write() as session:
        audit.record(session, by="eve", action="promote")
        raise RuntimeError
    fill(database, 1)
    assert verified(database) == verified(database)
    assert verified(database).entries == 2


def test_many_writers_at_once_make_one_chain(database, database_url):
    errors = []

    def work(name):
        own = Database(database_url)
        try:
            for number in range(10):
                with own.write() as session:
                    audit.record(session, by=name, action="label", details={"n": number})
        except Exception as error:
            errors.append(error)
        own.dispose()

    threads = [threading.Thread(target=work, args=(f"w{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (verified(database).entries, verified(database).broken) == (60, None)


def test_what_was_there_before_the_chain_is_chained_as_it_stands(database):
    downgrade(database.engine, "0004")
    with database.engine.connect() as connection, connection.begin():
        for number in (1, 2, 5):  # numbers may have gaps
            connection.execute(
                text(
                    'INSERT INTO audit (id, at, "by", action, details) '
                    f"VALUES ({number}, '2026-11-25 08:00:00.123456', 'änne', 'sign in', '{{\"a\": [1, 2.5]}}')"
                )
            )
    upgrade(database.engine)
    found = verified(database)
    assert (found.entries, found.last, found.broken) == (3, 5, None)
    fill(database, 2)
    assert verified(database).entries == 5
    downgrade(database.engine, "0004")
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit")).scalar() == 5
    upgrade(database.engine)
    assert verified(database).entries == 5
