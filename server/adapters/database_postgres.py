"""PostgreSQL: opening it, bringing its tables up to date, and telling a lost connection from other faults."""
# ruff: noqa: D102  # what the methods of `PostgresDatabase` promise is in `Database`

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.adapters.database import NewerDatabase, upgrade
from server.adapters.schema import VERSION
from server.core.ports import StoreAway

ANSWER_SECONDS: Final = 10.0
"""How long the server may take over a statement or a new connection before it is taken for lost."""

ATTEMPTS: Final = 20
"""How often a transaction is tried when others come between."""

POOL: Final = 8
"""Connections of one process for the stores, and as many for queries that every request makes."""

PATIENCE: Final = 8.0
"""Seconds that a node waits for a server that restarts: less than a lease, more than a restart takes."""

PAUSE: Final = 0.1
"""Seconds between attempts to read."""

_MIGRATING: Final = 7_302_650_119
"""The advisory lock of those who migrate."""

_SETTINGS: Final = {
    "application_name": "parley",
    "jit": "off",
    # A process that is stopped in the middle of a transaction must not hold its locks for ever.
    "idle_in_transaction_session_timeout": "10s",
}
_DISTURBED: Final = ("40001", "40P01")
_LOST: Final = ("08", "57P", "53300")
"""Beginnings of states in which the server ends a connection or takes none."""

_T = TypeVar("_T")
AsyncpgConnection: TypeAlias = asyncpg.Connection
"""A connection of the driver, which has no types."""


def is_lost(failed: BaseException) -> bool:
    """Return whether the connection is of no more use, or was not to be had. Whether its statement ran is open."""
    return any(_lost(fault) for fault in _causes(failed))


def is_disturbed(failed: BaseException) -> bool:
    """Return whether another transaction came between: nothing was written, and the same may be tried again."""
    return any(isinstance(fault, asyncpg.PostgresError) and fault.sqlstate in _DISTURBED for fault in _causes(failed))


def out_of_reach(failed: BaseException) -> StoreAway:
    """Return the error that says so to those who know no driver."""
    return StoreAway(f"the database is out of reach: {str(failed) or type(failed).__name__}")


async def connect(uri: str, **settings: str) -> AsyncpgConnection:
    """Return a connection of one's own. `uri` is as libpq takes it, `?host=/socket/folder` included."""
    connection: AsyncpgConnection = await asyncpg.connect(
        uri, timeout=ANSWER_SECONDS, command_timeout=ANSWER_SECONDS, server_settings=_SETTINGS | settings
    )
    return connection


async def migrate(uri: str) -> bool:
    """Bring the database up to date; return whether anything was to do. Processes that do so at once take turns.

    Quick if nothing is. Raises `NewerDatabase`, and `OSError` if the server is out of reach.
    """
    async with Queries(uri) as queries:
        known = await queries.rows("SELECT to_regclass('alembic_version') IS NOT NULL")
        versions = await queries.rows("SELECT version_num FROM alembic_version") if known[0][0] else ()
    current = versions[0][0] if versions else None
    if current == VERSION:
        return False
    if current is not None and current > VERSION:
        raise NewerDatabase(f"the database has version {current}; this program knows versions up to {VERSION}")
    engine = _engine(uri)
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()
    return True


class PostgresDatabase:
    """A `Database`."""

    def __init__(self, engine: AsyncEngine, *, patience: float) -> None:
        self._patience = patience
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._writer = engine.execution_options(isolation_level="SERIALIZABLE")

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        async def attempt() -> _T:
            async with self._reader.connect() as connection:
                return await connection.run_sync(work)

        return await _patiently(attempt, self._patience)

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        lost = False
        for left in reversed(range(ATTEMPTS)):
            committing = False
            try:
                async with self._writer.connect() as connection:
                    result = await connection.run_sync(work)
                    committing = True
                    await connection.commit()
                    return result
            except Exception as failed:
                if is_disturbed(failed) and left:
                    continue
                if not is_lost(failed):
                    raise
                if lost or committing:
                    raise out_of_reach(failed) from failed
                lost = True
        raise AssertionError("the last attempt returns or raises")


@asynccontextmanager
async def opened(uri: str, *, patience: float = 0.0) -> AsyncIterator[PostgresDatabase]:
    """Open the database, which is up to date, for the time of the context.

    Whoever reads waits up to `patience` seconds for a server that restarts.
    """
    engine = _engine(uri)
    try:
        yield PostgresDatabase(engine, patience=patience)
    finally:
        await engine.dispose()


class Queries:
    """A pool of raw connections, for queries that are made too often to be composed anew. An async context manager.

    Whoever asks waits up to `patience` seconds for a server that restarts.
    """

    def __init__(self, uri: str, *, patience: float = 0.0, **settings: str) -> None:
        self._patience = patience
        self._pool: asyncpg.Pool = asyncpg.create_pool(
            uri,
            min_size=0,
            max_size=POOL,
            reset=_leave_as_it_is,
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            server_settings=_SETTINGS | settings,
        )

    async def __aenter__(self) -> Self:
        await self._pool
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._pool.close()

    async def rows(self, query: str, *values: object) -> Sequence[Any]:
        """Return what a query that changes nothing finds. Raises `StoreAway` if the server is out of reach."""
        return await _patiently(lambda: self._pool.fetch(query, *values), self._patience)


async def _patiently(read: Callable[[], Awaitable[_T]], patience: float) -> _T:
    """Read again if the connection is lost: once at once, as a pool has those that a restart of the server ended."""
    time = asyncio.get_running_loop().time
    until = time() + patience
    pauses = chain((0.0,), repeat(PAUSE))
    for first in chain((True,), repeat(False)):
        try:
            return await read()
        except Exception as failed:
            if not is_lost(failed):
                raise
            if not first and time() >= until:
                raise out_of_reach(failed) from failed
        await asyncio.sleep(next(pauses))
    raise AssertionError("the last attempt returns or raises")


def _engine(uri: str) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(uri),
        pool_size=POOL,
        max_overflow=0,
    )


async def _leave_as_it_is(_: object) -> None:
    """Spare a round trip: nobody changes the settings of a pooled connection."""


def _causes(failed: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = failed
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _lost(failed: BaseException) -> bool:
    if isinstance(failed, asyncpg.PostgresError):
        return str(failed.sqlstate or "").startswith(_LOST)
    if isinstance(failed, asyncpg.InterfaceError):
        return not isinstance(failed, ValueError)
    return isinstance(failed, OSError)
