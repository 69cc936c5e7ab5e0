"""What Alembic runs around the migrations: on the connection, and in the transaction, that migrate.py hands over."""

from alembic import context

from storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can undo DDL once BEGIN is ours to send; Alembic assumes it cannot
)
with context.begin_transaction():
    context.run_migrations()
