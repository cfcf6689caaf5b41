"""Databases of the real PostgreSQL, one for each test, made in a moment from one that was migrated."""

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from server.adapters import database_postgres
from tests import services

_numbers = itertools.count()
_migrated: list[str] = []


@asynccontextmanager
async def empty_postgres() -> AsyncIterator[str]:
    """Give the URI of a database without a row, brought up to date, for the time of the context."""
    if not _migrated:
        template = f"template_{os.getpid()}"
        await _command(f"CREATE DATABASE {template}")
        await database_postgres.migrate(_uri(template))
        _migrated.append(template)
    async with blank_postgres(f"TEMPLATE {_migrated[0]} STRATEGY FILE_COPY") as uri:
        yield uri


@asynccontextmanager
async def blank_postgres(made_of: str = "") -> AsyncIterator[str]:
    """Give the URI of a database without a table, for the time of the context."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await _command(f"CREATE DATABASE {name} {made_of}")
    try:
        yield _uri(name)
    finally:
        await _command(f"DROP DATABASE {name} WITH (FORCE)")


async def _command(command: str) -> None:
    connection = await asyncpg.connect(services.postgres())
    try:
        await connection.execute(command)
    finally:
        await connection.close()


def _uri(name: str) -> str:
    return services.postgres().replace("/postgres?", f"/{name}?")
