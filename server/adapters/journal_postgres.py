"""The journal in PostgreSQL: one writer task, one statement for all turns of a commit, any number of nodes."""

# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from ratelimit.ledger import StoredHold
from server.adapters.database_postgres import PATIENCE, Queries
from server.adapters.journal_batch import Batch, Written, unpacked
from server.adapters.journal_group import GroupJournal
from server.adapters.journal_holds import stored_hold
from server.adapters.journal_postgres_sql import HOLDS, HOLDS_OF, READ
from server.adapters.journal_postgres_writer import PostgresWriter
from server.core.events import Event


class PostgresJournal(GroupJournal):
    """A `Journal`, and an async context manager of one event loop. The database is up to date.

    `clock` is the clock, in microseconds, by which callers say when leases end. What those ends mean is up to the
    clock of the database, so that nodes may disagree about the time.
    """

    def __init__(self, uri: str, *, clock: Callable[[], int], patience: float = PATIENCE) -> None:
        super().__init__()
        self._writer = PostgresWriter(uri, clock=clock, patience=patience)
        self._queries = Queries(uri, patience=patience)
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._queries)
            await self._writer.open()
            stack.push_async_callback(self._writer.close)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            tasks.create_task(self._write_all())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._finish()
        self._batches.put_nowait(None)
        await self._stack.aclose()

    async def read(self, turn_id: str, after: int) -> tuple[Sequence[Event], int]:
        rows = await self._queries.rows(READ, turn_id, after)
        events = [event for _, payload in rows for event in unpacked(payload)]
        return events, rows[-1][0] if rows else after

    async def stored_holds(self, hold_ids: Collection[str] | None = None) -> Sequence[StoredHold]:
        """Return the holds that are committed, or those of them with these ids, oldest first.

        The deadline of one whose turn runs is at least the end of the turn's lease.
        """
        if hold_ids is None:
            rows = await self._queries.rows(HOLDS)
        else:
            rows = await self._queries.rows(HOLDS_OF, list(hold_ids))
        return [hold for row in rows if (hold := stored_hold(row)) is not None]

    def _submit(self, batch: Batch) -> None:
        self._batches.put_nowait(batch)

    async def _write_all(self) -> None:
        while (batch := await self._batches.get()) is not None:
            written: Written | OSError
            try:
                batch.join()
                written = await self._writer.write(batch)
            except OSError as failed:
                written = failed
            except Exception as failed:  # noqa: BLE001  those who wait are told, and the next batch is tried
                written = OSError(f"the journal could not be written: {failed}")
                written.__cause__ = failed
            self._deliver(written)
