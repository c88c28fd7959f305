"""Who did what, when: entries are only ever added, and each hashes the one before it.

A changed, removed or reordered entry breaks the chain at its place, and `verify` names it. Somebody with the rights to
rewrite the whole table can make a new chain; a head that was written down elsewhere (`Checked.head`) shows that.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.audit_rows import AuditEntry, AuditHead
from storage.models import now

FIRST = "0" * 64  # what the first entry takes for the hash before it
PENDING = "audit"  # in a session's info: what its transaction has to tell
PAGE = 1000


@dataclass(frozen=True)
class Checked:
    """What reading the whole chain found.

    Attributes:
        entries: how many follow one another.
        last, head: number and hash of the last of those.
        broken: the first entry that does not follow, in words; None when all do.
    """

    entries: int
    last: int
    head: str
    broken: str | None


def record(
    session: Session, *, by: str, action: str, details: dict[str, Any] | None = None, project_id: int | None = None
) -> None:
    """Add an entry in the transaction of what it tells of: both are kept, or neither.

    It is chained by `seal`, as the last thing before the commit: the head of the chain is held for as short as can be,
    and always after every other row, so that two writers cannot wait for each other.
    """
    plain = json.loads(json.dumps(details or {}, allow_nan=False))
    entry = {"at": now(), "by": by[:80], "action": action, "details": plain, "project_id": project_id}
    session.info.setdefault(PENDING, []).append(entry)


def seal(session: Session) -> None:
    """Chain what this transaction recorded; `Database.write` calls it before it commits."""
    pending = session.info.pop(PENDING, [])
    if not pending:
        return
    session.flush()
    head = session.get(AuditHead, 1, with_for_update=True) or _first_head(session)
    for entry in pending:
        number = head.entry_id + 1
        sha256 = digest(id=number, previous=head.sha256, **entry)
        session.add(AuditEntry(id=number, previous=head.sha256, sha256=sha256, **entry))
        head.entry_id, head.sha256 = number, sha256
    session.flush()


def _first_head(session: Session) -> AuditHead:
    """The head of a chain that has no entry yet; of two that begin together, one waits for the other."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(AuditHead).values(id=1, entry_id=0, sha256=FIRST).on_conflict_do_nothing())
    return session.get_one(AuditHead, 1, with_for_update=True)


def digest(
    *, id: int, at: datetime, by: str, project_id: int | None, action: str, details: dict[str, Any], previous: str
) -> str:
    """The SHA-256 of an entry: of its canonical JSON (keys sorted, no spaces, ASCII, UTC with microseconds)."""
    moment = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    facts = {"id": id, "at": moment, "by": by, "project_id": project_id, "action": action, "details": details}
    facts["previous"] = previous
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def entries(
    session: Session,
    *,
    project_id: int | None = None,
    by: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
) -> Sequence[AuditEntry]:
    """The latest entries, the newest first; `before` is the id of the last one seen."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    for condition in (
        None if project_id is None else AuditEntry.project_id == project_id,
        None if by is None else AuditEntry.by == by,
        None if action is None else AuditEntry.action == action,
        None if since is None else AuditEntry.at >= since,
        None if until is None else AuditEntry.at < until,
        None if before is None else AuditEntry.id < before,
    ):
        query = query if condition is None else query.where(condition)
    return session.scalars(query).all()


def actions(session: Session) -> Sequence[str]:
    """Every kind of entry that there is."""
    return session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()


def verify(session: Session, *, known: tuple[int, str] | None = None) -> Checked:
    """Read the whole chain.

    Args:
        known: an entry's number and hash that somebody wrote down; it has to be in the chain still.
    """
    previous, last, count, missing = FIRST, 0, 0, known
    for entry in _all(session):
        if entry.previous != previous:
            why = f"entry {entry.id} does not follow entry {last}: one was changed, removed or moved"
            return Checked(count, last, previous, why)
        if entry.sha256 != _digest_of(entry):
            said = f"{entry.action!r} by {entry.by!r} at {entry.at:%Y-%m-%d %H:%M:%S} UTC"
            return Checked(count, last, previous, f"entry {entry.id} ({said}) was changed after it was written")
        missing = None if missing == (entry.id, entry.sha256) else missing
        previous, last, count = entry.sha256, entry.id, count + 1
    head = session.get(AuditHead, 1)
    if (head.entry_id, head.sha256) != (last, previous) if head else last > 0:
        ends = f"{head.entry_id}" if head else "nowhere"
        why = f"the chain ends at entry {last}, its head at entry {ends}: entries are missing"
        return Checked(count, last, previous, why)
    if missing:
        why = f"entry {missing[0]} with hash {missing[1]} is not in the chain: it was rewritten"
        return Checked(count, last, previous, why)
    return Checked(count, last, previous, None)


def _all(session: Session) -> Iterator[AuditEntry]:
    """Every entry by number, a page at a time: the trail may be larger than memory."""
    last = -1
    while page := session.scalars(
        select(AuditEntry).where(AuditEntry.id > last).order_by(AuditEntry.id).limit(PAGE)
    ).all():
        yield from page
        last = page[-1].id
        session.expunge_all()


def _digest_of(entry: AuditEntry) -> str:
    return digest(
        id=entry.id,
        at=entry.at,
        by=entry.by,
        project_id=entry.project_id,
        action=entry.action,
        details=entry.details,
        previous=entry.previous,
    )
