"""The audit trail as a hash chain that refuses changes; what is there already is chained as it stands

Revision ID: 0005
"""

import hashlib
import json
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.models import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FIRST = "0" * 64
BATCH = 1000
WHY = "the audit trail is append-only"
COLUMNS = ("id", "at", "by", "project_id", "action", "details")
OLD = sa.table("audit", *(sa.column(name, kind) for name, kind in zip(COLUMNS, (
    sa.Integer, UtcDateTime, sa.String, sa.Integer, sa.String, sa.JSON), strict=True)))  # fmt: skip


def upgrade() -> None:
    new = op.create_table(
        "audit_chained",
        *_columns(),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    last, sha256 = _chain(new)
    if last:
        op.bulk_insert(head, [{"id": 1, "entry_id": last, "sha256": sha256}])
    op.drop_table("audit")
    op.rename_table("audit_chained", "audit")
    for column in ("by", "project_id", "action"):
        op.create_index(f"ix_audit_{column}", "audit", [column], unique=False)
    _refuse_changes()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute("DROP TRIGGER audit_never_emptied ON audit")
        op.execute("DROP FUNCTION bgad_append_only()")
    old = op.create_table("audit_plain", *_columns(), sa.PrimaryKeyConstraint("id"))
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    alive = "CASE WHEN project_id IN (SELECT id FROM projects) THEN project_id END"
    op.execute(
        f"INSERT INTO audit_plain ({names}) SELECT {names.replace(chr(34) + 'project_id' + chr(34), alive)} FROM audit"
    )
    assert old is not None
    op.drop_table("audit")  # its triggers on SQLite go with it
    op.drop_table("audit_head")
    op.rename_table("audit_plain", "audit")
    with op.batch_alter_table("audit") as audit:
        audit.create_foreign_key("audit_project_id_fkey", "projects", ["project_id"], ["id"])


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
    ]


def _chain(new: sa.Table) -> tuple[int, str]:
    """Copy the entries in order with their hashes: as `storage.audit.digest` did when this was written."""
    bind, last, previous = op.get_bind(), 0, FIRST
    while True:
        query = sa.select(OLD).where(OLD.c.id > last).order_by(OLD.c.id).limit(BATCH)
        rows = [dict(row) for row in bind.execute(query).mappings()]
        if not rows:
            return last, previous
        for row in rows:
            moment = row["at"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            facts = {**row, "at": moment, "previous": previous}
            text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
            row["previous"] = previous
            row["sha256"] = previous = hashlib.sha256(text.encode()).hexdigest()
            last = row["id"]
        bind.execute(sa.insert(new), rows)


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION bgad_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{WHY}'; END $$"
        )
        for name, event, level in (
            ("audit_append_only", "UPDATE OR DELETE", "ROW"),
            ("audit_never_emptied", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON audit FOR EACH {level} EXECUTE FUNCTION bgad_append_only()"
            )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{event.lower()} BEFORE {event} ON audit BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
        )
