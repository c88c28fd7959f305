"""Backup: rows, objects, checkpoints, weights and waiting uploads in one verified file, beside running servers.

Rows come from one snapshot; objects are written before the rows that name them and never change, so what the snapshot
names is there. Whatever was confirmed before the backup began is in it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.services.authority import Actor, require
from app.services.context import Context
from app.services.sources import NAMES
from storage import archive, audit, dump
from storage.archive import Archive, Writer
from storage.blobs import Blobs
from storage.errors import StorageError
from storage.models import Role
from storage.row_backup import WHOLE, Named, add_rows, facts_of

CHUNK = 2**20


@dataclass(frozen=True)
class BackupReport:
    """What a backup holds; `missing` are objects and files that rows name and nobody has."""

    made_at: str
    revision: str
    rows: int
    objects: int
    bytes: int
    missing: list[str]


def make_backup(context: Context, actor: Actor, out: Path) -> BackupReport:
    """Write a backup, and read it again before it gets its name.

    Raises:
        StorageError: `out` exists, cannot be written, or was not whole when it was read; then nothing is left of it.
    """
    with context.database.read() as session:
        require(session, actor, Role.admin)
    facts = facts_of(WHOLE)
    with archive.written(out, facts, check=verify_backup) as writer:
        _add_uploads(context.settings.home, writer)  # before the rows: what an active run waits for is here
        with dump.snapshot(context.database) as connection:
            named = add_rows(connection, writer, facts)
        facts["missing"] += _add_uploads(context.settings.home, writer)
        _add_weights(writer, named.weights, facts)
        facts["missing"] += _add_objects(context.blobs, writer, named)
    with archive.opened(out) as opened:
        report = report_of(opened)
    with context.database.write() as session:
        audit.record(session, by=actor.name, action="backup", details={"file": out.name, "rows": report.rows})
    return report


def verify_backup(path: Path) -> BackupReport:
    """Read a backup from end to end.

    Raises:
        StorageError: it is not whole.
    """
    with archive.opened(path) as opened:
        opened.verify()
        for name in opened.names("objects"):
            if not name.endswith(opened.entries[name]["sha256"]):
                raise archive.DamagedArchive(f"{path}: {name} holds another object: take another backup")
        return report_of(opened)


def report_of(opened: Archive) -> BackupReport:
    """What an archive's manifest says of it."""
    facts = opened.manifest
    return BackupReport(
        made_at=facts["made_at"],
        revision=facts["revision"],
        rows=sum(table["rows"] for table in facts["tables"].values()),
        objects=len(opened.names("objects")),
        bytes=sum(entry["bytes"] for entry in opened.entries.values()),
        missing=facts["missing"],
    )


def _add_weights(writer: Writer, paths: set[str], facts: dict[str, Any]) -> None:
    """The backbones' files that projects stand on; those of timm's hub come from there again."""
    for given in sorted(paths):
        try:
            with open(given, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                writer.add(f"weights/{digest}", _pieces(file))
        except FileNotFoundError:
            facts["missing"].append(given)
        else:
            facts["weights"][given] = digest


def _add_objects(blobs: Blobs, writer: Writer, named: Named) -> list[str]:
    """Objects whose key stands anywhere in a row: whatever a later table keeps, its objects come along.

    Returns the keys of those that are damaged or gone: the rest is worth keeping all the same.
    """
    missing = set(named.needed)
    for key in blobs.all_keys():
        if bytes.fromhex(key) in named.digests:
            try:
                writer.add(f"objects/{key}", [blobs.get(key)])
            except StorageError:
                missing.add(key)
            else:
                missing.discard(key)
    return sorted(missing)


def _add_uploads(home: Path, writer: Writer) -> list[str]:
    """Files that wait for a worker; answers the folders that a worker brought in meanwhile."""
    vanished = []
    for folder in sorted((home / "uploads").glob("*")):
        if not (folder / NAMES).is_file():
            continue
        try:
            for path in sorted(folder.iterdir()):
                with path.open("rb") as file:
                    writer.add(f"uploads/{folder.name}/{path.name}", _pieces(file))
        except FileNotFoundError:
            vanished.append(f"upload {folder.name}")
    return vanished


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
