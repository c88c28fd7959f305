"""At a million images PostgreSQL answers what a page or a poll asks from indexes: no plan walks through a table."""

import os

import pytest
from sqlalchemy import event, select

from bench.scale import SMALL, WHOLE, pages
from bench.scale_rows import filled
from storage.database import Database
from storage.models import Image
from tests.conftest import own_postgresql

ROWS = int(os.environ.get("SCALE_ROWS", 1_000_000))
BIG = {"images", "scores", "annotations", "runs"}
pytestmark = pytest.mark.slow
BY_LABELS = ("queue: label checks", "incoming: 30 days")  # they go through the labels, a twentieth of the images


@pytest.fixture(scope="module")
def million(postgresql_server):
    for url in own_postgresql(postgresql_server):
        database = Database(url)
        database.upgrade()
        yield database, filled(database, ROWS)
        database.dispose()


FEW = 100_000  # rows that one step may look at: 30 days of parts are 41,000


def walked(database, read, made):
    """Big tables that any statement of a read goes through from end to end, or of which it looks at many rows."""
    asked = []

    def keep(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", keep)
    with database.read() as session:
        read(session, made)
    event.remove(database.engine, "before_cursor_execute", keep)
    assert asked
    found = set()
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            [plan] = connection.exec_driver_sql("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).scalar_one()
            found |= {node.get("Relation Name") for node in nodes(plan["Plan"]) if walks(node)}
    return found & BIG


def walks(node):
    seen = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return node["Node Type"] == "Seq Scan" or seen > FEW


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def test_nothing_that_a_page_or_a_poll_asks_walks_through_a_table(million):
    database, made = million
    with database.read() as session:
        asked = {**SMALL, **pages(session, made), "incoming: 30 days": WHOLE["incoming: 30 days"]}
    found = {name: walked(database, read, made) for name, read in asked.items()}
    for name in BY_LABELS:
        found[name] -= {"annotations"}
    assert {name: tables for name, tables in found.items() if tables} == {}


def test_the_plans_are_read_rightly(million):
    """A search in the middle of names can only go through all of them, and is seen to."""
    database, made = million
    search = select(Image.id).where(Image.name.icontains("nothing"))
    assert walked(database, lambda session, _: session.scalars(search).all(), made) == {"images"}
