"""While the shared ledger is away, caps are counted by what the database knows, and nothing is lost when it is back."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from ratelimit.ledger import Charge, Demand, Entry, Full, HoldRequest, LedgerAway, Reading, Taken
from ratelimit.ledgers.memory import MemoryLedger
from server.adapters.clock_system import SystemClock
from server.adapters.ledger_restoring import RestoringLedger
from server.adapters.ledger_standing_in import LOOK_SECONDS, IfAway, StandingInLedger
from server.core.ports import Happened
from tests.unit.server.adapters.test_ledger_restoring import House, Written, opened_house

pytestmark = pytest.mark.services

LEASE = 60_000_000
LOCAL: dict[str, IfAway] = {"messages": "local", "tokens": "local", "concurrent-requests": "local"}
WINDOW = 3_600_000_000


def message(cap: int = 3) -> Demand:
    return Demand(charge=Charge(key="ana|m", unit="messages", amount=1, window_us=WINDOW), cap=cap)


def tokens(cap: int = 100) -> Demand:
    return Demand(charge=Charge(key="ana|t", unit="tokens", amount=60, window_us=WINDOW), cap=cap)


class Cable:
    """A ledger that can be out of reach, and counts who tries."""

    def __init__(self, ledger: RestoringLedger) -> None:
        self._ledger = ledger
        self.cut = False
        self.tried = 0

    def _through(self) -> RestoringLedger:
        self.tried += 1
        if self.cut:
            raise LedgerAway("cut")
        return self._ledger

    async def take(self, hold: HoldRequest) -> Taken | Full:
        return await self._through().take(hold)

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        return await self._through().settle(hold_id, actual)

    async def release(self, hold_id: str) -> bool:
        return await self._through().release(hold_id)

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        return await self._through().renew(hold_ids, progress, lease_us=lease_us)

    async def levels(self, demands: Sequence[Demand]) -> Reading:
        return await self._through().levels(demands)

    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        return await self._through().entries(key, window_us=window_us)

    async def put_back(self, hold_ids: Collection[str]) -> None:
        await self._through().put_back(hold_ids)


class Node:
    """One node's ledger, its cable, its clock, and what its operators were told."""

    def __init__(self, house: House, written: Written, if_away: Mapping[str, IfAway]) -> None:
        self.seconds = 100.0
        self.told: list[str] = []
        self.heard = asyncio.Event()
        self.cable = Cable(RestoringLedger(ledger=house.kept, holds=written))
        self.ledger = StandingInLedger(
            ledger=self.cable,
            holds=written,
            local=lambda: MemoryLedger(clock=self.now),
            if_away=if_away,
            clock=self,
            observer=self,
        )

    def now(self) -> int:
        return SystemClock().now()

    def monotonic(self) -> float:
        return self.seconds

    def saw(self, happened: Happened) -> None:
        self.told.append(happened.name)
        self.heard.set()

    async def take(self, hold_id: str, *demands: Demand) -> Taken | Full:
        demands = demands or (message(),)
        return await self.ledger.take(
            HoldRequest(hold_id=hold_id, subject="ana", model="m", demands=demands, lease_us=LEASE)
        )


@asynccontextmanager
async def nodes(count: int = 1, if_away: Mapping[str, IfAway] = LOCAL) -> AsyncIterator[list[Node]]:
    """Give nodes on one Valkey and one database."""
    async with opened_house() as shared:
        yield [Node(shared, shared.written, if_away) for _ in range(count)]


async def test_caps_are_counted_by_what_the_database_knows() -> None:
    """What was let in before counts, what has room is let in, and what has none is refused with its time."""
    async with nodes() as (node,):
        for hold_id in ("h1", "h2"):
            assert isinstance(await node.take(hold_id), Taken)
        node.cable.cut = True
        assert isinstance(await node.take("h3"), Taken)
        full = await node.take("h4")
        assert isinstance(full, Full)
        level = full.levels["ana|m"]
        assert (level.cap, level.used + level.held, level.next_at is not None) == (3, 3, True)
        assert (await node.ledger.levels([message()])).levels["ana|m"].remaining == 0
        assert len(await node.ledger.entries("ana|m", window_us=WINDOW)) == 3
        again = await node.take("h3")
        assert isinstance(again, Taken)
        assert [charge.key for charge in again.charges] == ["ana|m"]


async def test_nodes_see_what_others_let_in() -> None:
    """At the first look, and again within a second."""
    async with nodes(2) as (one, two):
        for node in (one, two):
            node.cable.cut = True
        assert isinstance(await one.take("h1"), Taken)
        assert isinstance(await two.take("h2"), Taken)
        assert (await two.ledger.levels([message()])).levels["ana|m"].held == 2
        one.seconds += LOOK_SECONDS
        assert isinstance(await one.take("h3"), Taken)
        assert isinstance(await one.take("h4"), Full)


async def test_what_is_given_back_has_room_at_once() -> None:
    """Releasing while the ledger is away raises as ever, and counts here."""
    async with nodes() as (node,):
        node.cable.cut = True
        for hold_id in ("h1", "h2", "h3"):
            await node.take(hold_id)
        with pytest.raises(LedgerAway):
            await node.ledger.release("h1")
        assert isinstance(await node.take("h4"), Taken)
        node.seconds += LOOK_SECONDS
        assert isinstance(await node.take("h5"), Full)


async def test_what_was_let_in_meanwhile_is_in_the_ledger_when_it_is_back() -> None:
    """Held ones are put back before anybody is let in, and each settles once, with the truth."""
    async with nodes() as (node,):
        node.cable.cut = True
        for hold_id in ("h1", "h2"):
            await node.take(hold_id, message(), tokens(1_000))
        with pytest.raises(LedgerAway):
            await node.ledger.look()
        node.cable.cut = False
        assert (await node.ledger.levels([message()])).levels["ana|m"].held == 2
        await node.ledger.look()
        assert isinstance(await node.take("h3"), Taken)
        assert isinstance(await node.take("h4"), Full)
        assert await node.ledger.settle("h1", {"messages": 1, "tokens": 7})
        assert not await node.ledger.settle("h1", {"messages": 1, "tokens": 7})
        levels = (await node.ledger.levels([message(), tokens(1_000)])).levels
        assert (levels["ana|m"].used, levels["ana|m"].held, levels["ana|t"].used, levels["ana|t"].held) == (1, 2, 7, 60)
        assert node.told == ["caps_local", "caps_shared"]


async def test_what_is_open_is_let_in_and_counted_later() -> None:
    """A unit that nobody is to be refused for passes its cap, and refuses once the ledger is back."""
    async with nodes(if_away=LOCAL | {"tokens": "open"}) as (node,):
        node.cable.cut = True
        for hold_id in ("h1", "h2", "h3"):
            taken = await node.take(hold_id, message(), tokens())
            assert isinstance(taken, Taken)
            assert [charge.key for charge in taken.charges] == ["ana|m", "ana|t"]
        assert isinstance(await node.take("h4", message(), tokens()), Full)
        node.cable.cut = False
        await node.ledger.look()
        full = await node.take("h5", tokens())
        assert isinstance(full, Full)
        assert full.levels["ana|t"].held == 180


async def test_what_is_closed_is_not_let_in() -> None:
    """A request that is charged such a unit raises as without a stand-in; others go on."""
    async with nodes(if_away=LOCAL | {"tokens": "closed"}) as (node,):
        node.cable.cut = True
        with pytest.raises(LedgerAway):
            await node.take("h1", message(), tokens())
        assert isinstance(await node.take("h2"), Taken)
        assert (await node.ledger.levels([message()])).levels["ana|m"].held == 1


async def test_requests_do_not_wait_for_a_ledger_that_is_away() -> None:
    """Nobody but who looks whether it is back tries it again, once a second, until it is."""
    async with nodes() as (node,), asyncio.timeout(10):
        looks: asyncio.Queue[float] = asyncio.Queue()
        go = asyncio.Semaphore(0)

        async def sleep(seconds: float) -> None:
            looks.put_nowait(seconds)
            await go.acquire()

        node.ledger._sleep = sleep
        async with node.ledger:
            node.cable.cut = True
            for number in range(50):
                await node.take(f"h{number}", message(1_000))
            for tried in (1, 2, 3):
                assert await looks.get() == LOOK_SECONDS
                assert node.cable.tried == tried
                node.cable.cut = tried < 3
                node.heard.clear()
                go.release()
            await node.heard.wait()
            assert node.told == ["caps_local", "caps_shared"]
            assert (await node.ledger.levels([message()])).levels["ana|m"].held == 50


async def test_a_ledger_that_is_away_is_asked_by_nobody_else() -> None:
    """Each call to a server that says nothing lasts; what runs must not wait for it again and again."""
    async with nodes() as (node,):
        await node.take("h1")
        node.cable.cut = True
        with pytest.raises(LedgerAway):
            await node.ledger.renew(["h1"], {}, lease_us=LEASE)
        tried = node.cable.tried
        for ask in (
            node.ledger.renew(["h1"], {}, lease_us=LEASE),
            node.ledger.settle("h1", {}),
            node.ledger.release("h1"),
        ):
            with pytest.raises(LedgerAway):
                await ask
        assert node.cable.tried == tried
