"""What the journal of a ledger in memory promises."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import cast

import pytest

from ratelimit.ledger import Charge, Demand, Held, HoldRequest, Released, Settled
from ratelimit.ledgers.memory import MemoryLedger
from server.adapters.journal_postgres import PostgresJournal
from server.adapters.journal_sqlite import SqliteJournal
from tests.contracts.conftest import Store
from tests.contracts.turn_records import Sink, new_turn, turn_end

MESSAGE = Charge(key="u:messages", unit="messages", amount=1, window_us=3_600_000_000)
TOKENS = Charge(key="u:tokens", unit="tokens", amount=900, window_us=3_600_000_000)
PLACE = Charge(key="u:places", unit="concurrent-requests", amount=1, window_us=0)


Opened = SqliteJournal | PostgresJournal


@pytest.fixture
def opened(store: Store) -> Callable[[], AbstractAsyncContextManager[Opened]]:
    """How to open the journal of the store, which keeps the holds of a ledger too."""
    return cast(Callable[[], AbstractAsyncContextManager[Opened]], store.journal)


@pytest.fixture
async def journal(opened: Callable[[], AbstractAsyncContextManager[Opened]]) -> AsyncIterator[Opened]:
    async with opened() as journal:
        yield journal


def held(hold_id: str = "hold_1", *charges: Charge, at_us: int = 5_000) -> Held:
    return Held(
        hold_id=hold_id,
        subject="user_1",
        model="gpt-4",
        charges=charges or (MESSAGE, TOKENS, PLACE),
        at_us=at_us,
        deadline_us=at_us + 10,
    )


async def until_idle(journal: Opened) -> None:
    """Wait until all that was written so far is durable."""
    await journal.renew({}, 0)


async def test_holds_come_back_as_they_were(journal: Opened) -> None:
    """A ledger finds what is held and what was settled; what was released is gone."""
    journal.record(held("hold_1"))
    journal.record(held("hold_2", at_us=6_000))
    journal.record(held("hold_3", at_us=7_000))
    journal.record(Settled(hold_id="hold_2", amounts={"messages": 1, "tokens": 17}))
    journal.record(Released(hold_id="hold_3"))
    await until_idle(journal)
    first, second = await journal.stored_holds()
    assert (first.hold_id, first.state, first.charges) == ("hold_1", "held", (MESSAGE, TOKENS, PLACE))
    assert (first.subject, first.model, first.at_us, first.deadline_us) == ("user_1", "gpt-4", 5_000, 5_010)
    assert (second.hold_id, second.state) == ("hold_2", "settled")
    assert [(charge.unit, charge.amount) for charge in second.charges] == [("messages", 1), ("tokens", 17)]


async def test_a_hold_is_stored_once(journal: Opened) -> None:
    """The same hold recorded again neither fails nor changes the first."""
    journal.record(held())
    journal.record(held(at_us=9_000))
    await until_idle(journal)
    assert [hold.at_us for hold in await journal.stored_holds()] == [5_000]


async def test_a_durable_turn_has_its_hold(journal: Opened) -> None:
    """A hold that is recorded before its turn begins is stored when the turn is."""
    journal.record(held())
    await journal.begin(new_turn(), Sink())
    assert [hold.hold_id for hold in await journal.stored_holds()] == ["hold_1"]


async def test_a_turn_that_ended_has_settled_its_hold(journal: Opened) -> None:
    """If the process died before the ledger was told, the turn's usage says what was charged."""
    journal.record(held())
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "done"))
    (hold,) = await journal.stored_holds()
    assert hold.state == "settled"
    assert [(charge.unit, charge.amount) for charge in hold.charges] == [("messages", 1), ("tokens", 5)]


async def test_a_turn_that_cost_nothing_has_given_its_hold_back(journal: Opened) -> None:
    """A hold whose turn was not charged does not come back."""
    journal.record(held())
    new = new_turn()
    log = await journal.begin(new, Sink())
    end = turn_end(new.turn)
    await log.end(replace(end, usage=replace(end.usage, charged={})))
    assert await journal.stored_holds() == []


async def test_old_holds_are_dropped(journal: Opened) -> None:
    """A hold that no window can see any more leaves the store when later ones come."""
    journal.record(held("hold_1", at_us=5_000))
    journal.record(held("hold_2", at_us=5_000 + 2 * 86_400_000_000))
    await until_idle(journal)
    assert [hold.hold_id for hold in await journal.stored_holds()] == ["hold_2"]


async def test_a_restored_ledger_stands_where_it_stood(
    opened: Callable[[], AbstractAsyncContextManager[Opened]],
) -> None:
    """Levels after a restart are those before it: held, settled above and below the estimate, and released."""
    demands = [Demand(charge=charge, cap=10_000) for charge in (MESSAGE, TOKENS, PLACE)]

    async def take(ledger: MemoryLedger, hold_id: str) -> None:
        request = HoldRequest(
            hold_id=hold_id, subject="user_1", model="gpt-4", demands=tuple(demands), lease_us=60_000_000
        )
        await ledger.take(request)

    async with opened() as journal:
        before = MemoryLedger(clock=lambda: 1_000_000, journal=journal)
        for name in ("held", "less", "more", "part", "none", "released"):
            await take(before, name)
        await before.settle("less", {"messages": 1, "tokens": 3})
        await before.settle("more", {"messages": 1, "tokens": 5_000})
        await before.settle("part", {"tokens": 7})
        await before.settle("none", {"messages": 0, "tokens": 0})
        await before.release("released")
        expected = await before.levels(demands)
    async with opened() as journal:
        after = MemoryLedger(clock=lambda: 1_000_000, journal=journal)
        after.restore(await journal.stored_holds(), 1_000_000)
        assert await after.levels(demands) == expected
