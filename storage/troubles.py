"""Telling a database that cannot be used just now from a mistake of ours."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# Codes and classes of PostgreSQL that speak of the server, the way to it or our rights there, not of a statement.
_NOT_NOW = {
    "08",  # the connection
    "25006",  # a server that only reads
    "28",  # who we are
    "3D",  # no such database
    "40001",  # lost against another transaction
    "40P01",  # likewise
    "42501",  # what we may do
    "53",  # disk, memory or connections used up
    "55P03",  # locked
    "57",  # starting, stopping, or told to stop
    "58",  # the server's disk
}


class StorageError(Exception):
    """The database cannot be used just now: locked, full, unreadable. Try again later."""


def as_told(error: Exception) -> Exception:
    """Turn what says that a database cannot be used just now into StorageError; leave our own mistakes as they are."""
    if isinstance(error, SQLAlchemyError) and _temporary(error):
        # Without the statement's values, which may be a member's words.
        trouble = getattr(error, "orig", None) or type(error).__name__
    # Locked, full; a damaged file, or none of SQLite's; a server that refuses, is not found or does not answer.
    elif isinstance(error, sqlite3.OperationalError | OSError) or type(error) is sqlite3.DatabaseError:
        trouble = str(error) or type(error).__name__
    else:
        return error
    return StorageError(f"the database cannot be used just now: {trouble}")


@contextmanager
def troubles_told() -> Generator[None]:
    """Raise what `as_told` makes of what is raised within."""
    try:
        yield
    except Exception as error:
        told = as_told(error)
        if told is error:
            raise
        raise told from None


def _temporary(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeoutError)
    original: BaseException | None = error.orig
    while original is not None and not isinstance(original, sqlite3.Error):
        original = original.__cause__
    if original is None:
        if error.orig is not None and type(error.orig.__cause__).__name__ == "ClientConfigurationError":
            return True  # a certificate that is not there; by name, for the driver need not be installed
        code = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or code in _NOT_NOW or code[:2] in _NOT_NOW
    if type(original) is sqlite3.DatabaseError:  # the file is damaged, or none of SQLite's
        return True
    return isinstance(original, sqlite3.OperationalError) and "syntax" not in str(original)
