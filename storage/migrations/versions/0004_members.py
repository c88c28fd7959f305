"""Roles per project: what an account was everywhere, it is now in every project that there is

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAMES = ("viewer", "inspector", "reviewer", "engineer", "admin")
HIGHEST_FIRST = NAMES[-2::-1]


def upgrade() -> None:
    op.create_table(
        "memberships",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("role", _role(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "project_id"),
    )
    op.create_index("ix_memberships_project_id", "memberships", ["project_id"], unique=False)
    op.execute(
        "INSERT INTO memberships (account_id, project_id, role, by, created_at) "
        "SELECT a.id, p.id, a.role, 'upgrade', CURRENT_TIMESTAMP FROM accounts a CROSS JOIN projects p "
        "WHERE a.role <> 'admin'"
    )
    op.add_column("accounts", sa.Column("admin", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE accounts SET admin = true WHERE role = 'admin'")
    with op.batch_alter_table("accounts") as accounts:
        accounts.alter_column("admin", existing_type=sa.Boolean(), existing_nullable=False, server_default=None)
        accounts.alter_column("password_hash", existing_type=sa.String(length=200), nullable=True)
        accounts.drop_column("role")


def downgrade() -> None:
    op.add_column("accounts", sa.Column("role", _role(), server_default="viewer", nullable=False))
    for name in reversed(HIGHEST_FIRST):
        op.execute(
            f"UPDATE accounts SET role = '{name}' WHERE EXISTS "
            f"(SELECT 1 FROM memberships m WHERE m.account_id = accounts.id AND m.role = '{name}')"
        )
    op.execute("UPDATE accounts SET role = 'admin' WHERE admin")
    op.execute("UPDATE accounts SET password_hash = '' WHERE password_hash IS NULL")  # which no password matches
    with op.batch_alter_table("accounts") as accounts:
        accounts.alter_column("role", existing_type=_role(), existing_nullable=False, server_default=None)
        accounts.alter_column("password_hash", existing_type=sa.String(length=200), nullable=False)
        accounts.drop_column("admin")
    op.drop_table("memberships")


def _role() -> sa.Enum:
    """The first schema's enum: on PostgreSQL a type of its own, which is there already."""
    if op.get_bind().dialect.name == "postgresql":
        return postgresql.ENUM(*NAMES, name="role", create_type=False)
    return sa.Enum(*NAMES, name="role")
