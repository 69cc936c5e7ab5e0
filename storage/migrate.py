"""Bring a database to the newest schema, in one transaction, or refuse it untouched."""

from importlib import import_module

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from storage.tables import metadata

NEWEST = "0001"  # the newest revision of migrations/versions
# As Alembic makes it.
_VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


class FromTheFuture(Exception):  # noqa: N818 -- says what the database is
    """The database was written by a newer Rushes than this one."""


def is_newest(connection: Connection) -> bool:
    """Say whether the tables are the ones this version knows, and no newer or older ones."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST]


def upgrade(connection: Connection) -> None:
    """Make the tables, or run the migrations that are missing.

    Raise FromTheFuture when the database knows a migration that we do not.
    """
    if not inspect(connection).get_table_names():
        # A test holds these tables to those that the migrations make.
        metadata.create_all(connection)
        _VERSION.create(connection)
        connection.execute(_VERSION.insert().values(version_num=NEWEST))
    elif not is_newest(connection):
        # Only now: with all it brings along, Alembic holds 12 MB for as long as the program runs.
        import_module("storage.upgrading").run(connection)
