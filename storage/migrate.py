"""Bring a database to the newest schema, in one transaction, or refuse it untouched."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_SCRIPTS = Path(__file__).parent / "migrations"


class FromTheFuture(Exception):  # noqa: N818 -- says what the database is
    """The database was written by a newer Rushes than this one."""


def is_newest(connection: Connection) -> bool:
    """Say whether the tables are the ones this version knows, and no newer or older ones."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    ours = ScriptDirectory.from_config(config).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(ours)


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing. Raise FromTheFuture when the database knows one that we do not."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    for head in MigrationContext.configure(connection).get_current_heads():
        if head not in known:
            raise FromTheFuture(
                f"the database is at revision {head}, which this version does not know: install the newer Rushes again",
            )
    command.upgrade(config, "head")
