"""What every journal promises."""

import asyncio

import pytest

from server.core.events import Delta, ItemOpened
from server.core.ports import DuplicateRequest, Fenced, Journal
from tests.contracts.conftest import Store
from tests.contracts.turn_records import (
    LEASE,
    OPENED,
    Sink,
    a_conversation,
    a_turn,
    deltas,
    new_turn,
    said,
    turn_end,
)


async def until_idle(journal: Journal) -> None:
    """Wait until all that was written so far is durable."""
    await journal.renew({}, 0)


def test_the_journal_is_one(journal: Journal) -> None:
    """What the wiring hands to the engine fits the port."""
    assert journal.backlog() == 0


async def test_events_are_shown_when_they_are_durable_and_not_before(journal: Journal) -> None:
    """The sink hears of an event only after the commit that carries it."""
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    log.append(ItemOpened(2, 0, "msg_reply_1"))
    assert sink.events == []
    await until_idle(journal)
    assert sink.events == [ItemOpened(2, 0, "msg_reply_1")]


async def test_the_first_event_is_not_told_to_the_sink(journal: Journal) -> None:
    """Whoever begins a turn has its first event already."""
    sink = Sink()
    await journal.begin(new_turn(), sink)
    await until_idle(journal)
    assert sink.calls == []


async def test_deltas_that_wait_together_are_joined(journal: Journal) -> None:
    """Neighbouring deltas of one commit become one, with the last number."""
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    for event in said("1", "He", "llo", "!"):
        log.append(event)
    await until_idle(journal)
    assert sink.events == [ItemOpened(2, 0, "msg_reply_1"), Delta(6, 0, "Hello!")]


async def test_what_waits_for_the_disk_is_weighed(journal: Journal) -> None:
    """The backlog grows by at least the bytes of the text and is nothing when all is durable."""
    log = await journal.begin(new_turn(), Sink())
    log.append(Delta(4, 0, "é" * 1000))
    assert journal.backlog() >= 2000
    await until_idle(journal)
    assert journal.backlog() == 0


async def test_a_request_id_makes_one_turn(journal: Journal) -> None:
    """The second turn with the id of a stored one is refused and leaves nothing."""
    await journal.begin(new_turn("1", client_request_id="req"), Sink())
    with pytest.raises(DuplicateRequest):
        await journal.begin(new_turn("2", conversation=a_conversation(), client_request_id="req"), Sink())
    await journal.begin(new_turn("3", conversation=a_conversation(), client_request_id="other"), Sink())
    orphans = await journal.adopt(0, 0, everyone=True)
    assert [orphan.turn.id for orphan in orphans] == ["resp_1", "resp_3"]


async def test_request_ids_belong_to_users(journal: Journal) -> None:
    """Two users may use the same id."""
    await journal.begin(new_turn("1", client_request_id="req"), Sink())
    await journal.begin(new_turn("2", client_request_id="req", user_id="user_2"), Sink())


async def test_turns_without_a_request_id_never_clash(journal: Journal) -> None:
    """No id is not an id."""
    await journal.begin(new_turn("1"), Sink())
    await journal.begin(new_turn("2"), Sink())


async def test_a_duplicate_harms_no_other_turn_of_its_commit(journal: Journal) -> None:
    """Of turns that begin in one moment, only the duplicates are refused."""
    begun = [
        asyncio.ensure_future(journal.begin(new_turn(str(n), client_request_id=f"req{n % 3}"), Sink()))
        for n in range(6)
    ]
    results = await asyncio.gather(*begun, return_exceptions=True)
    assert [isinstance(result, DuplicateRequest) for result in results] == [False] * 3 + [True] * 3


async def test_a_turn_that_cannot_be_stored_harms_no_other(journal: Journal) -> None:
    """A turn whose conversation exists already is refused alone."""
    await journal.begin(new_turn("1", conversation=a_conversation()), Sink())
    fine = asyncio.ensure_future(journal.begin(new_turn("2"), Sink()))
    bad = asyncio.ensure_future(journal.begin(new_turn("3", conversation=a_conversation()), Sink()))
    await asyncio.wait([fine, bad])
    assert fine.exception() is None
    assert bad.exception() is not None
    assert [o.turn.id for o in await journal.adopt(0, 0, everyone=True)] == ["resp_1", "resp_2"]


async def test_text_that_is_not_unicode_fails_where_it_is_appended(journal: Journal) -> None:
    """Half a surrogate pair raises at once, and other turns are written."""
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    with pytest.raises(UnicodeEncodeError):
        log.append(Delta(4, 0, "\ud83d"))
    log.append(Delta(4, 0, "fine"))
    await until_idle(journal)
    assert sink.text == "fine"


async def test_an_orphan_has_all_that_was_durable(journal: Journal) -> None:
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


async def test_a_lease_that_was_given_up_is_adopted_at_once(journal: Journal) -> None:
    """Who renews a lease until now lets go of the turn."""
    await journal.begin(new_turn(), Sink())
    assert await journal.renew({"resp_1": 1}, 0) == []
    assert len(await journal.adopt(LEASE // 2, 2 * LEASE, everyone=False)) == 1


async def test_only_leases_that_have_ended_are_adopted(journal: Journal) -> None:
    """A turn whose lease runs stays with its owner, unless everyone's are taken."""
    await journal.begin(new_turn(), Sink())
    assert await journal.adopt(LEASE // 2, 3 * LEASE, everyone=False) == []
    assert len(await journal.adopt(2 * LEASE, 3 * LEASE, everyone=False)) == 1
    assert await journal.adopt(2 * LEASE, 3 * LEASE, everyone=False) == []


async def test_a_renewed_lease_is_not_adopted(journal: Journal) -> None:
    """A renewal moves the end of the lease."""
    await journal.begin(new_turn(), Sink())
    assert await journal.renew({"resp_1": 1}, 5 * LEASE) == []
    assert await journal.adopt(4 * LEASE, 9 * LEASE, everyone=False) == []


async def test_the_old_owner_is_fenced(journal: Journal) -> None:
    """After adoption the old owner's events, end and renewal change nothing, and it hears so."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    (orphan,) = await journal.adopt(0, 2 * LEASE, everyone=True)
    for text in ("late", "later"):
        log.append(Delta(4, 0, text))
        await until_idle(journal)
    assert sink.calls == ["fenced"]
    with pytest.raises(Fenced):
        await log.end(turn_end(new.turn, "late"))
    assert await journal.renew({"resp_1": 1}, 9 * LEASE) == ["resp_1"]
    (again,) = await journal.adopt(3 * LEASE, 0, everyone=False)
    assert again.events == orphan.events


async def test_the_new_owner_goes_on(journal: Journal) -> None:
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


async def test_a_turn_that_cannot_be_read_harms_no_other(
    store: Store, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left and said in the log, once; the others are adopted, and who writes meanwhile goes on."""
    sink = Sink()
    log = await journal.begin(new_turn("1"), sink)
    await journal.renew({"resp_1": 1}, 9 * LEASE)
    await journal.begin(new_turn("2"), Sink())
    await journal.begin(new_turn("3"), Sink())
    await store.execute("UPDATE turns SET facts = '{}' WHERE id = 'resp_2'")
    log.append(Delta(2, 0, "hello"))
    assert [one.turn.id for one in await journal.adopt(2 * LEASE, 3 * LEASE, everyone=False)] == ["resp_3"]
    assert sink.text == "hello"
    assert [one.turn.id for one in await journal.adopt(4 * LEASE, 5 * LEASE, everyone=False)] == ["resp_3"]
    assert caplog.text.count("resp_2") == 1


async def test_a_turn_that_never_was_is_lost(journal: Journal) -> None:
    """Renewing a turn that is not stored reports it."""
    assert await journal.renew({"resp_none": 1}, 1) == ["resp_none"]


async def test_a_turn_that_ended_is_not_lost_to_another_owner(journal: Journal) -> None:
    """A renewal that comes after the end is no reason to stop."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "done"))
    assert await journal.renew({new.turn.id: 1}, 5 * LEASE) == []


async def test_an_end_comes_after_everything_appended(journal: Journal) -> None:
    """The sink has heard of all events when the end returns, but not of the last ones."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    for event in said("1", "all ", "of it"):
        log.append(event)
    await log.end(turn_end(new.turn, "all ", "of it"))
    assert sink.events == [ItemOpened(2, 0, "msg_reply_1"), Delta(5, 0, "all of it")]


async def test_an_ended_turn_is_no_orphan(journal: Journal) -> None:
    """Nobody adopts what has ended."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "done"))
    assert await journal.adopt(9 * LEASE, 0, everyone=True) == []


async def test_events_after_the_end_are_refused(journal: Journal) -> None:
    """Nothing is written behind an end."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    await log.end(turn_end(new.turn, "done"))
    log.append(Delta(9, 0, "more"))
    await until_idle(journal)
    assert sink.calls == ["fenced"]


async def test_a_restart_finds_every_unfinished_turn(store: Store) -> None:
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


async def test_leaving_the_journal_writes_what_waits(store: Store) -> None:
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


async def test_two_adopters_share_the_orphans(store: Store) -> None:
    """Each turn is taken by one of those who ask at the same time, and the other one's log is fenced."""
    async with store.journal() as journal:
        for n in range(20):
            await journal.begin(new_turn(str(n)), Sink())
        adopted = await asyncio.gather(*(journal.adopt(2 * LEASE, 3 * LEASE, everyone=False) for _ in range(4)))
    taken = [orphan.turn.id for orphans in adopted for orphan in orphans]
    assert sorted(taken) == sorted(f"resp_{n}" for n in range(20))


async def test_a_running_turn_can_be_read(journal: Journal) -> None:
    """A reader has every durable event once and in order, however it asks; other turns' events are not among them."""
    await journal.begin(new_turn("other"), Sink())
    assert (await journal.read("resp_1", 0))[0] == []
    sink = Sink()
    log = await journal.begin(new_turn(), sink)
    events, place = await journal.read("resp_1", 0)
    assert events == [OPENED]
    for event in said("1", "He", "llo"):
        log.append(event)
        await until_idle(journal)
    later, end = await journal.read("resp_1", place)
    assert later == sink.events == said("1", "He", "llo")
    assert await journal.read("resp_1", end) == ([], end)
    assert (await journal.read("resp_1", 0))[0] == [OPENED, *later]


async def test_a_reader_goes_on_after_an_adoption(journal: Journal) -> None:
    """The numbers of segments rise from one owner to the next."""
    log = await journal.begin(new_turn(), Sink())
    log.append(Delta(4, 0, "one "))
    await until_idle(journal)
    _, place = await journal.read("resp_1", 0)
    (orphan,) = await journal.adopt(0, 0, everyone=True)
    log.append(Delta(5, 0, "fenced "))
    await until_idle(journal)
    journal.resume(orphan, Sink()).append(Delta(5, 0, "two"))
    await until_idle(journal)
    assert (await journal.read("resp_1", place))[0] == [Delta(5, 0, "two")]
