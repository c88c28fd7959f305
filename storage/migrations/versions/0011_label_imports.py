"""Imports of labels, which can be undone as one"""

import sqlalchemy as sa
from alembic import op

from storage.models import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_imports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("format", sa.String(length=20), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("labels", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_label_imports_project_id", "label_imports", ["project_id"])
    op.create_table(
        "imported_labels",
        sa.Column("annotation_id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["annotation_id"], ["annotations.id"]),
        sa.ForeignKeyConstraint(["import_id"], ["label_imports.id"]),
        sa.PrimaryKeyConstraint("annotation_id"),
    )
    op.create_index("ix_imported_labels_import_id", "imported_labels", ["import_id"])


def downgrade() -> None:
    """The labels stay; that they came together is forgotten."""
    op.drop_table("imported_labels")
    op.drop_table("label_imports")
