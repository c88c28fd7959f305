"""A database that goes away while a job runs: the job waits for it, and goes on as the same attempt."""

import pytest
from sqlalchemy.exc import OperationalError

from app.ledger import MOST_OUTAGES, through_outages
from storage.database import Database

NOWHERE = "postgresql://bgad@127.0.0.1:1/nothing"  # no server listens there


def cut_off(times):
    """A handler whose database is away the first so many times; and how often it was called."""
    calls = []

    def handler():
        calls.append(1)
        if len(calls) <= times:
            gone = Database(NOWHERE)
            with gone.read() as session:
                session.connection()
        return "done"

    return handler, calls


@pytest.mark.parametrize("times", [0, 1, 3])
def test_a_handler_that_was_cut_off_is_called_again_until_it_ends(database, times):
    handler, calls = cut_off(times)
    assert through_outages(database, handler) == "done" and len(calls) == times + 1


def test_a_database_that_is_always_away_for_it_ends_the_attempt(database):
    handler, calls = cut_off(1000)
    with pytest.raises(OperationalError):
        through_outages(database, handler)
    assert len(calls) == MOST_OUTAGES + 1


def test_another_error_is_not_tried_again(database):
    calls = []

    def wrong():
        calls.append(1)
        raise ValueError("no outage")

    with pytest.raises(ValueError, match="no outage"):
        through_outages(database, wrong)
    assert calls == [1]
