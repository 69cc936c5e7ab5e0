"""Databases of their own on a real PostgreSQL, where one is named."""

import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

SERVER = os.environ.get("RUSHES_TEST_POSTGRESQL", "")


async def command(order: str) -> None:
    """Give the server an order."""
    engine = create_async_engine(SERVER, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(order))
    await engine.dispose()


@asynccontextmanager
async def new_database() -> AsyncGenerator[str]:
    """Make an empty database, give its address, and drop it in the end."""
    name = f"rushes_test_{secrets.token_hex(8)}"
    await command(f"CREATE DATABASE {name}")
    try:
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        await command(f"DROP DATABASE {name} WITH (FORCE)")
