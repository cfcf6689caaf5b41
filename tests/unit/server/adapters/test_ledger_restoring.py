"""A shared ledger that is emptied is whole again before anybody is told what is left."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from ratelimit.ledger import Charge, Demand, Full, Held, HoldRequest, JournalEntry, Released, StoredHold, Taken
from ratelimit.ledgers.redis import RedisLedger, opened
from server.adapters.ledger_restoring import RestoringLedger
from tests.nodes import emptied_valkey

pytestmark = pytest.mark.services

LEASE = 60_000_000
MESSAGE = Charge(key="ana|m", unit="messages", amount=1, window_us=3_600_000_000)
TOKENS = Charge(key="ana|t", unit="tokens", amount=100, window_us=3_600_000_000)
DEMANDS = (Demand(charge=MESSAGE, cap=3), Demand(charge=TOKENS, cap=10_000))


class Written:
    """What the journal has: the holds that were recorded, and what usage rows say of them."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []
        self.charged: dict[str, dict[str, int]] = {}
        self.reads = 0

    def record(self, entry: JournalEntry) -> None:
        self.entries.append(entry)

    async def stored_holds(self, hold_ids: Collection[str] | None = None) -> Sequence[StoredHold]:
        self.reads += 1
        await asyncio.sleep(0)
        gone = {entry.hold_id for entry in self.entries if isinstance(entry, Released)}
        held = [entry for entry in self.entries if isinstance(entry, Held) and entry.hold_id not in gone]
        return [self._stored(one) for one in held if hold_ids is None or one.hold_id in hold_ids]

    def _stored(self, one: Held) -> StoredHold:
        told = self.charged.get(one.hold_id)
        charges = [
            Charge(key=charge.key, unit=charge.unit, amount=amount, window_us=charge.window_us)
            for charge in one.charges
            if (amount := charge.amount if told is None else told[charge.unit])
        ]
        return StoredHold(
            hold_id=one.hold_id,
            subject=one.subject,
            model=one.model,
            charges=tuple(charges),
            at_us=one.at_us,
            deadline_us=one.deadline_us,
            state="held" if told is None else "settled",
        )


class Counting:
    """Counts how often the ledger is restored."""

    def __init__(self, ledger: RedisLedger) -> None:
        self._ledger = ledger
        self.restored = 0
        self.take, self.settle, self.release = ledger.take, ledger.settle, ledger.release
        self.renew, self.levels, self.entries = ledger.renew, ledger.levels, ledger.entries

    async def restore(self, holds: Iterable[StoredHold]) -> None:
        self.restored += 1
        await self._ledger.restore(holds)


class House:
    """One Valkey, a ledger in it, and what is written down."""

    def __init__(self, ledger: RedisLedger, client: Redis) -> None:
        self.written = Written()
        self.kept = Counting(ledger)
        self.ledger = RestoringLedger(ledger=self.kept, holds=self.written)
        self.client = client

    async def take(self, name: str) -> Taken | Full:
        return await self.ledger.take(
            HoldRequest(hold_id=name, subject="ana", model="m", demands=DEMANDS, lease_us=LEASE)
        )

    async def used(self) -> list[tuple[int, int]]:
        """Return what is used and held of messages and of tokens."""
        reading = await self.ledger.levels(DEMANDS)
        return [(level.used, level.held) for level in reading.levels.values()]


@asynccontextmanager
async def opened_house() -> AsyncIterator[House]:
    address = emptied_valkey().replace("valkey", "redis", 1)
    async with opened(address) as ledger, Redis.from_url(address) as client:
        yield House(ledger, client)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened_house() as one:
        yield one


async def test_a_new_server_needs_nothing_done(house: House) -> None:
    """The first call finds it empty, and goes on."""
    assert isinstance(await house.take("one"), Taken)
    assert await house.used() == [(0, 1), (0, 100)]


async def test_what_was_charged_is_there_after_the_server_lost_everything(house: House) -> None:
    """Held and settled charges count as before, in the first decision after the loss; what was given back does not."""
    for name in ("held", "settled", "released"):
        await house.take(name)
    house.written.charged["settled"] = {"messages": 1, "tokens": 7}
    assert await house.ledger.settle("settled", {"messages": 1, "tokens": 7})
    assert await house.ledger.release("released")
    before = await house.used()
    await house.client.flushdb()
    assert await house.used() == before == [(1, 1), (7, 100)]
    assert isinstance(await house.take("third"), Taken)
    assert isinstance(await house.take("fourth"), Full)


async def test_many_who_find_it_empty_restore_it_once(house: House) -> None:
    """Those who come at the same moment wait for one of them."""
    await house.take("one")
    await house.client.flushdb()
    house.kept.restored = house.written.reads = 0
    seen = await asyncio.gather(*(house.used() for _ in range(20)))
    assert seen == [[(0, 1), (0, 100)]] * 20
    assert (house.kept.restored, house.written.reads) == (1, 1)


@pytest.mark.parametrize("end", ["settle", "release", "renew"])
async def test_whoever_ends_or_renews_a_hold_finds_it(house: House, end: str) -> None:
    """A loss between taking a hold and ending it changes nothing."""
    await house.take("one")
    await house.client.flushdb()
    if end == "settle":
        house.written.charged["one"] = {"messages": 1, "tokens": 7}
        await house.ledger.settle("one", {"messages": 1, "tokens": 7})
        assert await house.used() == [(1, 0), (7, 0)]
    elif end == "release":
        assert not await house.ledger.release("one")
        assert await house.used() == [(0, 0), (0, 0)]
    else:
        assert await house.ledger.renew(["one"], {}, lease_us=LEASE) == {"one"}


@pytest.mark.parametrize("end", ["settle", "renew"])
async def test_a_hold_that_was_not_written_yet_when_others_restored_is_put_back(house: House, end: str) -> None:
    """It was taken before the loss and committed after the restoring; its owner's next word puts it back."""
    await house.take("late")
    late = house.written.entries.pop()
    await house.client.flushdb()
    assert await house.used() == [(0, 0), (0, 0)]
    house.written.entries.append(late)
    if end == "settle":
        house.written.charged["late"] = {"messages": 1, "tokens": 7}
        await house.ledger.settle("late", {"messages": 1, "tokens": 7})
        assert await house.used() == [(1, 0), (7, 0)]
    else:
        await house.ledger.renew(["late"], {}, lease_us=LEASE)
        assert await house.used() == [(0, 1), (0, 100)]
