"""Indexes that keep the worker's poll, the incoming page and many projects in one pool off whole tables"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_images_came", "images", ["project_id", "created_at"], unique=False)
    op.create_index("ix_images_order", "images", ["project_id", "id"], unique=False)
    op.create_index("ix_runs_state", "runs", ["state", "created_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_runs_state", table_name="runs")
    op.drop_index("ix_images_order", table_name="images")
    op.drop_index("ix_images_came", table_name="images")
