"""Group commit: what all turns write in one moment goes to a writer as one batch.

While one batch is being committed, the event loop gathers all that turns write; that is the next batch. Only in a
crowd, where nobody waits for a beginning or an end, does it gather for a breath longer. All state belongs to the loop;
a writer is given a batch and gives back what came of it.
"""

# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ratelimit.ledger import JournalEntry
from server.adapters.journal_batch import (
    Adoption,
    Batch,
    Beginning,
    Ending,
    Found,
    OutcomeUnknown,
    Owned,
    Renewal,
    Written,
    beginning,
    ending,
)
from server.adapters.journal_holds import entry_row, still_needed
from server.adapters.rows import Row
from server.core.events import Delta, Event
from server.core.ports import LogSink, NewTurn, Orphan, TurnEnd, TurnLog

_log = logging.getLogger("parley.journal")
_T = TypeVar("_T")
_EVENT_BYTES: Final = 64
"""What an event weighs beside its text."""

CROWD: Final = 8
"""Turns in one batch from which on a breath saves more work than it costs patience."""

BREATH: Final = 0.004
"""Seconds that deltas of a crowd gather after a commit; far below what a reader notices."""


@dataclass(slots=True, eq=False)
class _Log:
    """The log of one turn, as its owner holds it."""

    journal: "GroupJournal"
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
    adoptions: list[tuple[Adoption, asyncio.Future[Sequence[Found]]]] = field(default_factory=list)
    withdrawn: list[Beginning] = field(default_factory=list)
    bytes: int = 0

    def __bool__(self) -> bool:
        asked = self.beginnings or self.logs or self.endings or self.renewals or self.adoptions
        return bool(asked or self.holds or self.withdrawn)

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for this commit; deltas and holds are not waited for."""
        return bool(self.beginnings or self.endings or self.renewals or self.adoptions or self.withdrawn)

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


class GroupJournal(ABC):
    """What every `Journal` has in common, and where a ledger writes down its holds; both are committed together.

    A backend commits batches, one at a time.

    What waits for a commit that fails raises `OSError`. A `begin` that is cancelled stores nothing.
    """

    def __init__(self) -> None:
        self._gathered = _Gathered()
        self._out: tuple[_Gathered, Batch] | None = None
        """What the writer has now."""
        self._scheduled = False
        self._breath: asyncio.TimerHandle | None = None
        self._crowded = False
        """Whether the last batch had events of many turns."""
        self._closed = False
        self._unreadable: set[str] = set()
        """Turns that only another version of this program may be able to read."""
        self._idle = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        """Set by the backend when it is entered."""

    @abstractmethod
    def _submit(self, batch: Batch) -> None:
        """Have the batch committed, and `_deliver` called on the loop with what came of it."""

    async def _finish(self) -> None:
        """Write what waits, and take nothing more."""
        for _ in range(2):
            # The second round is for what the first one failed to write and keeps.
            if self._out or self._gathered:
                self._idle.clear()
                self._schedule()
                await self._idle.wait()
        self._closed = True

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
        done: asyncio.Future[Sequence[Found]] = self._loop.create_future()
        besides = tuple(self._unreadable)
        self._next().adoptions.append((Adoption(now=now, until=until, everyone=everyone, besides=besides), done))
        orphans: list[Orphan] = []
        for found in await done:
            try:
                orphans.append(found.orphan())
            except ValueError as wrong:
                self._unreadable.add(found.turn_id)
                _log.error("turn %s cannot be read and is left as it is: %s", found.turn_id, wrong)
        return sorted(orphans, key=lambda orphan: (orphan.turn.created_at, orphan.turn.id))

    def resume(self, orphan: Orphan, sink: LogSink) -> TurnLog:
        return _Log(self, orphan.turn.id, orphan.owner, sink)

    def record(self, entry: JournalEntry) -> None:
        """Take what a ledger has decided for the next commit, which has all that was taken before it."""
        row = entry_row(entry)
        self._next().holds.append(row)

    def backlog(self) -> int:
        return self._gathered.bytes + (self._out[0].bytes if self._out else 0)

    def _append(self, log: _Log, event: Event) -> None:
        # Text that is not Unicode fails here, where it harms no other turn.
        weight = _EVENT_BYTES + (_utf8_length(event.text) if isinstance(event, Delta) else 0)
        gathered = self._next(awaited=False)
        if not log.waiting:
            gathered.logs.append(log)
        log.waiting.append(event)
        gathered.bytes += weight

    async def _end(self, end: TurnEnd) -> None:
        rows = ending(end)
        done: asyncio.Future[None] = self._loop.create_future()
        self._next().endings.append((rows, done))
        await done

    def _next(self, *, awaited: bool = True) -> _Gathered:
        """Return what the next commit will carry, and see to it that there is one."""
        if self._closed:
            raise RuntimeError("the journal is closed")
        self._schedule(awaited=awaited)
        return self._gathered

    def _schedule(self, *, awaited: bool = True) -> None:
        if self._out or self._scheduled:
            return
        if awaited or not self._crowded:
            self._scheduled = True
            self._loop.call_soon(self._hand_over)
        elif self._breath is None:
            self._breath = self._loop.call_later(BREATH, self._hand_over)

    def _hand_over(self) -> None:
        self._scheduled = False
        if self._breath is not None:
            self._breath.cancel()
            self._breath = None
        if self._out or not self._gathered:
            return
        gathered, self._gathered = self._gathered, _Gathered()
        self._out = gathered, gathered.batch()
        self._submit(self._out[1])

    def _deliver(self, written: Written | OSError) -> None:
        if self._out is None:
            raise RuntimeError("nothing was to be written")
        (gathered, batch), self._out = self._out, None
        self._crowded = len(batch.events) >= CROWD
        more = bool(self._gathered)
        if isinstance(written, OSError):
            _close(gathered.logs)
            # Nobody waits for these, but they must not be lost: they go with the next commit.
            self._gathered.holds = still_needed([*gathered.holds, *self._gathered.holds])
            self._gathered.withdrawn[:0] = gathered.withdrawn
            if isinstance(written, OutcomeUnknown):
                self._gathered.withdrawn += batch.beginnings
        else:
            _close([log for log in gathered.logs if log.owned in written.lost])
        if more:
            self._schedule(awaited=self._gathered.awaited)
        else:
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
