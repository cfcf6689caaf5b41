"""How the SQLite journal groups commits, and what it does when the disk fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ratelimit.ledger import Charge, Held, Released
from server.adapters import database, journal_sqlite_writer
from server.adapters.journal_batch import Batch, Written
from server.adapters.journal_sqlite import SqliteJournal
from server.adapters.journal_sqlite_writer import SqliteWriter
from server.core.events import Delta, Event
from tests.contracts.turn_records import Sink, a_conversation, deltas, new_turn, turn_end

CHARGE = Charge(key="u", unit="messages", amount=1, window_us=1_000_000)


class Disk:
    """The writer's connection, how often it committed, and ways to make it fail."""

    def __init__(self) -> None:
        self.connection: sqlite3.Connection
        self.batches: list[Batch] = []

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let the database not grow by a single page."""
        self.connection.execute("PRAGMA max_page_count = 1")
        yield
        self.connection.execute("PRAGMA max_page_count = 1000000")

    @contextmanager
    def locked(self, path: Path) -> Iterator[None]:
        """Let another process hold the write lock for longer than the journal waits."""
        self.connection.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / database.FILE
    database.migrate(path)
    return path


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    write = SqliteWriter.write

    def connection(path: Path) -> sqlite3.Connection:
        disk.connection = database.sqlite_connection(path)
        return disk.connection

    def counted(writer: SqliteWriter, batch: Batch) -> Written:
        disk.batches.append(batch)
        return write(writer, batch)

    monkeypatch.setattr(journal_sqlite_writer, "sqlite_connection", connection)
    monkeypatch.setattr(SqliteWriter, "write", counted)
    return disk


@pytest.fixture
async def journal(path: Path, disk: Disk) -> AsyncIterator[SqliteJournal]:
    async with SqliteJournal(path) as journal:
        yield journal


def held(hold_id: str) -> Held:
    return Held(hold_id=hold_id, subject="u", model="m", charges=(CHARGE,), at_us=1, deadline_us=2)


def big(text: str = "x") -> Event:
    """An event that needs more room than any page has left."""
    return Delta(4, 0, text * 50_000)


async def until_idle(journal: SqliteJournal) -> None:
    await journal.renew({}, 0)


async def together(*calls: Any) -> list[Any]:
    """Make all calls in one moment; return what came of each."""
    return await asyncio.gather(*calls, return_exceptions=True)


def segments(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM segments").fetchone()[0])


async def test_what_happens_in_one_moment_is_one_commit(journal: SqliteJournal, disk: Disk) -> None:
    """Fifty turns that begin together are one transaction, and so are their deltas."""
    logs = await together(*(journal.begin(new_turn(str(n)), Sink()) for n in range(50)))
    assert len(disk.batches) == 1
    for log in logs:
        for event in deltas("a", "b", "c"):
            log.append(event)
    await until_idle(journal)
    assert len(disk.batches) == 2
    assert {len(events) for events in disk.batches[1].events.values()} == {1}


async def test_nothing_to_write_is_no_commit(journal: SqliteJournal, disk: Disk) -> None:
    """An open journal that nobody uses leaves the disk alone."""
    await asyncio.sleep(0)
    assert disk.batches == []


async def test_a_commit_is_one_segment(journal: SqliteJournal, path: Path) -> None:
    """However many turns wrote."""
    logs = await together(*(journal.begin(new_turn(str(n)), Sink()) for n in range(5)))
    for log in logs:
        log.append(Delta(4, 0, "x"))
    await until_idle(journal)
    assert segments(path) == 2


async def test_segments_go_when_all_their_turns_have_ended(journal: SqliteJournal, path: Path) -> None:
    """A segment stays for the last of its turns and no longer than the next commit after it."""
    news = [new_turn(str(n)) for n in range(2)]
    logs = await together(*(journal.begin(new, Sink()) for new in news))
    await logs[0].end(turn_end(news[0].turn, "x"))
    await until_idle(journal)
    assert segments(path) == 1
    await logs[1].end(turn_end(news[1].turn, "x"))
    await until_idle(journal)
    assert segments(path) == 0


async def test_what_ends_at_once_is_not_logged(journal: SqliteJournal, path: Path) -> None:
    """Events that are committed together with their turn's end are in its message and need no segment."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    log.append(Delta(4, 0, "x"))
    await log.end(turn_end(new.turn, "x"))
    assert segments(path) == 1


async def test_a_segment_is_deleted_once(journal: SqliteJournal, disk: Disk) -> None:
    """Later commits do not look for it again."""
    new = new_turn()
    log = await journal.begin(new, Sink())
    await log.end(turn_end(new.turn, "x"))
    statements: list[str] = []
    disk.connection.set_trace_callback(statements.append)
    for _ in range(3):
        await until_idle(journal)
    assert len([sql for sql in statements if sql.startswith("DELETE FROM segments")]) == 1


async def test_segments_of_ended_turns_go_at_start(path: Path, disk: Disk) -> None:
    """What a stop left behind is deleted by the first commit of the next start."""
    new = new_turn()
    async with SqliteJournal(path) as journal:
        log = await journal.begin(new, Sink())
        await log.end(turn_end(new.turn, "x"))
    assert segments(path) == 1
    async with SqliteJournal(path) as journal:
        await until_idle(journal)
    assert segments(path) == 0


async def test_segments_of_a_turn_that_lives_on_stay_over_a_restart(path: Path) -> None:
    """A second restart finds as much as the first."""
    async with SqliteJournal(path) as journal:
        log = await journal.begin(new_turn(), Sink())
        log.append(Delta(4, 0, "kept"))
    for _ in range(2):
        async with SqliteJournal(path) as journal:
            (orphan,) = await journal.adopt(0, 0, everyone=True)
            assert orphan.events[-1] == Delta(4, 0, "kept")


async def test_a_full_disk_is_told_to_all_who_wait(journal: SqliteJournal, disk: Disk) -> None:
    """Beginning, end, renewal and adoption raise; the sink hears that it is broken; nothing is stored."""
    sink = Sink()
    old = new_turn("old")
    log = await journal.begin(old, sink)
    with disk.full():
        log.append(big())
        results = await together(
            journal.begin(new_turn("new", echo={"metadata": "x" * 100_000}), Sink()),
            log.end(turn_end(old.turn, "x")),
            journal.renew({"resp_old": 1}, 99),
            journal.adopt(0, 0, everyone=True),
        )
    assert [type(result) for result in results] == [OSError] * 4
    assert sink.calls == ["broken"]
    assert isinstance(sink.why, OSError)
    assert [orphan.turn.id for orphan in await journal.adopt(0, 0, everyone=True)] == ["resp_old"]


async def test_after_a_failure_later_turns_are_written(journal: SqliteJournal, disk: Disk) -> None:
    """The journal works again as soon as the disk does."""
    broken = await journal.begin(new_turn("1"), Sink())
    with disk.full():
        broken.append(big())
        await together(journal.renew({}, 0))
    sink = Sink()
    log = await journal.begin(new_turn("2"), sink)
    log.append(Delta(4, 0, "fine"))
    await until_idle(journal)
    assert sink.text == "fine"


async def test_a_fault_in_the_middle_of_a_commit_undoes_all_of_it(
    journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails, the turns of that commit are not stored and the next commit works."""

    def fail(*_: object) -> None:
        raise LookupError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteWriter, "_write_segment", fail)
        (failed,) = await together(journal.begin(new_turn("1"), Sink()))
    assert isinstance(failed, OSError)
    assert isinstance(failed.__cause__, LookupError)
    await journal.begin(new_turn("2"), Sink())
    assert [orphan.turn.id for orphan in await journal.adopt(0, 0, everyone=True)] == ["resp_2"]


async def test_no_event_is_stored_behind_a_gap(journal: SqliteJournal, disk: Disk) -> None:
    """After a failure a log takes nothing more, whether it was waiting or comes later; its end is stored whole."""
    sink = Sink()
    new = new_turn()
    log = await journal.begin(new, sink)
    with disk.full():
        log.append(big())
        failing = asyncio.ensure_future(together(journal.renew({}, 0)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        log.append(Delta(5, 0, "while it fails"))
        await failing
    log.append(Delta(6, 0, "after it failed"))
    await until_idle(journal)
    assert sink.events == []
    (orphan,) = await journal.adopt(0, 0, everyone=True)
    assert list(orphan.events) == [new.opened]
    await journal.resume(orphan, sink).end(turn_end(new.turn, "whole", owner=orphan.owner))


async def test_a_locked_database_is_an_error_and_not_a_hang(journal: SqliteJournal, disk: Disk, path: Path) -> None:
    """Who waits longer than the time to wait is told, and the next commit works."""
    await until_idle(journal)
    with disk.locked(path):
        (failed,) = await together(journal.begin(new_turn(), Sink()))
    assert isinstance(failed, OSError)
    await journal.begin(new_turn(), Sink())


async def test_the_ledgers_entries_outlive_a_failure(journal: SqliteJournal, disk: Disk, path: Path) -> None:
    """What a failed commit carried for the ledger goes with the next one, in order."""
    await until_idle(journal)
    with disk.locked(path):
        journal.record(held("hold_1"))
        journal.record(held("hold_2"))
        await together(journal.renew({}, 0))
        journal.record(Released(hold_id="hold_1"))
    await until_idle(journal)
    assert [hold.hold_id for hold in await journal.stored_holds()] == ["hold_2"]


async def test_entries_that_wait_for_a_disk_do_not_pile_up(journal: SqliteJournal, disk: Disk, path: Path) -> None:
    """A hold that was taken and released while the disk failed is not written at all."""
    await until_idle(journal)
    with disk.locked(path):
        for n in range(5):
            journal.record(held(f"hold_{n}"))
            journal.record(Released(hold_id=f"hold_{n}"))
            await together(journal.renew({}, 0))
    await until_idle(journal)
    assert disk.batches[-1].holds == []


async def test_a_failing_disk_is_not_tried_in_a_circle(journal: SqliteJournal, disk: Disk, path: Path) -> None:
    """Entries that nobody waits for wait for the next commit that somebody asks for."""
    await until_idle(journal)
    with disk.locked(path):
        journal.record(held("hold_1"))
        await together(journal.renew({}, 0))
        tried = len(disk.batches)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(disk.batches) == tried


async def test_a_journal_can_be_left_while_the_disk_fails(path: Path, disk: Disk) -> None:
    """Leaving tries once more and then gives up."""
    async with SqliteJournal(path) as journal:
        await until_idle(journal)
        stack = disk.locked(path)
        stack.__enter__()
        journal.record(held("hold_1"))
    stack.__exit__(None, None, None)
    assert len(disk.batches) == 3


async def test_a_sink_that_raises_harms_no_other(journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in one turn's follower is reported to the event loop and stays there."""

    class Faulty(Sink):
        def committed(self, events: Sequence[Event]) -> None:
            raise LookupError("a fault")

    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))
    sink = Sink()
    logs = await together(journal.begin(new_turn("1"), Faulty()), journal.begin(new_turn("2"), sink))
    for log in logs:
        log.append(Delta(4, 0, "x"))
    await until_idle(journal)
    assert sink.text == "x"
    assert [type(fault) for fault in reported] == [LookupError]


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  another thread makes it true
        await asyncio.sleep(0)


@pytest.mark.parametrize("handed_over", [False, True], ids=["before it is written", "while it is written"])
async def test_a_beginning_that_is_cancelled_stores_nothing(
    journal: SqliteJournal, disk: Disk, path: Path, *, handed_over: bool
) -> None:
    """Its request id can be used again, its conversation is gone, and turns beside it are not touched."""
    new = new_turn("1", conversation=a_conversation(), client_request_id="req")
    given_up = asyncio.ensure_future(journal.begin(new, Sink()))
    beside = asyncio.ensure_future(journal.begin(new_turn("2"), Sink()))
    await asyncio.sleep(0)
    if handed_over:
        await until(lambda: len(disk.batches) == 1)
    given_up.cancel()
    await beside
    await until_idle(journal)
    await journal.begin(new_turn("3", conversation=a_conversation(), client_request_id="req"), Sink())
    orphans = await journal.adopt(0, 0, everyone=True)
    assert [orphan.turn.id for orphan in orphans] == ["resp_2", "resp_3"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT turn_id FROM messages ORDER BY 1").fetchall() == [("resp_2",), ("resp_3",)]


async def test_a_duplicate_that_is_cancelled_leaves_the_first_one(journal: SqliteJournal, disk: Disk) -> None:
    """What is withdrawn is only what was stored."""
    await journal.begin(new_turn("1", client_request_id="req"), Sink())
    second = asyncio.ensure_future(journal.begin(new_turn("2", client_request_id="req"), Sink()))
    await until(lambda: len(disk.batches) == 2)
    second.cancel()
    await until_idle(journal)
    assert [orphan.turn.id for orphan in await journal.adopt(0, 0, everyone=True)] == ["resp_1"]
