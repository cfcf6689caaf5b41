"""What users reported of limiters, shown on the packages themselves and on ours: the same steps, and what comes out.

Where a package cannot be installed here, `docs/limits.md` tells the report in words, and
`tests/contracts/test_reported_failures.py` has its steps.
"""

import asyncio
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from caps.limiters import LIMITERS, Limiter

from ratelimit.ledger import Charge, Demand, HoldRequest
from ratelimit.ledgers.memory import MemoryLedger

CAP, WINDOW = 5, 3_600
TOKENS, CALLS = 4_000, 250


@dataclass(frozen=True, slots=True)
class Failure:
    """What was reported, and the steps that show it; `steps` returns what a row says."""

    report: str
    limiter: str
    steps: Callable[[Limiter, str], Awaitable[str]]


async def _crowd(limiter: Limiter, url: str) -> str:
    async with limiter.open(CAP, WINDOW, url) as hit:
        admitted = sum([await hit("first") for _ in range(2 * CAP)])
        for number in range(2_000):
            await hit(f"user{number}")
        admitted += sum([await hit("first") for _ in range(2 * CAP)])
    return f"{admitted} of {CAP} admitted"


async def _skewed(limiter: Limiter, url: str) -> str:
    real, real_ns = time.time, time.time_ns
    user = f"skewed-{real_ns()}"
    async with limiter.open(CAP, WINDOW, url) as hit:
        time.time, time.time_ns = lambda: real() + 60, lambda: real_ns() + 60 * 10**9
        try:
            ahead = sum([await hit(user) for _ in range(2 * CAP)])
        finally:
            time.time, time.time_ns = real, real_ns
        behind = sum([await hit(user) for _ in range(2 * CAP)])
    return f"{ahead + behind} of {CAP} admitted"


async def _large_costs(limiter: Limiter, url: str) -> str:  # noqa: ARG001  # as the others
    if limiter.name.startswith("limits"):
        from limits import RateLimitItemPerHour  # noqa: PLC0415  # installed by then
        from limits.aio.storage import MemoryStorage  # noqa: PLC0415
        from limits.aio.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        moving, item = MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerHour(TOKENS * CALLS)
        return await _room(lambda _: moving.hit(item, "user", cost=TOKENS))
    ledger = MemoryLedger(clock=lambda: time.time_ns() // 1_000)
    charge = Charge(key="user|t", unit="tokens", amount=TOKENS, window_us=3_600_000_000)

    async def call(number: int) -> bool:
        demands = (Demand(charge=charge, cap=TOKENS * CALLS),)
        hold = HoldRequest(hold_id=f"h{number}", subject="user", model="m", demands=demands, lease_us=10**9)
        await ledger.take(hold)
        return await ledger.settle(hold.hold_id, {})

    return await _room(call)


async def _room(call: Callable[[int], Awaitable[bool]]) -> str:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    try:
        for number in range(CALLS):
            await call(number)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    return f"{taken // 1_024:,} KiB for {CALLS} calls of {TOKENS:,} tokens"


FAILURES = {
    "memory": (
        Failure("throttled-py: a crowd erases the cap of a user", "throttled-py gcra", _crowd),
        Failure("throttled-py: the same", "throttled-py sliding_window", _crowd),
        Failure("limits #268: the log of a moving window grows with each unit", "limits MovingWindow", _large_costs),
    ),
    "valkey": (
        Failure("pyrate-limiter #116: a worker whose clock is behind sees none", "pyrate-limiter sliding log", _skewed),
    ),
}


def table(urls: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| what was reported | on the package | here |"
    yield "|---|---|---|"
    for store, failures in FAILURES.items():
        ours = next(one for one in LIMITERS if one.store == store and "Parley" in one.name)
        for failure in failures:
            theirs = next(one for one in LIMITERS if (one.store, one.name) == (store, failure.limiter))
            found = [asyncio.run(failure.steps(limiter, urls[store])) for limiter in (theirs, ours)]
            yield f"| {failure.report} | {' | '.join(found)} |"
