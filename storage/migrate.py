"""Bring a database to the newest schema, in one transaction, or refuse it untouched."""

from importlib import import_module

from sqlalchemy import Connection, inspect, text

NEWEST = "0001"  # the newest revision of migrations/versions


class FromTheFuture(Exception):  # noqa: N818 -- says what the database is
    """The database was written by a newer Rushes than this one."""


def is_newest(connection: Connection) -> bool:
    """Say whether the tables are the ones this version knows, and no newer or older ones."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST]


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing. Raise FromTheFuture when the database knows one that we do not."""
    if not is_newest(connection):
        # Only now: with all it brings along, Alembic holds 12 MB for as long as the program runs.
        import_module("storage.upgrading").run(connection)
