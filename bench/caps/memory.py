"""What the ledger in memory takes up for each user, by what Python says it has allocated."""

import asyncio
import tracemalloc
from collections.abc import Callable, Iterator

from ratelimit.ledger import Charge, Demand, HoldRequest
from ratelimit.ledgers.memory import REMEMBER_US, MemoryLedger
from ratelimit.meter import Meter

USERS, ENTRIES = 2_000, 8
WINDOW_US = 3 * REMEMBER_US
LEASE_US = 60_000_000
CALLS = 250


def table() -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| what | bytes |"
    yield "|---|---|"
    yield f"| a user with {ENTRIES} requests of the last hour, whose ids are remembered | {_users(later=0):,} |"
    yield f"| the same an hour later | {_users(later=REMEMBER_US):,} |"
    yield f"| the counter of a user with {CALLS} calls of 4,000 tokens in an hour | {_log():,} |"


def _users(*, later: int) -> int:
    now = 100 * REMEMBER_US

    async def fill() -> MemoryLedger:
        nonlocal now
        ledger = MemoryLedger(clock=lambda: now)
        for number in range(USERS * ENTRIES):
            user = f"user_{number % USERS:024}"
            charge = Charge(key=f"{user}|gpt-4.messages", unit="messages", amount=1, window_us=WINDOW_US)
            demand = Demand(charge=charge, cap=50)
            hold = HoldRequest(
                hold_id=f"hold_{number:032}", subject=user, model="gpt-4", demands=(demand,), lease_us=LEASE_US
            )
            await ledger.take(hold)
            await ledger.settle(hold.hold_id, {})
            now += 1_000
        now += later + LEASE_US
        # Each call sweeps a little.
        for _ in range(USERS * ENTRIES // 32 + 1):
            await ledger.levels([])
        return ledger

    return _allocated(lambda: asyncio.run(fill())) // USERS


def _log() -> int:
    def fill() -> Meter:
        meter = Meter()
        for number in range(CALLS):
            hold_id, at = f"hold_{number:032}", 10**15 + number * 14_000_000
            meter.hold(hold_id, at=at, amount=4_000, window=REMEMBER_US, deadline=at + LEASE_US)
            meter.settle(hold_id, at=at, amount=4_000, window=REMEMBER_US)
        return meter

    return _allocated(fill)


def _allocated(make: Callable[[], object]) -> int:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = make()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    return taken
