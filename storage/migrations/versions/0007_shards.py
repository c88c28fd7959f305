"""Parts of a scoring request that any worker may take"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shards",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("first_image", sa.Integer(), nullable=False),
        sa.Column("last_image", sa.Integer(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("scored", sa.Integer(), nullable=False),
        sa.Column(
            "state", sa.Enum("waiting", "running", "done", "parked", "cancelled", name="shardstate"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"]),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"]),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    op.create_index("ix_shards_state", "shards", ["run_id", "state", "number"], unique=False)


def downgrade() -> None:
    op.drop_table("shards")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TYPE shardstate")
