"""The journal in SQLite: group commit by one writer thread.

There is no timer. While one commit runs, the event loop gathers all that turns write; that is the next commit. All
state belongs to the loop; the thread is given a batch and gives back what came of it.
"""

# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ratelimit.ledger import JournalEntry, StoredHold
from server.adapters.database import sqlite_connection
from server.adapters.journal_batch import (
    Adoption,
    Batch,
    Beginning,
    Ending,
    Owned,
    Renewal,
    Written,
    beginning,
    ending,
    segment,
)
from server.adapters.journal_holds import entry_row, still_needed, stored_hold
from server.adapters.journal_sqlite_writer import SqliteWriter
from server.adapters.rows import Row
from server.core import trail
from server.core.events import Delta, Event
from server.core.ports import LogSink, NewTurn, Orphan, TurnEnd, TurnLog

_T = TypeVar("_T")
_STORED_HOLDS: Final = """
    SELECT holds.*, usage.charged FROM holds LEFT JOIN usage ON usage.hold_id = holds.hold_id
    ORDER BY at_us, holds.hold_id"""
_EVENT_BYTES: Final = 64
"""What an event weighs beside its text."""


@dataclass(slots=True, eq=False)
class _Log:
    """The log of one turn, as its owner holds it."""

    journal: "SqliteJournal"
    turn_id: str
    owner: int
    sink: LogSink
    waiting: list[Event] = field(default_factory=list)
    closed: bool = False
    """Set when something was lost: what comes later must not be stored behind the gap. An end still can be."""

    @property
    def owned(self) -> Owned:
        return self.turn_id, self.owner

    def append(self, event: Event) -> None:
        if not self.closed:
            self.journal._append(self, event)  # noqa: SLF001  two halves of one thing

    async def end(self, end: TurnEnd) -> None:
        await self.journal._end(end)  # noqa: SLF001


@dataclass(slots=True, eq=False)
class _Gathered:
    """What waits for the next commit, with who waits for it."""

    holds: list[Row] = field(default_factory=list)
    beginnings: list[tuple[Beginning, asyncio.Future[None]]] = field(default_factory=list)
    logs: list[_Log] = field(default_factory=list)
    endings: list[tuple[Ending, asyncio.Future[None]]] = field(default_factory=list)
    renewals: list[tuple[Renewal, asyncio.Future[Sequence[str]]]] = field(default_factory=list)
    adoptions: list[tuple[Adoption, asyncio.Future[Sequence[Orphan]]]] = field(default_factory=list)
    withdrawn: list[Beginning] = field(default_factory=list)
    bytes: int = 0

    def __bool__(self) -> bool:
        asked = self.beginnings or self.logs or self.endings or self.renewals or self.adoptions
        return bool(asked or self.holds or self.withdrawn)

    def batch(self) -> Batch:
        self.beginnings = [(new, begun) for new, begun in self.beginnings if not begun.cancelled()]
        batch = Batch(
            holds=self.holds,
            beginnings=[new for new, _ in self.beginnings],
            endings=[end for end, _ in self.endings],
            renewals=[renewal for renewal, _ in self.renewals],
            adoptions=[adoption for adoption, _ in self.adoptions],
            withdrawn=self.withdrawn,
        )
        for log in self.logs:
            if not log.waiting:
                continue
            batch.events[log.turn_id, log.owner] = log.waiting
            log.waiting = []
        return batch


class SqliteJournal:
    """A `Journal`, and the journal of a ledger in memory: their entries are committed together, in order.

    An async context manager of one event loop. The database is up to date and no other process writes turns to it.
    What waits for a commit that fails raises `OSError`. A `begin` that is cancelled stores nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gathered = _Gathered()
        self._writing = 0
        """Bytes that the writer has now."""
        self._busy = False
        self._scheduled = False
        self._closed = False
        self._idle = asyncio.Event()
        self._batches: SimpleQueue[tuple[_Gathered, Batch] | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop
        self._thread: Thread

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        writer = await asyncio.to_thread(SqliteWriter, self._path)
        self._thread = Thread(target=self._write_all, args=(writer,), name="journal", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for _ in range(2):
            # The second round is for what the first one failed to write and keeps.
            if self._busy or self._gathered:
                self._idle.clear()
                self._schedule()
                await self._idle.wait()
        self._closed = True
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)

    async def begin(self, new: NewTurn, sink: LogSink) -> TurnLog:
        rows = beginning(new)
        done: asyncio.Future[None] = self._loop.create_future()
        self._next().beginnings.append((rows, done))
        await done
        return _Log(self, new.turn.id, new.owner, sink)

    async def renew(self, owners: Mapping[str, int], until: int) -> Sequence[str]:
        done: asyncio.Future[Sequence[str]] = self._loop.create_future()
        self._next().renewals.append((Renewal(owners=dict(owners), until=until), done))
        return await done

    async def adopt(self, now: int, until: int, *, everyone: bool) -> Sequence[Orphan]:
        done: asyncio.Future[Sequence[Orphan]] = self._loop.create_future()
        self._next().adoptions.append((Adoption(now=now, until=until, everyone=everyone), done))
        return await done

    async def read(self, turn_id: str, after: int) -> tuple[Sequence[Event], int]:
        return await asyncio.to_thread(_read, self._path, turn_id, after)

    def resume(self, orphan: Orphan, sink: LogSink) -> TurnLog:
        return _Log(self, orphan.turn.id, orphan.owner, sink)

    def backlog(self) -> int:
        return self._gathered.bytes + self._writing

    def record(self, entry: JournalEntry) -> None:
        row = entry_row(entry)
        self._next().holds.append(row)

    async def stored_holds(self) -> Sequence[StoredHold]:
        """Return the holds that are committed, oldest first: what a ledger restores at start."""
        return await asyncio.to_thread(_stored_holds, self._path)

    def _append(self, log: _Log, event: Event) -> None:
        # Text that is not Unicode fails here, where it harms no other turn.
        weight = _EVENT_BYTES + (_utf8_length(event.text) if isinstance(event, Delta) else 0)
        gathered = self._next()
        if not log.waiting:
            gathered.logs.append(log)
        log.waiting.append(event)
        gathered.bytes += weight

    async def _end(self, end: TurnEnd) -> None:
        rows = ending(end)
        done: asyncio.Future[None] = self._loop.create_future()
        self._next().endings.append((rows, done))
        await done

    def _next(self) -> _Gathered:
        """Return what the next commit will carry, and see to it that there is one."""
        if self._closed:
            raise RuntimeError("the journal is closed")
        self._schedule()
        return self._gathered

    def _schedule(self) -> None:
        if not (self._busy or self._scheduled):
            self._scheduled = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._scheduled = False
        if self._busy or not self._gathered:
            return
        gathered, self._gathered = self._gathered, _Gathered()
        self._writing = gathered.bytes
        self._busy = True
        self._batches.put((gathered, gathered.batch()))

    def _write_all(self, writer: SqliteWriter) -> None:
        """Run in the thread: write batches until there are no more."""
        with closing(writer):
            while (handed := self._batches.get()) is not None:
                gathered, batch = handed
                written: Written | OSError
                try:
                    batch.events = {owned: trail.joined(events) for owned, events in batch.events.items()}
                    written = writer.write(batch)
                except Exception as failed:  # noqa: BLE001  those who wait are told, and the next batch is tried
                    written = OSError(f"the journal could not be written: {failed}")
                    written.__cause__ = failed
                self._loop.call_soon_threadsafe(self._deliver, gathered, batch, written)

    def _deliver(self, gathered: _Gathered, batch: Batch, written: Written | OSError) -> None:
        self._busy = False
        self._writing = 0
        more = bool(self._gathered)
        if isinstance(written, OSError):
            _close(gathered.logs)
            # Nobody waits for these, but they must not be lost: they go with the next commit.
            self._gathered.holds = still_needed([*gathered.holds, *self._gathered.holds])
            self._gathered.withdrawn[:0] = gathered.withdrawn
        else:
            _close([log for log in gathered.logs if log.owned in written.lost])
        if more:
            self._hand_over()
        if not self._busy:
            self._idle.set()
        if isinstance(written, OSError):
            self._tell_failed(gathered, written)
        else:
            self._tell(gathered, batch, written)

    def _tell(self, gathered: _Gathered, batch: Batch, written: Written) -> None:
        # Each sink is called by itself, so that one that raises harms no other; futures wake their waiters after them.
        for log in gathered.logs:
            if log.owned in written.lost:
                self._loop.call_soon(log.sink.fenced)
            elif log.owned in batch.events:
                self._loop.call_soon(log.sink.committed, batch.events[log.owned])
        for new, begun in gathered.beginnings:
            if begun.cancelled() and new.owned not in written.refused:
                self._next().withdrawn.append(new)
            _settle(begun, None, written.refused.get(new.owned))
        for end, ended in gathered.endings:
            _settle(ended, None, written.refused.get(end.owned))
        for (_, renewed), lost in zip(gathered.renewals, written.renewed, strict=True):
            _settle(renewed, lost)
        for (_, adopted), orphans in zip(gathered.adoptions, written.adopted, strict=True):
            _settle(adopted, orphans)

    def _tell_failed(self, gathered: _Gathered, why: OSError) -> None:
        for log in gathered.logs:
            self._loop.call_soon(log.sink.broken, why)
        waiting: list[asyncio.Future[Any]] = [
            done
            for kind in (gathered.beginnings, gathered.endings, gathered.renewals, gathered.adoptions)
            for _, done in kind
        ]
        for done in waiting:
            _settle(done, None, why)


def _close(logs: Sequence[_Log]) -> None:
    for log in logs:
        log.closed = True
        log.waiting.clear()


def _settle(done: asyncio.Future[_T], result: _T, failed: Exception | None = None) -> None:
    if done.done():
        return
    if failed is not None:
        done.set_exception(failed)
    else:
        done.set_result(result)


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _stored_holds(path: Path) -> list[StoredHold]:
    with closing(sqlite_connection(path, read_only=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(_STORED_HOLDS)
        return [hold for row in rows if (hold := stored_hold(row)) is not None]


def _read(path: Path, turn_id: str, after: int) -> tuple[list[Event], int]:
    events: list[Event] = []
    try:
        with closing(sqlite_connection(path, read_only=True)) as connection:
            rows = connection.execute("SELECT id, payload FROM segments WHERE id > ? ORDER BY id", (after,))
            for number, stored in rows:
                after = number
                for said_by, said in segment(stored):
                    events.extend(said if said_by == turn_id else ())
    except sqlite3.Error as failed:
        raise OSError(str(failed)) from failed
    return events, after
