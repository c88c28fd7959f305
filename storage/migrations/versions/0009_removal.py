"""Numbers that a removal sets free are never given again, and its deletes look rows up instead of reading tables

A browser keeps an image for a day under its number: a later part must not come under the same one. SQLite reuses the
highest numbers of a table unless it is told not to; PostgreSQL's sequences only go up.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NUMBERED = ("projects", "images", "versions")


def upgrade() -> None:
    _rebuild(keep_numbers=True)
    op.create_index("ix_images_ingest", "images", ["ingest_id"], unique=False)
    op.create_index("ix_skips_image", "skips", ["image_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_skips_image", table_name="skips")
    op.drop_index("ix_images_ingest", table_name="images")
    _rebuild(keep_numbers=False)


def _rebuild(*, keep_numbers: bool) -> None:
    """Copy the tables into new ones; SQLite can change it no other way."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for name in NUMBERED:
        given = {"sqlite_autoincrement": keep_numbers}
        with op.batch_alter_table(name, recreate="always", table_kwargs=given) as table:
            table.alter_column("id", existing_type=sa.Integer(), existing_nullable=False)
