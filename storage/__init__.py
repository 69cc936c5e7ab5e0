"""What is remembered: tables, migrations, queries named after facts, and the words the rooms above share.

A write is a plain function of a connection, run whole inside one transaction: `await database.write(jobs.held, ...)`.
Nothing above this folder speaks SQL.
"""

from sqlalchemy import Connection

from storage.database import Database, StorageError

__all__ = ["Connection", "Database", "StorageError"]
