"""Shared ledgers give the answers of the one in memory, which is the definition's, on any trace of calls."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import pytest

from ratelimit.ledger import Demand, Entry, Full, HoldRequest, Journal, Ledger, LedgerAway, Reading, StoredHold, Taken
from ratelimit.ledgers import redis as redis_ledger
from ratelimit.ledgers.memory import MemoryLedger
from ratelimit.ledgers.redis import RedisLedger
from tests.contracts.ledgers import Opener, postgres, valkey, valkey_cluster
from tests.properties.ledger_machine import check

pytestmark = pytest.mark.services
T = TypeVar("T")


class Clock:
    """A server's clock: another one's, but never behind the time at which the server started."""

    def __init__(self, under: Callable[[], int]) -> None:
        self._under = under
        self.started = 0

    def __call__(self) -> int:
        """Return the time."""
        return max(self.started, self._under())


class Agreeing:
    """The ledger in memory and one other, which must give the same answers."""

    def __init__(self, *, memory: MemoryLedger, other: Ledger, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._memory, self._other, self._clock, self._loop = memory, other, clock, loop

    def _same(self, expected: T, found: Awaitable[T]) -> T:
        assert self._loop.run_until_complete(found) == expected
        return expected

    async def take(self, hold: HoldRequest) -> Taken | Full:
        return self._same(await self._memory.take(hold), self._other.take(hold))

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        return self._same(await self._memory.settle(hold_id, actual), self._other.settle(hold_id, actual))

    async def release(self, hold_id: str) -> bool:
        return self._same(await self._memory.release(hold_id), self._other.release(hold_id))

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        expected = await self._memory.renew(hold_ids, progress, lease_us=lease_us)
        return self._same(expected, self._other.renew(hold_ids, progress, lease_us=lease_us))

    async def levels(self, demands: Sequence[Demand]) -> Reading:
        return self._same(await self._memory.levels(demands), self._other.levels(demands))

    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        expected = await self._memory.entries(key, window_us=window_us)
        return self._same(expected, self._other.entries(key, window_us=window_us))

    def restore(self, holds: Iterable[StoredHold], now: int) -> None:
        """Rebuild both from the same journal."""
        holds = list(holds)
        self._memory.restore(holds, now)
        assert isinstance(self._other, RedisLedger)
        self._clock.started = now
        self._loop.run_until_complete(self._other.restore(holds))


class Opened:
    """Opens a pair for each trace, on one event loop, and closes all of them at the end."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._loop = asyncio.new_event_loop()
        self._stack = AsyncExitStack()

    def __call__(self, clock: Callable[[], int], journal: Journal) -> Agreeing:
        """Open an empty pair."""
        self.close_pair()
        servers = Clock(clock)
        other = self._loop.run_until_complete(self._stack.enter_async_context(self._opener(servers)))
        memory = MemoryLedger(clock=clock, journal=journal)
        return Agreeing(memory=memory, other=other, clock=servers, loop=self._loop)

    def close_pair(self) -> None:
        """Close the pair that is open."""
        self._loop.run_until_complete(self._stack.aclose())

    def close(self) -> None:
        """Close the pair and the loop."""
        self.close_pair()
        self._loop.close()


MISTAKES = {
    "a charge leaves early": ("gone_until = now - counter.keep", "gone_until = now - counter.keep + 1"),
    "a lease ends late": ("if entry[4] > now then", "if entry[4] >= now then"),
    "time goes back": ("math.max(wall, tonumber(last or '0'))", "wall"),
    "what is in flight is free": ("counter.settled[1] + counter.held + amount", "counter.settled[1] + amount"),
    "an end happens twice": ("if state == ENDED then", "if false then"),
    "progress counts twice": ("counter.total = counter.total - kept[i]", ""),
    "progress is forgotten": ("entry[4], entry[5] = deadline, kept[i]", "entry[4] = deadline"),
}


@pytest.fixture(params=[valkey, valkey_cluster, postgres], ids=lambda opener: opener.__name__)
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Pairs with each shared ledger in turn."""
    pairs = Opened(request.param)
    yield pairs
    pairs.close()


def test_a_shared_ledger_answers_as_the_one_in_memory(opened: Opened) -> None:
    """Every outcome, level and next time is the same, and the definition's, whatever is called in whatever order."""
    check(opened, examples=25, restarts=opened._opener is not postgres)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_script_is_found(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traces find each of these mistakes in the script."""
    right, wrong = MISTAKES[mistake]
    assert redis_ledger._SCRIPT.count(right) == 1
    monkeypatch.setattr(redis_ledger, "_SCRIPT", redis_ledger._SCRIPT.replace(right, wrong))
    pairs = Opened(valkey)
    try:
        # A mistake shows as a wrong answer, or as a script that stumbles over what it has written.
        with pytest.raises((AssertionError, LedgerAway)):
            check(pairs, examples=200, shrink=False)
    finally:
        pairs.close()
