"""Alembic's entry point: always on a connection that `storage.migrate` opened and locked."""

from alembic import context

from storage import account_rows, audit_rows, label_rows, run_rows, shards  # noqa: F401  (of Base.metadata)
from storage.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    transaction_per_migration=False,
)
context.run_migrations()
