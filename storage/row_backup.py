"""The rows' part of a backup, and the backup that an upgrade makes of them by itself."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

from storage import archive, dump, migrate
from storage.archive import Writer
from storage.database import Database

ROWS_ONLY, WHOLE = "rows", "whole"
OBJECTS = {"images": ("pixels", "thumb"), "versions": ("checkpoint",), "scores": ("maps",)}  # these must be there


@dataclass
class Named:
    """What rows say of things outside the database.

    Attributes:
        digests: every 64-digit hash in any row, as bytes; some are keys of objects.
        needed: keys of objects that must be there.
        weights: paths of backbone files.
    """

    digests: set[bytes] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    weights: set[str] = field(default_factory=set)


def facts_of(kind: str) -> dict[str, Any]:
    """The start of a manifest; the rest is filled in while the backup is written."""
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"kind": kind, "made_at": made_at, "tables": {}, "weights": {}, "missing": []}


def add_rows(connection: Connection, writer: Writer, facts: dict[str, Any]) -> Named:
    """Every row of ours; answers what they name."""
    named = Named()
    facts["revision"] = dump.revision(connection)
    for table in dump.tables(connection):
        kept = {"columns": table.columns.keys(), "rows": 0}
        writer.add(f"tables/{table.name}.jsonl", _noted(connection, table, kept, named), compress=True)
        facts["tables"][table.name] = kept
    return named


def save_before_upgrade(database: Database, folder: Path) -> Path | None:
    """Keep all rows in a file when the schema is about to change under them; None when there is nothing to keep.

    Raises:
        StorageError: it cannot be written; then nothing should be upgraded.
    """
    with database.engine.connect() as connection:
        before = dump.revision(connection)
    if before is None or before == migrate.head() or not migrate.known(before):
        return None
    with dump.snapshot(database) as connection:
        if not dump.has_rows(connection):
            return None
        folder.mkdir(parents=True, exist_ok=True)
        out = folder / f"before-upgrade-from-{before}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.zip"
        facts = facts_of(ROWS_ONLY)
        with archive.written(out, facts) as writer:
            add_rows(connection, writer, facts)
    return out


def _noted(connection: Connection, table: Table, kept: dict[str, Any], named: Named) -> Iterator[bytes]:
    needed = [kept["columns"].index(name) for name in OBJECTS.get(table.name, ())]
    settings = kept["columns"].index("settings") if table.name == "projects" else None
    for line in dump.lines(connection, table):
        kept["rows"] += 1
        named.digests.update(bytes.fromhex(digest.decode()) for digest in dump.DIGEST.findall(line))
        values = json.loads(line) if needed or settings is not None else []
        named.needed.update(values[place] for place in needed)
        if settings is not None and (weights := (values[settings] or {}).get("weights")):
            named.weights.add(weights)
        yield line
