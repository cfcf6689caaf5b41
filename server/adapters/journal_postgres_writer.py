"""Writes batches of the journal into PostgreSQL, over a connection of its own.

A batch whose connection is lost is written again over the next one. Nothing is doubled by that: turns begin and end by
their ids, and a segment has the number of its owner and its commit.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from server.adapters import journal_postgres_sql as sql
from server.adapters.database_postgres import AsyncpgConnection, connect, is_disturbed, is_lost
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
    packed,
)
from server.adapters.journal_holds import folded
from server.adapters.rows import Row
from server.adapters.schema import NO_NUL
from server.core.ports import DuplicateRequest, Fenced

_SETTINGS: Final = {
    "synchronous_commit": "on",
    # Every statement finds its rows by their keys: a plan is made once, and none may read a whole table.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
}
_PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between attempts to reach the server; the last one repeats."""

_PRUNE_EVERY_US: Final = 60_000_000
_PRUNE_PAUSE_US: Final = 500_000
"""The same, while there are more than one round takes."""
PRUNE_AT_ONCE: Final = 10_000

_OWN_FAULT: Final = (asyncpg.PostgresError, ValueError, OverflowError)
_OWN_STATES: Final = ("22", "23")
"""Errors, and beginnings of their states, that say something about one row and nothing about the server."""

_json: Final = msgspec.json.Encoder()


class PostgresWriter:
    """Writes one batch at a time.

    A lease is written as a length: what is left of it by the clock of this process counts from the database's now.
    """

    def __init__(self, uri: str, *, clock: Callable[[], int], patience: float) -> None:
        self._uri = uri
        self._clock = clock
        self._patience = patience
        self._commits = 0
        self._prune_at = 0
        self._connection: AsyncpgConnection | None = None

    async def open(self) -> None:
        """Connect. Raises `OSError`. A connection that is lost later is replaced when it is needed."""
        try:
            self._connection = await connect(self._uri, **_SETTINGS)
        except Exception as failed:
            raise _failure(failed, OSError) from failed

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def write(self, batch: Batch) -> Written:
        """Commit the batch. While the server is away, wait for it, but not longer than `patience` seconds.

        Raises `OutcomeUnknown` if the batch may be written, and another `OSError` if it is not.
        """
        self._commits += 1
        time = asyncio.get_running_loop().time
        until = time() + self._patience
        pauses = iter(_PAUSES)
        sent = False
        while True:
            try:
                if self._connection is None:
                    self._connection = await connect(self._uri, **_SETTINGS)
                again, sent = sent, True
                return await self._write(self._connection, batch, again=again)
            except Exception as failed:
                lost = is_lost(failed)
                if lost and self._connection is not None:
                    self._connection.terminate()
                    self._connection = None
                if not (lost or is_disturbed(failed)) or time() >= until:
                    raise _failure(failed, OutcomeUnknown if sent else OSError) from failed
            await asyncio.sleep(next(pauses, _PAUSES[-1]))

    async def _write(self, connection: AsyncpgConnection, batch: Batch, *, again: bool) -> Written:
        written = Written()
        if batch.withdrawn:
            made = [(new.turn["id"], new.conversation["id"] if new.conversation else None) for new in batch.withdrawn]
            await connection.execute(sql.WITHDRAW, *_arrays(made, 2))
        try:
            await self._write_turns(connection, batch, written, again=again)
        except _OWN_FAULT as failed:
            if not _is_own(failed):
                raise
            await self._write_apart(connection, batch, written, again=again)
        await self._prune(connection, max((row.get("at_us", 0) for row in batch.holds), default=0))
        written.renewed = [await self._renew(connection, renewal) for renewal in batch.renewals]
        written.adopted = [await self._adopt(connection, adoption) for adoption in batch.adoptions]
        return written

    async def _write_apart(self, connection: AsyncpgConnection, batch: Batch, written: Written, *, again: bool) -> None:
        """Write each beginning and each end by itself, so that one that cannot be stored harms no other."""
        events = dict(batch.events)
        await self._write_turns(connection, Batch(holds=batch.holds), written, again=again)
        for new in batch.beginnings:
            await self._write_one(connection, Batch(beginnings=[new]), new.owned, written, again=again)
        for end in batch.endings:
            said = {end.owned: events[end.owned]} if end.owned in events else {}
            await self._write_one(connection, Batch(endings=[end], events=said), end.owned, written, again=again)
            if end.owned not in written.refused:
                events.pop(end.owned, None)
        await self._write_turns(connection, Batch(events=events), written, again=again)

    async def _write_one(
        self, connection: AsyncpgConnection, batch: Batch, owned: Owned, written: Written, *, again: bool
    ) -> None:
        try:
            await self._write_turns(connection, batch, written, again=again)
        except _OWN_FAULT as failed:
            if not _is_own(failed):
                raise
            written.refused[owned] = failed

    async def _write_turns(self, connection: AsyncpgConnection, batch: Batch, written: Written, *, again: bool) -> None:
        """Write what begins, goes on and ends: all of it or nothing. `again` says that it may be written already."""
        # An end that is tried twice in one commit is one.
        ends = {end.owned: end for end in reversed(batch.endings)}
        said = [(*owned, packed(events)) for owned, events in batch.events.items() if owned not in ends]
        kinds: list[str] = []
        values: list[object] = []
        if batch.holds:
            held, amounts, released = folded(batch.holds)
            kinds.append("holds")
            values += [_rows(held), *_arrays(list(amounts.items()), 2), released]
        if batch.beginnings:
            kinds.append("begin")
            values += [*self._begin_values(batch.beginnings), self._commits]
        if said:
            kinds.append("log")
            values += [*_arrays(said, 3), self._commits]
        if ends:
            kinds.append("end")
            values += _end_values([*reversed(ends.values())])
        found = await connection.fetchrow(sql.commit(tuple(kinds)), *values) if kinds else None
        if found is not None:
            _note(found, batch, ends, written, again=again)

    def _begin_values(self, beginnings: Sequence[Beginning]) -> list[object]:
        now = self._clock()
        return [
            _rows({**new.turn, "lease_until": new.turn["lease_until"] - now} for new in beginnings),
            _rows(message for new in beginnings for message in new.messages),
            _rows(new.conversation for new in beginnings if new.conversation is not None),
            *_arrays([(*new.owned, packed([new.opened])) for new in beginnings], 3),
        ]

    async def _prune(self, connection: AsyncpgConnection, latest: int) -> None:
        """Now and then, forget holds that no window can see any more. `latest` is the ledger's time."""
        if latest > self._prune_at:
            gone = await connection.fetchval(sql.PRUNE, latest, PRUNE_AT_ONCE)
            self._prune_at = latest + (_PRUNE_EVERY_US if gone < PRUNE_AT_ONCE else _PRUNE_PAUSE_US)

    async def _renew(self, connection: AsyncpgConnection, renewal: Renewal) -> list[str]:
        ids, owners = _arrays(list(renewal.owners.items()), 2)
        rows = await connection.fetch(sql.RENEW, ids, owners, renewal.until - self._clock())
        held = {row["id"] for row in rows}
        return [id_ for id_ in renewal.owners if id_ not in held]

    async def _adopt(self, connection: AsyncpgConnection, adoption: Adoption) -> list[Found]:
        now = self._clock()
        lease = now - adoption.now, adoption.until - now
        taken = await connection.fetch(sql.ADOPT, *lease, adoption.everyone, list(adoption.besides))
        segments: dict[str, list[bytes]] = {row["id"]: [] for row in taken}
        for turn_id, payload in await connection.fetch(sql.ADOPTED, list(segments)) if taken else ():
            segments[turn_id].append(payload)
        return [Found(turn_id=id_, owner=owner, facts=facts, segments=segments[id_]) for id_, owner, facts in taken]


def _note(found: Any, batch: Batch, ends: Collection[Owned], written: Written, *, again: bool) -> None:
    """Take down whom the statement left out."""
    for new in batch.beginnings:
        if new.turn["id"] not in found["begun"] and new.turn["id"] not in found["known"]:
            written.refused[new.owned] = DuplicateRequest(new.turn["client_request_id"])
    for owned in ends:
        if owned[0] not in found["ended"] and owned[0] not in found["over"]:
            written.refused[owned] = Fenced(owned[0])
    for owned in batch.events:
        if owned not in ends:
            kept = owned[0] in found["owned"]
        else:
            kept = owned[0] in found["ended"] or (again and owned[0] in found["over"])
        if not kept:
            written.lost.add(owned)


def _end_values(ends: Sequence[Ending]) -> list[object]:
    return [
        _rows(
            {
                **end.turn,
                "owner": end.owned[1],
                "conversation_id": end.conversation_id,
                "moves_leaf": end.moves_leaf,
                "reply_id": end.reply["id"] if end.reply else None,
                "place": place,
            }
            for place, end in enumerate(ends)
        ),
        _rows(end.usage for end in ends),
        _rows(end.reply for end in ends if end.reply is not None),
    ]


def _arrays(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]


def _rows(rows: Iterable[Row]) -> str:
    return _json.encode([{name: _plain(value) for name, value in row.items()} for row in rows]).decode()


def _plain(value: object) -> object:
    """Return what PostgreSQL takes for the value in JSON."""
    if isinstance(value, str) and "\0" in value:
        return value.translate(NO_NUL)
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _is_own(failed: BaseException) -> bool:
    return not isinstance(failed, asyncpg.PostgresError) or str(failed.sqlstate).startswith(_OWN_STATES)


def _failure(failed: Exception, kind: type[OSError]) -> OSError:
    return kind(f"the journal could not be written: {str(failed) or type(failed).__name__}")
