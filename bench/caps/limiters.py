"""Every limiter that is measured, as one call: `await hit(user)` says whether one message was admitted."""

import itertools
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ratelimit.ledger import Charge, Demand, HoldRequest, Ledger, Taken

Store = Literal["memory", "valkey", "postgres"]
Hit = Callable[[str], Awaitable[bool]]
PLENTY = 10**12
LEASE_US = 30_000_000
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Limiter:
    """One limiter on one store; `open` takes the cap, the window in seconds and the store's URL."""

    name: str
    store: Store
    open: Callable[[int, float, str], AbstractAsyncContextManager[Hit]]
    floor: bool = False
    """Limits nothing, and shows what the store and the loop cost by themselves."""
    clocked: bool = True
    """Goes by the clock of the process, so that a wrong one matters."""


def demands(user: str, cap: int, window: float, count: int) -> tuple[Demand, ...]:
    """Ask for one message and, beyond the first dimension, for tokens, cost and a place in flight."""
    every = (
        Demand(charge=Charge(key=f"{user}|m", unit="messages", amount=1, window_us=int(window * 1e6)), cap=cap),
        Demand(charge=Charge(key=f"{user}|t", unit="tokens", amount=4_000, window_us=DAY_US), cap=PLENTY),
        Demand(charge=Charge(key=f"{user}|d", unit="cost", amount=12_000, window_us=30 * DAY_US), cap=PLENTY),
        Demand(charge=Charge(key=f"{user}|c", unit="concurrent-requests", amount=1, window_us=0), cap=10**6),
    )
    return every[:count]


def _hit(ledger: Ledger, cap: int, window: float, count: int) -> Hit:
    numbers, process = itertools.count(), f"{os.getpid()}-{time.monotonic_ns()}"
    # As the others, whose limits and keys are made beforehand.
    of_user: dict[str, tuple[Demand, ...]] = {}

    async def hit(user: str) -> bool:
        hold_id = f"{process}-{next(numbers)}"
        asked = of_user.get(user)
        if asked is None:
            asked = of_user[user] = demands(user, cap, window, count)
        hold = HoldRequest(hold_id=hold_id, subject=user, model="gpt-4", demands=asked, lease_us=LEASE_US)
        taken = isinstance(await ledger.take(hold), Taken)
        return taken and await ledger.settle(hold_id, {"tokens": 3_000, "cost": 9_000})

    return hit


def parley(store: Store, count: int, *, journal: bool = False) -> Limiter:
    """Return ours: a hold and its settling, over 1 or 4 dimensions; in memory with or without a journal on disk."""

    @asynccontextmanager
    async def in_memory(cap: int, window: float, _: str) -> AsyncIterator[Hit]:
        from ratelimit.ledgers.memory import MemoryLedger  # noqa: PLC0415  # measured processes import what they use
        from server.adapters import database  # noqa: PLC0415
        from server.adapters.journal_sqlite import SqliteJournal  # noqa: PLC0415

        with TemporaryDirectory() as folder:
            path = Path(folder) / database.FILE
            database.migrate(path)
            async with SqliteJournal(path) as kept:
                ledger = MemoryLedger(clock=lambda: time.time_ns() // 1_000, journal=kept if journal else None)
                yield _hit(ledger, cap, window, count)

    @asynccontextmanager
    async def shared(cap: int, window: float, url: str) -> AsyncIterator[Hit]:
        if store == "valkey":
            from ratelimit.ledgers.redis import opened  # noqa: PLC0415
        else:
            from ratelimit.ledgers.postgres import opened  # noqa: PLC0415
        async with opened(url) as ledger:
            if store == "valkey":
                await ledger.restore([])
            yield _hit(ledger, cap, window, count)

    dimensions = "1 dimension" if count == 1 else f"{count} dimensions"
    opens = in_memory if store == "memory" else shared
    kept = ", journal on disk" if journal else ""
    return Limiter(f"**Parley**, hold + settle, {dimensions}{kept}", store, opens, clocked=store == "memory")


def limits(store: Store, strategy: str) -> Limiter:
    """Return a strategy of `limits`."""

    @asynccontextmanager
    async def opens(cap: int, window: float, url: str) -> AsyncIterator[Hit]:
        from limits import RateLimitItemPerSecond  # noqa: PLC0415
        from limits.aio import strategies  # noqa: PLC0415
        from limits.storage import storage_from_string  # noqa: PLC0415

        options = {} if store == "memory" else {"implementation": "redispy"}
        storage = storage_from_string(f"async+{url or 'memory://'}", **options)
        limiter = getattr(strategies, f"{strategy}RateLimiter")(storage)
        item = RateLimitItemPerSecond(cap, int(window))
        yield lambda user: limiter.hit(item, user)

    return Limiter(f"limits {strategy}", store, opens, clocked=store == "memory" or strategy == "MovingWindow")


def pyrate(store: Store) -> Limiter:
    """Return the sliding log of `pyrate-limiter`."""

    @asynccontextmanager
    async def opens(cap: int, window: float, url: str) -> AsyncIterator[Hit]:
        from pyrate_limiter import (  # noqa: PLC0415
            BucketFactory,
            InMemoryBucket,
            MonotonicClock,
            Rate,
            RateItem,
            RedisBucket,
        )
        from pyrate_limiter import Limiter as Pyrate  # noqa: PLC0415
        from redis.asyncio import Redis  # noqa: PLC0415

        rates = [Rate(cap, int(window * 1_000))]
        client = Redis.from_url(url, max_connections=256) if url else None
        script = (await RedisBucket.init(rates, client, "pyrate")).script_hash if client else ""

        class Buckets(BucketFactory):
            def __init__(self) -> None:
                self.known, self.clock = {}, MonotonicClock()

            def wrap_item(self, name: str, weight: int = 1) -> RateItem:
                now = time.time_ns() // 1_000_000 if client else self.clock.now()
                return RateItem(name, now, weight=weight)

            def get(self, item: RateItem) -> InMemoryBucket | RedisBucket:
                if item.name not in self.known:
                    bucket = (
                        RedisBucket(rates, client, f"pyrate:{item.name}", script) if client else InMemoryBucket(rates)
                    )
                    self.known[item.name] = bucket
                return self.known[item.name]

        limiter = Pyrate(Buckets())
        yield lambda user: limiter.try_acquire_async(user, blocking=False)

    return Limiter("pyrate-limiter sliding log", store, opens)


def throttled(store: Store, strategy: str) -> Limiter:
    """Return a strategy of `throttled-py`."""

    @asynccontextmanager
    async def opens(cap: int, window: float, url: str) -> AsyncIterator[Hit]:
        from throttled.asyncio import Throttled, rate_limiter  # noqa: PLC0415
        from throttled.asyncio import store as stores  # noqa: PLC0415

        kept = stores.RedisStore(server=url) if url else stores.MemoryStore()
        quota = rate_limiter.per_duration(timedelta(seconds=window), limit=cap, burst=cap)
        limiter = Throttled(using=strategy, quota=quota, store=kept)

        async def hit(user: str) -> bool:
            return not (await limiter.limit(user)).limited

        yield hit

    return Limiter(f"throttled-py {strategy}", store, opens)


@asynccontextmanager
async def _nothing(_cap: int, _window: float, _url: str) -> AsyncIterator[Hit]:
    async def hit(_: str) -> bool:
        return True

    yield hit


@asynccontextmanager
async def _two_empty_scripts(_cap: int, _window: float, url: str) -> AsyncIterator[Hit]:
    from redis.asyncio import BlockingConnectionPool, Redis  # noqa: PLC0415

    async with Redis.from_pool(BlockingConnectionPool.from_url(url, max_connections=16, timeout=None)) as client:
        script = client.register_script("return 1")

        async def hit(user: str) -> bool:
            return await script(keys=[user]) == await script(keys=[user])

        yield hit


LIMITERS = (
    Limiter("floor: a call that does nothing", "memory", _nothing, floor=True),
    *(limits("memory", strategy) for strategy in ("MovingWindow", "FixedWindow", "SlidingWindowCounter")),
    pyrate("memory"),
    *(throttled("memory", strategy) for strategy in ("sliding_window", "gcra")),
    parley("memory", 1),
    parley("memory", 4),
    parley("memory", 1, journal=True),
    parley("memory", 4, journal=True),
    Limiter("floor: two `EVALSHA` of `return 1`", "valkey", _two_empty_scripts, floor=True),
    *(limits("valkey", strategy) for strategy in ("MovingWindow", "FixedWindow", "SlidingWindowCounter")),
    pyrate("valkey"),
    *(throttled("valkey", strategy) for strategy in ("sliding_window", "gcra")),
    parley("valkey", 1),
    parley("valkey", 4),
    parley("postgres", 1),
    parley("postgres", 4),
)
