"""Running the migrations by Alembic, on our own connection, called by migrate.py where some are missing."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage.migrate import FromTheFuture

SCRIPTS = Path(__file__).parent / "migrations"


def run(connection: Connection) -> None:
    """Run the migrations that are missing. Raise FromTheFuture when the database knows one that we do not."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    for head in MigrationContext.configure(connection).get_current_heads():
        if head not in known:
            raise FromTheFuture(
                f"the database is at revision {head}, which this version does not know: install the newer Rushes again",
            )
    command.upgrade(config, "head")
