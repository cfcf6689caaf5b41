"""How the journal in PostgreSQL commits, and what it does when the server, another node or a clock fails it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from ratelimit.ledger import Charge, Held
from server.adapters import database_postgres, journal_postgres_writer
from server.adapters.journal_batch import Batch, Written
from server.adapters.journal_postgres import PostgresJournal
from server.adapters.journal_postgres_writer import PostgresWriter
from server.adapters.turns_sql import SqlTurns
from server.core.events import Delta, Event
from server.core.ports import DuplicateRequest, Fenced, TurnLog
from tests.contracts.turn_records import LEASE, OPENED, Sink, a_conversation, deltas, new_turn, said, turn_end
from tests.databases import empty_postgres

pytestmark = pytest.mark.services

HOUR = 3_600_000_000


class Line:
    """The writer's way to the server, and ways to make it fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[Batch] = []
        self.commits = 0
        self.cut_before = 0
        """How many commits are to fail before the server has them."""
        self.cut_after = 0
        """How many commits are to be written without an answer."""
        write, write_turns = PostgresWriter.write, PostgresWriter._write_turns

        async def counted(writer: PostgresWriter, batch: Batch) -> Written:
            self.batches.append(batch)
            return await write(writer, batch)

        async def cut(writer: PostgresWriter, connection: Any, *rest: Any, again: bool) -> None:
            self.commits += 1
            if self.cut_before:
                self.cut_before -= 1
                connection.terminate()
            await write_turns(writer, connection, *rest, again=again)
            if self.cut_after:
                self.cut_after -= 1
                raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

        monkeypatch.setattr(PostgresWriter, "write", counted)
        monkeypatch.setattr(PostgresWriter, "_write_turns", cut)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


@pytest.fixture
async def uri() -> AsyncIterator[str]:
    async with empty_postgres() as uri:
        yield uri


@pytest.fixture
async def journal(uri: str, line: Line) -> AsyncIterator[PostgresJournal]:
    async with PostgresJournal(uri, clock=lambda: 0) as journal:
        yield journal


@pytest.fixture
async def hasty(uri: str, line: Line) -> AsyncIterator[PostgresJournal]:
    """Give a journal that tries once."""
    async with PostgresJournal(uri, clock=lambda: 0, patience=-1.0) as journal:
        yield journal


async def until_idle(journal: PostgresJournal) -> None:
    await journal.renew({}, 0)


async def together(*calls: Any) -> list[Any]:
    """Make all calls in one moment; return what came of each."""
    return await asyncio.gather(*calls, return_exceptions=True)


async def say(log: TurnLog, *events: Event) -> None:
    """Append, in the moment of other calls."""
    for event in events:
        log.append(event)


async def query(uri: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(uri)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def test_what_happens_in_one_moment_is_one_commit(journal: PostgresJournal, line: Line) -> None:
    """Fifty turns that begin together are one statement, and so are their deltas."""
    logs = await together(*(journal.begin(new_turn(str(n)), Sink()) for n in range(50)))
    assert line.commits == len(line.batches) == 1
    for log in logs:
        for event in deltas("a", "b", "c"):
            log.append(event)
    await until_idle(journal)
    assert line.commits == len(line.batches) == 2


async def test_a_turn_that_ended_leaves_no_segment(journal: PostgresJournal, uri: str) -> None:
    """Its segments go in the commit of its end; those of turns that run stay."""
    news = [new_turn(str(n)) for n in range(2)]
    logs = await together(*(journal.begin(new, Sink()) for new in news))
    for log in logs:
        log.append(Delta(4, 0, "x"))
    await until_idle(journal)
    logs[0].append(Delta(5, 0, "y"))
    await logs[0].end(turn_end(news[0].turn, "x", "y"))
    assert await query(uri, "SELECT DISTINCT turn_id FROM turn_segments") == [("resp_1",)]


@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
async def test_a_lost_connection_neither_loses_nor_doubles(
    journal: PostgresJournal, line: Line, uri: str, cut: str
) -> None:
    """Whether or not the server had written the commit, it is written once, and all who wait hear that it is."""
    conversation = a_conversation()
    ending, going = new_turn("1", conversation=conversation), new_turn("2")
    sink, end_sink = Sink(), Sink()
    end_log, log = await together(journal.begin(ending, end_sink), journal.begin(going, sink))
    setattr(line, cut, 1)
    _, _, begun, ended, renewed = await together(
        say(log, *said("2", "on")),
        say(end_log, *said("1", "all", " of it")),
        journal.begin(new_turn("3", conversation=a_conversation("3"), client_request_id="req"), Sink()),
        end_log.end(turn_end(ending.turn, "all", " of it")),
        journal.renew({"resp_2": 1}, 9 * LEASE),
    )
    assert not isinstance(begun, Exception)
    assert (ended, renewed) == (None, [])
    assert sink.events == said("2", "on")
    assert end_sink.text == "all of it"
    assert (len(line.batches), line.commits) == (2, 3)
    assert (await journal.read("resp_2", 0))[0] == [OPENED, *said("2", "on")]
    assert await query(uri, "SELECT turn_id FROM usage") == [("resp_1",)]
    assert await query(uri, "SELECT id FROM messages ORDER BY 1") == [
        ("msg_ask_1",),
        ("msg_ask_2",),
        ("msg_ask_3",),
        ("msg_reply_1",),
    ]
    assert await query(uri, "SELECT id, leaf_id FROM conversations ORDER BY 1") == [
        ("conv_1", "msg_reply_1"),
        ("conv_3", None),
    ]


async def test_what_is_refused_is_refused_again(journal: PostgresJournal, line: Line) -> None:
    """A duplicate in a commit that is tried twice is still one."""
    await journal.begin(new_turn("1", client_request_id="req"), Sink())
    line.cut_after = 1
    refused, begun = await together(
        journal.begin(new_turn("2", client_request_id="req"), Sink()), journal.begin(new_turn("3"), Sink())
    )
    assert isinstance(refused, DuplicateRequest)
    assert not isinstance(begun, Exception)


@pytest.mark.parametrize("cut", ["cut_before", "cut_after"])
async def test_who_waits_for_a_server_that_stays_away_is_told(
    hasty: PostgresJournal, line: Line, uri: str, cut: str
) -> None:
    """The sink is broken, the rest raises, a beginning leaves nothing behind, and later turns are written."""
    sink = Sink()
    new = new_turn("1")
    log = await hasty.begin(new, sink)
    setattr(line, cut, 1)
    _, *results = await together(
        say(log, Delta(4, 0, "x")),
        hasty.begin(new_turn("2", conversation=a_conversation(), client_request_id="req"), Sink()),
        hasty.renew({"resp_1": 1}, LEASE),
        hasty.adopt(0, 0, everyone=True),
    )
    assert all(isinstance(result, OSError) for result in results)
    assert sink.calls == ["broken"]
    await hasty.begin(new_turn("3", conversation=a_conversation(), client_request_id="req"), Sink())
    assert await query(uri, "SELECT id FROM turns ORDER BY 1") == [("resp_1",), ("resp_3",)]
    assert await query(uri, "SELECT id FROM messages ORDER BY 1") == [("msg_ask_1",), ("msg_ask_3",)]
    await log.end(turn_end(new.turn, "whole"))


async def test_an_end_whose_answer_was_lost_may_be_tried_again(hasty: PostgresJournal, line: Line, uri: str) -> None:
    """The second one changes nothing and succeeds."""
    new = new_turn()
    log = await hasty.begin(new, Sink())
    line.cut_after = 1
    with pytest.raises(OSError, match="could not be written"):
        await log.end(turn_end(new.turn, "once"))
    await log.end(turn_end(new.turn, "once"))
    assert len(await query(uri, "SELECT * FROM usage")) == 1


async def test_an_end_that_cannot_be_stored_harms_no_other(journal: PostgresJournal) -> None:
    """It is refused alone, its events stay, and whatever was in the same commit is written."""
    bad, good = new_turn("bad"), new_turn("good")
    sink, other = Sink(), Sink()
    bad_log, good_log = await together(journal.begin(bad, sink), journal.begin(good, other))
    end = turn_end(bad.turn, "x")
    unfit = replace(end, usage=replace(end.usage, created_at=2**70))
    _, _, *results = await together(
        say(bad_log, Delta(4, 0, "kept")),
        say(good_log, Delta(4, 0, "kept too")),
        bad_log.end(unfit),
        good_log.end(turn_end(good.turn, "y")),
        journal.begin(new_turn("new"), Sink()),
    )
    assert [isinstance(result, Exception) for result in results] == [True, False, False]
    assert (sink.text, other.text) == ("kept", "kept too")
    orphans = {orphan.turn.id: orphan for orphan in await journal.adopt(0, 0, everyone=True)}
    assert set(orphans) == {"resp_bad", "resp_new"}
    assert list(orphans["resp_bad"].events) == [OPENED, Delta(4, 0, "kept")]


async def test_a_turn_whose_title_has_a_nul_is_stored(journal: PostgresJournal, uri: str) -> None:
    """PostgreSQL cannot hold that character in a title or a request id, and shows a sign for it."""
    new = new_turn(conversation=a_conversation(title="a\0b"), client_request_id="r\0")
    await journal.begin(new, Sink())
    assert await query(uri, "SELECT title FROM conversations") == [("a\N{SYMBOL FOR NULL}b",)]
    async with database_postgres.opened(uri) as base:
        found = await SqlTurns(base).by_request("user_1", "r\0")
    assert found is not None
    assert found.turn == new.turn


async def test_nodes_need_not_agree_about_the_time(uri: str) -> None:
    """A lease that one node gave is over for another when the database says so, however wrong their clocks are."""
    slow, fast = 10 * HOUR, 90 * HOUR
    async with PostgresJournal(uri, clock=lambda: slow) as one, PostgresJournal(uri, clock=lambda: fast) as two:
        await one.begin(replace(new_turn("1"), lease_until=slow + HOUR), Sink())
        await one.begin(replace(new_turn("2"), lease_until=slow - HOUR), Sink())
        orphans = await two.adopt(fast, fast + HOUR, everyone=False)
        assert [orphan.turn.id for orphan in orphans] == ["resp_2"]
        assert await one.adopt(slow, slow + HOUR, everyone=False) == []
        await one.renew({"resp_1": 1}, slow)
        assert len(await two.adopt(fast, fast + HOUR, everyone=False)) == 1


async def test_a_paused_owner_writes_nothing_more(uri: str) -> None:
    """What it had written is with the new owner; what it writes later is nowhere."""
    async with PostgresJournal(uri, clock=lambda: 0) as old, PostgresJournal(uri, clock=lambda: 0) as new:
        sink = Sink()
        turn = new_turn()
        log = await old.begin(turn, sink)
        log.append(Delta(4, 0, "seen"))
        await until_idle(old)
        (orphan,) = await new.adopt(2 * LEASE, 3 * LEASE, everyone=False)
        log.append(Delta(5, 0, "unseen"))
        assert await old.renew({"resp_1": 1}, 9 * LEASE) == ["resp_1"]
        assert sink.calls == ["committed", "fenced"]
        with pytest.raises(Fenced):
            await log.end(turn_end(turn.turn, "unseen"))
        assert list(orphan.events) == [OPENED, Delta(4, 0, "seen")]
        assert (await old.read("resp_1", 0))[0] == orphan.events


async def test_an_adoption_has_all_that_was_shown(uri: str) -> None:
    """However commits and adoptions meet, an orphan's events are those that its owner had shown, none more or less."""
    async with PostgresJournal(uri, clock=lambda: 0) as one, PostgresJournal(uri, clock=lambda: 0) as two:
        for number in range(30):
            sinks = [Sink() for _ in range(5)]
            logs = [await one.begin(new_turn(f"{number}_{n}"), sink) for n, sink in enumerate(sinks)]
            adoption = asyncio.ensure_future(two.adopt(0, 0, everyone=True))
            for step in range(10 + number):
                for log in logs:
                    log.append(Delta(4 + step, 0, f"{step} "))
                await asyncio.sleep(0)
            orphans = {orphan.turn.id: orphan for orphan in await adoption}
            await until_idle(one)
            for orphan in await two.adopt(0, 0, everyone=True):
                orphans.setdefault(orphan.turn.id, orphan)
            for n, (sink, log) in enumerate(zip(sinks, logs, strict=True)):
                orphan = orphans[f"resp_{number}_{n}"]
                text = "".join(event.text for event in orphan.events if isinstance(event, Delta))
                assert sink.text == text
                with pytest.raises(Fenced):
                    await log.end(turn_end(orphan.turn, text))
            for orphan in await one.adopt(0, 0, everyone=True):
                await one.resume(orphan, Sink()).end(turn_end(orphan.turn, "x", owner=orphan.owner))


async def test_a_server_that_is_not_there_at_start_is_an_os_error() -> None:
    """A journal that cannot be opened says so at once."""
    with pytest.raises(OSError, match="could not be written"):
        async with PostgresJournal("postgresql://postgres@127.0.0.1:1/postgres", clock=lambda: 0):
            pass


async def test_the_hold_of_a_running_turn_lasts_as_long_as_the_turn(uri: str, journal: PostgresJournal) -> None:
    """Whoever restores a ledger gives a hold at least the lease of its turn, and may ask for some holds alone."""
    charge = Charge(key="u|m", unit="messages", amount=1, window_us=HOUR)
    for name in ("1", "2"):
        journal.record(Held(hold_id=f"hold_{name}", subject="u", model="m", charges=(charge,), at_us=5, deadline_us=6))
    await journal.begin(new_turn("1"), Sink())
    running, left = await journal.stored_holds()
    assert (running.hold_id, running.deadline_us > HOUR, left.deadline_us) == ("hold_1", True, 6)
    assert [hold.hold_id for hold in await journal.stored_holds(["hold_2", "hold_3"])] == ["hold_2"]


async def test_old_holds_are_dropped_as_fast_as_they_come(
    journal: PostgresJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While there are more than one round takes, the next one follows soon; else it waits a minute."""
    monkeypatch.setattr(journal_postgres_writer, "PRUNE_AT_ONCE", 2)
    seen = []
    for at_us in (1, 2, 3, 48 * HOUR, 48 * HOUR + 600_000, 96 * HOUR, 96 * HOUR + 600_000):
        journal.record(Held(hold_id=f"h{at_us}", subject="u", model="m", charges=(), at_us=at_us, deadline_us=at_us))
        await until_idle(journal)
        seen.append(len(await journal.stored_holds()))
    assert seen == [1, 2, 3, 2, 2, 1, 2]
