"""What every journal promises, and what it promises a ledger in memory."""

import asyncio
from dataclasses import replace
from typing import Protocol

import pytest

from ratelimit.ledger import Charge, Demand, Held, HoldRequest, Released, Settled
from ratelimit.ledgers.memory import MemoryLedger
from server.adapters.journal_sqlite import SqliteJournal
from server.core.events import Delta, ItemOpened
from server.core.ports import DuplicateRequest, Fenced, Journal
from tests.contracts.turn_records import (
    OPENED,
    Sink,
    a_conversation,
    a_turn,
    deltas,
    new_turn,
    said,
    turn_end,
)

MESSAGE = Charge(key="u:messages", unit="messages", amount=1, window_us=3_600_000_000)
TOKENS = Charge(key="u:tokens", unit="tokens", amount=900, window_us=3_600_000_000)
PLACE = Charge(key="u:places", unit="concurrent-requests", amount=1, window_us=0)


class Restartable(Protocol):
    """A store whose journal can be opened again."""

    def journal(self) -> SqliteJournal: ...


def held(hold_id: str = "hold_1", *charges: Charge, at_us: int = 5_000) -> Held:
    return Held(
        hold_id=hold_id,
        subject="user_1",
        model="gpt-4",
        charges=charges or (MESSAGE, TOKENS, PLACE),
        at_us=at_us,
        deadline_us=at_us + 10,
    )


async def until_idle(journal: Journal) -> None:
    """Wait until all that was written so far is durable."""
    await journal.renew({}, 0)


def test_the_journal_is_one(journal: SqliteJournal) -> None:
    """What the wiring hands to the engine fits the port."""
    port: Journal = journal
    assert port.backlog() == 0


async def test_events_are_shown_when_they_are_durable_and_not_before(journal: SqliteJournal) -> None:
    """The sink hears of an event only after the commit that carries it."""
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    log.append(ItemOpened(2, 0, "msg_reply_1"))
    assert sink.events == []
    await until_idle(journal)
    assert sink.events == [ItemOpened(2, 0, "msg_reply_1")]


async def test_the_first_event_is_not_told_to_the_sink(journal: SqliteJournal) -> None:
    """Whoever begins a turn has its first event already."""
    sink = Sink()
    await journal.begin(new_turn(), sink)
    await until_idle(journal)
    assert sink.calls == []


async def test_deltas_that_wait_together_are_joined(journal: SqliteJournal) -> None:
    """Neighbouring deltas of one commit become one, with the last number."""
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    for event in said("1", "He", "llo", "!"):
        log.append(event)
    await until_idle(journal)
    assert sink.events == [ItemOpened(2, 0, "msg_reply_1"), Delta(6, 0, "Hello!")]


async def test_what_waits_for_the_disk_is_weighed(journal: SqliteJournal) -> None:
    """The backlog grows by at least the bytes of the text and is nothing when all is durable."""
    log = await journal.begin(new_turn(), Sink())
    log.append(Delta(4, 0, "é" * 1000))
    assert journal.backlog() >= 2000
    await until_idle(journal)
    assert journal.backlog() == 0


async def test_a_request_id_makes_one_turn(journal: SqliteJournal) -> None:
    """The second turn with the id of a stored one is refused and leaves nothing."""
    await journal.begin(new_turn("1", client_request_id="req"), Sink())
    with pytest.raises(DuplicateRequest):
        await journal.begin(new_turn("2", conversation=a_conversation(), client_request_id="req"), Sink())
    await journal.begin(new_turn("3", conversation=a_conversation(), client_request_id="other"), Sink())
    orphans = await journal.adopt(0, 0, everyone=True)
    assert [orphan.turn.id for orphan in orphans] == ["resp_1", "resp_3"]


async def test_request_ids_belong_to_users(journal: SqliteJournal) -> None:
    """Two users may use the same id."""
    await journal.begin(new_turn("1", client_request_id="req"), Sink())
    await journal.begin(new_turn("2", client_request_id="req", user_id="user_2"), Sink())


async def test_turns_without_a_request_id_never_clash(journal: SqliteJournal) -> None:
    """No id is not an id."""
    await journal.begin(new_turn("1"), Sink())
    await journal.begin(new_turn("2"), Sink())


async def test_a_duplicate_harms_no_other_turn_of_its_commit(journal: SqliteJournal) -> None:
    """Of turns that begin in one moment, only the duplicates are refused."""
    begun = [
        asyncio.ensure_future(journal.begin(new_turn(str(n), client_request_id=f"req{n % 3}"), Sink()))
        for n in range(6)
    ]
    results = await asyncio.gather(*begun, return_exceptions=True)
    assert [isinstance(result, DuplicateRequest) for result in results] == [False] * 3 + [True] * 3


async def test_a_turn_that_cannot_be_stored_harms_no_other(journal: SqliteJournal) -> None:
    """A turn whose conversation exists already is refused alone."""
    await journal.begin(new_turn("1", conversation=a_conversation()), Sink())
    fine = asyncio.ensure_future(journal.begin(new_turn("2"), Sink()))
    bad = asyncio.ensure_future(journal.begin(new_turn("3", conversation=a_conversation()), Sink()))
    await asyncio.wait([fine, bad])
    assert fine.exception() is None
    assert bad.exception() is not None
    assert [o.turn.id for o in await journal.adopt(0, 0, everyone=True)] == ["resp_1", "resp_2"]


async def test_text_that_is_not_unicode_fails_where_it_is_appended(journal: SqliteJournal) -> None:
    """Half a surrogate pair raises at once, and other turns are written."""
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    with pytest.raises(UnicodeEncodeError):
        log.append(Delta(4, 0, "\ud83d"))
    log.append(Delta(4, 0, "fine"))
    await until_idle(journal)
    assert sink.text == "fine"


async def test_an_orphan_has_all_that_was_durable(journal: SqliteJournal) -> None:
    """Adoption gives every event in order, the first one too, and the next owner number."""
    turn = new_turn()
    log = await journal.begin(turn, Sink())
    for text in ("one ", "two ", "three"):
        log.append(Delta(4 + len(text), 0, text))
        await until_idle(journal)
    (orphan,) = await journal.adopt(0, 0, everyone=True)
    assert orphan.turn == turn.turn
    assert orphan.owner == 2
    assert orphan.events[0] == OPENED
    assert [e.text for e in orphan.events[1:] if isinstance(e, Delta)] == ["one ", "two ", "three"]


async def test_only_leases_that_have_ended_are_adopted(journal: SqliteJournal) -> None:
    """A turn whose lease runs stays with its owner, unless everyone's are taken."""
    await journal.begin(new_turn(), Sink())
    assert await journal.adopt(10_000, 20_000, everyone=False) == []
    assert len(await journal.adopt(10_001, 20_000, everyone=False)) == 1
    assert await journal.adopt(10_002, 20_000, everyone=False) == []


async def test_a_renewed_lease_is_not_adopted(journal: SqliteJournal) -> None:
    """A renewal moves the end of the lease."""
    await journal.begin(new_turn(), Sink())
    assert await journal.renew({"resp_1": 1}, 50_000) == []
    assert await journal.adopt(40_000, 90_000, everyone=False) == []


async def test_the_old_owner_is_fenced(journal: SqliteJournal) -> None:
    """After adoption the old owner's events, end and renewal change nothing, and it hears so."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    (orphan,) = await journal.adopt(0, 20_000, everyone=True)
    for text in ("late", "later"):
        log.append(Delta(4, 0, text))
        await until_idle(journal)
    assert sink.calls == ["fenced"]
    with pytest.raises(Fenced):
        await log.end(turn_end(new.turn, "late"))
    assert await journal.renew({"resp_1": 1}, 90_000) == ["resp_1"]
    (again,) = await journal.adopt(20_001, 0, everyone=False)
    assert again.events == orphan.events


async def test_the_new_owner_goes_on(journal: SqliteJournal) -> None:
    """An adopted turn is written on and ended under its new number, in the order of its log."""
    new = new_turn()
    first = await journal.begin(new, Sink())
    first.append(ItemOpened(2, 0, "msg_reply_1"))
    await until_idle(journal)
    (orphan,) = await journal.adopt(0, 0, everyone=True)
    sink = Sink()
    log = journal.resume(orphan, sink)
    log.append(Delta(4, 0, "on"))
    await until_idle(journal)
    (later,) = await journal.adopt(0, 0, everyone=True)
    assert later.events == [OPENED, ItemOpened(2, 0, "msg_reply_1"), Delta(4, 0, "on")]
    await journal.resume(later, sink).end(turn_end(new.turn, "on", owner=later.owner))
    assert await journal.adopt(0, 0, everyone=True) == []


async def test_a_turn_that_never_was_is_lost(journal: SqliteJournal) -> None:
    """Renewing a turn that is not stored reports it."""
    assert await journal.renew({"resp_none": 1}, 1) == ["resp_none"]


async def test_a_turn_that_ended_is_not_lost_to_another_owner(journal: SqliteJournal) -> None:
    """A renewal that comes after the end is no reason to stop."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "done"))
    assert await journal.renew({new.turn.id: 1}, 50_000) == []


async def test_an_end_comes_after_everything_appended(journal: SqliteJournal) -> None:
    """The sink has heard of all events when the end returns, but not of the last ones."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    for event in said("1", "all ", "of it"):
        log.append(event)
    await log.end(turn_end(new.turn, "all ", "of it"))
    assert sink.events == [ItemOpened(2, 0, "msg_reply_1"), Delta(5, 0, "all of it")]


async def test_an_ended_turn_is_no_orphan(journal: SqliteJournal) -> None:
    """Nobody adopts what has ended."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "done"))
    assert await journal.adopt(99_999, 0, everyone=True) == []


async def test_events_after_the_end_are_refused(journal: SqliteJournal) -> None:
    """Nothing is written behind an end."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    await log.end(turn_end(new.turn, "done"))
    log.append(Delta(9, 0, "more"))
    await until_idle(journal)
    assert sink.calls == ["fenced"]


async def test_a_restart_finds_every_unfinished_turn(store: Restartable) -> None:
    """What was durable in one process is adopted in the next, turn by turn and in order."""
    async with store.journal() as journal:
        logs = {n: await journal.begin(new_turn(str(n), created_at=n), Sink()) for n in range(3)}
        for step in range(4):
            for n, log in logs.items():
                log.append(Delta(4 + step, 0, f"{n}.{step} "))
            await until_idle(journal)
        await logs[1].end(turn_end(a_turn("1"), "x"))
    async with store.journal() as journal:
        orphans = await journal.adopt(0, 0, everyone=True)
    texts = ["".join(e.text for e in orphan.events if isinstance(e, Delta)) for orphan in orphans]
    assert [orphan.turn.id for orphan in orphans] == ["resp_0", "resp_2"]
    assert texts == ["0.0 0.1 0.2 0.3 ", "2.0 2.1 2.2 2.3 "]


async def test_leaving_the_journal_writes_what_waits(store: Restartable) -> None:
    """A journal that is closed has lost nothing that it was given."""
    sink = Sink()
    async with store.journal() as journal:
        log = await journal.begin(new_turn(), sink)
        for event in deltas("to ", "the ", "end"):
            log.append(event)
    async with store.journal() as journal:
        (orphan,) = await journal.adopt(0, 0, everyone=True)
    assert orphan.events[1:] == [Delta(6, 0, "to the end")]
    with pytest.raises(RuntimeError):
        log.append(Delta(7, 0, "too late"))


async def test_holds_come_back_as_they_were(journal: SqliteJournal) -> None:
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


async def test_a_hold_is_stored_once(journal: SqliteJournal) -> None:
    """The same hold recorded again neither fails nor changes the first."""
    journal.record(held())
    journal.record(held(at_us=9_000))
    await until_idle(journal)
    assert [hold.at_us for hold in await journal.stored_holds()] == [5_000]


async def test_a_durable_turn_has_its_hold(journal: SqliteJournal) -> None:
    """A hold that is recorded before its turn begins is stored when the turn is."""
    journal.record(held())
    await journal.begin(new_turn(), Sink())
    assert [hold.hold_id for hold in await journal.stored_holds()] == ["hold_1"]


async def test_a_turn_that_ended_has_settled_its_hold(journal: SqliteJournal) -> None:
    """If the process died before the ledger was told, the turn's usage says what was charged."""
    journal.record(held())
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "done"))
    (hold,) = await journal.stored_holds()
    assert hold.state == "settled"
    assert [(charge.unit, charge.amount) for charge in hold.charges] == [("messages", 1), ("tokens", 5)]


async def test_a_turn_that_cost_nothing_has_given_its_hold_back(journal: SqliteJournal) -> None:
    """A hold whose turn was not charged does not come back."""
    journal.record(held())
    new = new_turn()
    log = await journal.begin(new, Sink())
    end = turn_end(new.turn)
    await log.end(replace(end, usage=replace(end.usage, charged={})))
    assert await journal.stored_holds() == []


async def test_old_holds_are_dropped(journal: SqliteJournal) -> None:
    """A hold that no window can see any more leaves the store when later ones come."""
    journal.record(held("hold_1", at_us=5_000))
    journal.record(held("hold_2", at_us=5_000 + 2 * 86_400_000_000))
    await until_idle(journal)
    assert [hold.hold_id for hold in await journal.stored_holds()] == ["hold_2"]


async def test_a_restored_ledger_stands_where_it_stood(store: Restartable) -> None:
    """Levels after a restart are those before it: held, settled above and below the estimate, and released."""
    demands = [Demand(charge=charge, cap=10_000) for charge in (MESSAGE, TOKENS, PLACE)]

    async def take(ledger: MemoryLedger, hold_id: str) -> None:
        request = HoldRequest(
            hold_id=hold_id, subject="user_1", model="gpt-4", demands=tuple(demands), lease_us=60_000_000
        )
        await ledger.take(request)

    async with store.journal() as journal:
        before = MemoryLedger(clock=lambda: 1_000_000, journal=journal)
        for name in ("held", "less", "more", "part", "none", "released"):
            await take(before, name)
        await before.settle("less", {"messages": 1, "tokens": 3})
        await before.settle("more", {"messages": 1, "tokens": 5_000})
        await before.settle("part", {"tokens": 7})
        await before.settle("none", {"messages": 0, "tokens": 0})
        await before.release("released")
        expected = await before.levels(demands)
    async with store.journal() as journal:
        after = MemoryLedger(clock=lambda: 1_000_000, journal=journal)
        after.restore(await journal.stored_holds(), 1_000_000)
        assert await after.levels(demands) == expected
