"""Which objects rows still name: read from every text of every table, so that what a later table keeps is not lost.

The audit trail names none: it tells of what was, and outlives it.
"""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, Column, Enum, String, Text, cast, not_, select
from sqlalchemy.orm import Session

from storage import account_rows, audit_rows, label_rows, run_rows, shards  # noqa: F401  (of Base.metadata)
from storage.models import Base
from storage.removal import rows_of

DIGEST = re.compile(r"[0-9a-f]{64}")
TRAIL = frozenset({"audit", "audit_head"})
BATCH = 1000


def unnamed(session: Session, keys: Iterable[str], *, without: int | None = None) -> set[str]:
    """Those of `keys` that stand in no row; `without` leaves a project's own rows out of account.

    Reads the texts of all tables once: about two seconds for a million scores.
    """
    left = set(keys)
    for table in Base.metadata.sorted_tables:
        texts = [cast(column, Text) for column in table.columns if _may_name(column)]
        if not left or not texts or table.name in TRAIL:
            continue
        query = select(*texts)
        if without is not None and (mine := rows_of(table, without)) is not None:
            query = query.where(not_(mine))
        for row in session.execute(query.execution_options(yield_per=BATCH)):
            for text in row:
                left.difference_update(DIGEST.findall(text or ""))
    return left


def _may_name(column: Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind, JSON) or (
        isinstance(kind, String) and not isinstance(kind, Enum) and (kind.length or 64) >= 64
    )
