"""What the queue reads of a score, leases, skips, second opinions, and pixels that nobody judges"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SCORES = {
    "ix_scores_waiting": ["version_id", "waiting", "score"],
    "ix_scores_waiting_boundary": ["version_id", "waiting", "distance"],
    "ix_scores_waiting_novelty": ["version_id", "waiting", "novelty"],
    "ix_scores_standing": ["version_id", "standing", "waiting", "score"],
    "ix_scores_draw": ["version_id", "standing", "draw"],
    "ix_scores_image": ["image_id"],
}
STANDING_LABEL = """
    EXISTS (SELECT 1 FROM annotations a WHERE a.image_id = scores.image_id AND a.verdict IS NOT NULL
            AND a.revision = (SELECT max(b.revision) FROM annotations b WHERE b.image_id = a.image_id))
"""


def upgrade() -> None:
    op.add_column("annotations", sa.Column("ignore", sa.LargeBinary(), nullable=True))
    op.add_column("annotations", sa.Column("purpose", sa.String(length=20), nullable=True))
    op.add_column("annotations", sa.Column("blind", sa.Boolean(), nullable=True))
    op.add_column("scores", sa.Column("waiting", sa.Boolean(), server_default=sa.true(), nullable=False))
    for name, kind in (("draw", sa.Float()), ("margin", sa.Float()), ("novelty", sa.Float())):
        op.add_column("scores", sa.Column(name, kind, nullable=True))
    op.add_column("scores", sa.Column("descriptor", sa.LargeBinary(), nullable=True))
    op.execute(f"UPDATE scores SET waiting = false WHERE {STANDING_LABEL}")
    for name, columns in SCORES.items():
        op.create_index(name, "scores", columns, unique=False)
    op.create_table(
        "leases",
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"]),
        sa.PrimaryKeyConstraint("image_id"),
    )
    op.create_index("ix_leases_project_id", "leases", ["project_id"], unique=False)
    op.create_table(
        "skips",
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("image_id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"]),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"]),
        sa.PrimaryKeyConstraint("by", "image_id"),
    )
    op.create_index("ix_skips_project_id", "skips", ["project_id"], unique=False)
    op.create_table(
        "label_reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotation_id", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["annotation_id"], ["annotations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_label_reviews_annotation_id", "label_reviews", ["annotation_id"], unique=False)


def downgrade() -> None:
    for table in ("label_reviews", "skips", "leases"):
        op.drop_table(table)
    for name in SCORES:
        op.drop_index(name, table_name="scores")
    for name in ("descriptor", "novelty", "margin", "draw", "waiting"):
        op.drop_column("scores", name)
    for name in ("blind", "purpose", "ignore"):
        op.drop_column("annotations", name)
