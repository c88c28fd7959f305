"""Several types of defect in one image, each with a mask of its own"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "typed_masks",
        sa.Column("annotation_id", sa.Integer(), nullable=False),
        sa.Column("defect_type_id", sa.Integer(), nullable=False),
        sa.Column("mask", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["annotation_id"], ["annotations.id"]),
        sa.ForeignKeyConstraint(["defect_type_id"], ["defect_types.id"]),
        sa.PrimaryKeyConstraint("annotation_id", "defect_type_id"),
    )


def downgrade() -> None:
    """The labels stay, each under the one type that it had beside these masks."""
    op.drop_table("typed_masks")
