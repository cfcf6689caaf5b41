"""The kinds of ledger, each opened empty on a clock that tests set; a new one joins by a line in `LEDGERS`."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest
from redis.asyncio import Redis, RedisCluster

from ratelimit.ledger import Ledger
from ratelimit.ledgers import postgres as postgres_ledger
from ratelimit.ledgers import redis as redis_ledger
from ratelimit.ledgers.memory import MemoryLedger
from tests import services

START = 1_764_000_000_000_000


class Wall:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        """Return the time that was set."""
        return self.now


@asynccontextmanager
async def memory(clock: Callable[[], int]) -> AsyncIterator[Ledger]:
    """Open a ledger in memory."""
    yield MemoryLedger(clock=clock)


@asynccontextmanager
async def valkey(clock: Callable[[], int]) -> AsyncIterator[Ledger]:
    """Open a ledger in a Valkey that has lost everything."""
    async with Redis.from_url(services.valkey()) as client:
        await client.flushall()
    async with redis_ledger.opened(services.valkey(), clock=clock) as ledger:
        await ledger.restore([])
        yield ledger


@asynccontextmanager
async def valkey_cluster(clock: Callable[[], int]) -> AsyncIterator[Ledger]:
    """Open a ledger in a cluster of Valkeys that has lost everything."""
    async with RedisCluster.from_url(services.valkey_cluster()) as client:
        await client.flushall()
        ledger = redis_ledger.RedisLedger(client=client, clock=clock)
        await ledger.restore([])
        yield ledger


@asynccontextmanager
async def postgres(clock: Callable[[], int]) -> AsyncIterator[Ledger]:
    """Open a ledger in a PostgreSQL whose tables are empty."""
    async with postgres_ledger.opened(services.postgres(), clock=clock) as ledger:
        connection = await asyncpg.connect(services.postgres())
        await connection.execute("TRUNCATE caps_subject, caps_counter, caps_hold")
        await connection.close()
        yield ledger


Opener = Callable[[Callable[[], int]], AbstractAsyncContextManager[Ledger]]
LEDGERS = [
    memory,
    pytest.param(valkey, marks=pytest.mark.services),
    pytest.param(postgres, marks=pytest.mark.services),
]
