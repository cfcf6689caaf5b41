"""Where things are kept: the backends that the settings name, opened. The only file that names them.

The server and the commands beside it open the same. With SQLite a server has the database for itself; with PostgreSQL
any number of nodes share it, and nothing in the data folder is needed.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import ratelimit
from ratelimit.ledgers import postgres as ledger_postgres
from ratelimit.ledgers import redis as ledger_redis
from ratelimit.ledgers.memory import MemoryLedger
from server.adapters import database, database_postgres
from server.adapters.data_lock import locked
from server.adapters.database import Database
from server.adapters.identity_postgres import PostgresIdentity
from server.adapters.identity_sqlite import SqliteIdentity
from server.adapters.ids_system import new_node
from server.adapters.journal_postgres import PostgresJournal
from server.adapters.journal_sqlite import SqliteJournal
from server.adapters.ledger_restoring import RestoringLedger
from server.adapters.ledger_standing_in import StandingInLedger
from server.adapters.wakeups_memory import MemoryWakeups
from server.adapters.wakeups_redis import RedisWakeups
from server.core.ports import Clock, Journal, Observer, Wakeups
from server.core.ports_operator import Identity
from server.settings import Settings, without_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What commands work on, beside a running server."""

    base: Database
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """What a node works on."""

    base: Database
    identity: Identity
    journal: Journal
    wakeups: Wakeups
    ledger: ratelimit.Ledger
    alone: bool
    """Whether no other process can own a turn, so that all that have not ended are orphans at start."""
    held: Collection[str] = ()
    """Holds that the last process left; those that no turn goes on with are to be released."""


async def migrate(settings: Settings) -> bool:
    """Bring the database up to date, making what it needs; return whether anything was to do.

    Raises `NewerDatabase`, and `OSError` if it is out of reach.
    """
    if settings.embedded_database:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return database.migrate(settings.data / database.FILE)
    return await database_postgres.migrate(settings.database)


def place(settings: Settings) -> str:
    """Return where the database is, in words."""
    if settings.embedded_database:
        return str(settings.data / database.FILE)
    return without_password(settings.database)


def cluster_address(settings: Settings) -> str:
    """Return where the Valkey or Redis is, as the driver knows it: by one of the two names of one protocol."""
    return settings.cluster.replace("valkey", "redis", 1)


@asynccontextmanager
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the database for commands, brought up to date, whether or not a server runs on it."""
    await migrate(settings)
    async with AsyncExitStack() as stack:
        yield await _stores(settings, stack)


@asynccontextmanager
async def opened(settings: Settings, *, clock: Clock, observer: Observer) -> AsyncIterator[Backends]:
    """Open everything that a node needs. Raises `DataInUse` if another process has the data folder of SQLite."""
    async with AsyncExitStack() as stack:
        if settings.embedded_database:
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(locked(settings.data))
            yield await _embedded(settings, stack, clock)
        else:
            yield await _shared(settings, stack, clock, observer)


@asynccontextmanager
async def ledger_to_read(settings: Settings, clock: Clock) -> AsyncIterator[ratelimit.Ledger]:
    """Open the ledger for commands that look at it: the shared one, or one made of what the database has."""
    async with AsyncExitStack() as stack:
        if not settings.embedded_database:
            address = cluster_address(settings) if settings.clustered else None
            shared = ledger_redis.opened(address) if address else ledger_postgres.opened(settings.database)
            yield await stack.enter_async_context(shared)
            return
        ledger = MemoryLedger(clock=clock.now)
        await _restore(ledger, SqliteJournal(settings.data / database.FILE), settings, clock.now())
        yield ledger


async def _stores(settings: Settings, stack: AsyncExitStack, *, patience: float = 0.0) -> Stores:
    if settings.embedded_database:
        file = settings.data / database.FILE
        base: Database = await stack.enter_async_context(database.opened(file))
        return Stores(base=base, identity=stack.enter_context(SqliteIdentity(file)))
    base = await stack.enter_async_context(database_postgres.opened(settings.database, patience=patience))
    identity = await stack.enter_async_context(PostgresIdentity(settings.database, patience=patience))
    return Stores(base=base, identity=identity)


async def _embedded(settings: Settings, stack: AsyncExitStack, clock: Clock) -> Backends:
    await migrate(settings)
    stored = await _stores(settings, stack)
    journal = await stack.enter_async_context(SqliteJournal(settings.data / database.FILE))
    ledger = MemoryLedger(clock=clock.now, journal=journal)
    held = await _restore(ledger, journal, settings, clock.now())
    return Backends(
        base=stored.base,
        identity=stored.identity,
        journal=journal,
        wakeups=MemoryWakeups(),
        ledger=ledger,
        alone=True,
        held=held,
    )


async def _restore(ledger: MemoryLedger, journal: SqliteJournal, settings: Settings, now: int) -> list[str]:
    """Give the ledger what the journal has; return the ids of holds that nobody has settled or released."""
    until = now + round(settings.caps.lease.total_seconds() * 1_000_000)
    holds = [
        replace(hold, deadline_us=until) if hold.state == "held" else hold for hold in await journal.stored_holds()
    ]
    ledger.restore(holds, now)
    return [hold.hold_id for hold in holds if hold.state == "held"]


async def _shared(settings: Settings, stack: AsyncExitStack, clock: Clock, observer: Observer) -> Backends:
    await migrate(settings)
    stored = await _stores(settings, stack, patience=database_postgres.PATIENCE)
    journal = await stack.enter_async_context(PostgresJournal(settings.database, clock=clock.now))
    wakeups: Wakeups
    ledger: ratelimit.Ledger
    if settings.clustered:
        address = cluster_address(settings)
        wakeups = await stack.enter_async_context(RedisWakeups(address, node=new_node(), observer=observer))
        kept = await stack.enter_async_context(ledger_redis.opened(address))
        ledger = RestoringLedger(ledger=kept, holds=journal)
        if_away = settings.caps.if_away()
        if set(if_away.values()) != {"closed"}:
            standing_in = StandingInLedger(
                ledger=ledger,
                holds=journal,
                local=lambda: MemoryLedger(clock=clock.now),
                if_away=if_away,
                clock=clock,
                observer=observer,
            )
            ledger = await stack.enter_async_context(standing_in)
    else:
        wakeups = MemoryWakeups()
        ledger = await stack.enter_async_context(ledger_postgres.opened(settings.database))
    return Backends(
        base=stored.base,
        identity=stored.identity,
        journal=journal,
        wakeups=wakeups,
        ledger=ledger,
        alone=False,
    )
