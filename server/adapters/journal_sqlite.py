"""The journal in SQLite: one writer thread, one segment for all turns of a commit."""

# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Final, Self

from ratelimit.ledger import StoredHold
from server.adapters.database import sqlite_connection
from server.adapters.journal_batch import Batch, Written, segment
from server.adapters.journal_group import GroupJournal
from server.adapters.journal_holds import stored_hold
from server.adapters.journal_sqlite_writer import SqliteWriter
from server.core.events import Event

_STORED_HOLDS: Final = """
    SELECT holds.*, usage.charged FROM holds LEFT JOIN usage ON usage.hold_id = holds.hold_id
    ORDER BY at_us, holds.hold_id"""


class SqliteJournal(GroupJournal):
    """A `Journal`, and the journal of a ledger in memory.

    An async context manager of one event loop. The database is up to date and no other process writes turns to it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._batches: SimpleQueue[Batch | None] = SimpleQueue()
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
        await self._finish()
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)

    async def read(self, turn_id: str, after: int) -> tuple[Sequence[Event], int]:
        return await asyncio.to_thread(_stored_events, self._path, turn_id, after)

    async def stored_holds(self) -> Sequence[StoredHold]:
        """Return the holds that are committed, oldest first: what a ledger restores at start."""
        return await asyncio.to_thread(_stored_holds, self._path)

    def _submit(self, batch: Batch) -> None:
        self._batches.put(batch)

    def _write_all(self, writer: SqliteWriter) -> None:
        """Run in the thread: write batches until there are no more."""
        with closing(writer):
            while (batch := self._batches.get()) is not None:
                written: Written | OSError
                try:
                    batch.join()
                    written = writer.write(batch)
                except Exception as failed:  # noqa: BLE001  those who wait are told, and the next batch is tried
                    written = OSError(f"the journal could not be written: {failed}")
                    written.__cause__ = failed
                self._loop.call_soon_threadsafe(self._deliver, written)


def _stored_events(path: Path, turn_id: str, after: int) -> tuple[list[Event], int]:
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


def _stored_holds(path: Path) -> list[StoredHold]:
    with closing(sqlite_connection(path, read_only=True)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(_STORED_HOLDS)
        return [hold for row in rows if (hold := stored_hold(row)) is not None]
