"""Writes batches of the journal into SQLite, each in one transaction. Belongs to one thread at a time."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Final

from sqlalchemy import Table

from server.adapters.database import sqlite_connection
from server.adapters.journal_batch import (
    Adoption,
    Batch,
    Beginning,
    Ending,
    Found,
    Renewal,
    Segment,
    Written,
    apart,
    payload,
)
from server.adapters.journal_holds import folded
from server.adapters.keep_until import at_end
from server.adapters.rows import Row, text_of
from server.adapters.schema import conversations, holds, messages, turns, usage
from server.core.ports import DuplicateRequest, Fenced

_PRUNE_EVERY_US: Final = 60_000_000


def _insert(table: Table, *besides: str) -> str:
    """Return the statement that inserts a row of all columns; those `besides` have nothing yet."""
    names = [column.name for column in table.c if column.name not in besides]
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"  # noqa: S608  # of our names


_INSERT_TURN: Final = f"""
    {_insert(turns, "outcome", "trail", "ended_at", "keep_until")}
    ON CONFLICT (user_id, client_request_id) DO NOTHING"""
_INSERT_CONVERSATION: Final = _insert(conversations, "indexed_at")
_INSERT_MESSAGE: Final = _insert(messages)
_END_TURN: Final = f"""
    UPDATE turns SET status = :status, outcome = :outcome, trail = :trail, ended_at = :ended_at,
                     keep_until = {at_end(":keep_until")}
    WHERE id = :id"""  # noqa: S608  # of our names
_INSERT_USAGE: Final = _insert(usage)
_MOVE_LEAF: Final = """
    UPDATE conversations
    SET leaf_id = COALESCE(:reply_id, (SELECT newest_id FROM turns WHERE id = :turn_id), leaf_id)
    WHERE id = :conversation_id"""
_TOUCH_CONVERSATION: Final = """
    UPDATE conversations SET updated_at = MAX(updated_at, :ended_at) WHERE id = :conversation_id"""
_STANDINGS: Final = """
    SELECT id, owner, ended_at IS NOT NULL FROM turns WHERE id IN (SELECT value FROM json_each(?))"""
_EXTEND_LEASES: Final = """
    UPDATE turns SET lease_until = ? WHERE ended_at IS NULL AND id IN (SELECT value FROM json_each(?))"""
_ORPHANS: Final = """
    SELECT id, owner, facts FROM turns WHERE ended_at IS NULL AND (:everyone OR lease_until < :now)
        AND id NOT IN (SELECT value FROM json_each(:besides))"""
_TAKE_OVER: Final = "UPDATE turns SET owner = owner + 1, lease_until = ? WHERE id = ?"
_HOLD_COLUMNS: Final = tuple(column.name for column in holds.c)
_MANY_HOLDS: Final = 100
"""Holds that one statement inserts, for which the lock of the interpreter is given up once."""
_SETTLE_HOLD: Final = "UPDATE holds SET amounts = ? WHERE hold_id = ?"
_DELETE_HOLD: Final = "DELETE FROM holds WHERE hold_id = ?"

_OWN_FAULT: Final = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    ValueError,
    OverflowError,
)
"""Errors that say something about one row and nothing about the disk."""


class SqliteWriter:
    """Keeps segments for exactly as long as a turn in them runs."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite_connection(path)
        self._running: dict[int, set[str]] = {}
        """By segment, the turns in it that have not ended."""
        self._segments: dict[str, list[int]] = {}
        """By turn that has not ended, its segments."""
        self._spent: list[int] = []
        """Segments that the next commit deletes."""
        self._pruned_at = 0
        self._recall()

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def write(self, batch: Batch) -> Written:
        """Commit the batch. Whatever is raised, nothing of it was written, and a later batch may be tried."""
        written = Written()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            spent = self._delete_spent()
            for new in batch.withdrawn:
                self._withdraw(new)
            self._write_holds(batch.holds)
            begun = [new for new in batch.beginnings if self._begin(new, written)]
            events, ended = self._write_turns(batch, written)
            kept = [*((new.owned[0], [new.opened]) for new in begun), *events]
            number = self._write_segment(kept)
            written.renewed = [self._renew(renewal) for renewal in batch.renewals]
            written.adopted = [self._adopt(adoption) for adoption in batch.adoptions]
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        del self._spent[:spent]
        if number is not None:
            self._serve(number, (turn_id for turn_id, _ in kept))
        self._release(ended)
        self._release(new.owned[0] for new in batch.withdrawn)
        return written

    def _write_holds(self, rows: Sequence[Row]) -> None:
        held, amounts, released = folded(rows)
        for first in range(0, len(held), _MANY_HOLDS):
            some = held[first : first + _MANY_HOLDS]
            if len(some) == _MANY_HOLDS:
                self._db.execute(_insert_holds(_MANY_HOLDS), list(chain.from_iterable(map(_values_of_hold, some))))
            else:
                self._db.executemany(_insert_holds(1), map(_values_of_hold, some))
        self._db.executemany(_SETTLE_HOLD, [(text, hold_id) for hold_id, text in amounts.items()])
        self._db.executemany(_DELETE_HOLD, [(hold_id,) for hold_id in released])
        latest = max((row["at_us"] for row in held), default=0)
        if latest - self._pruned_at > _PRUNE_EVERY_US:
            self._db.execute("DELETE FROM holds WHERE keep_until < ?", (latest,))
            self._pruned_at = latest

    def _begin(self, new: Beginning, written: Written) -> bool:
        try:
            with self._savepoint():
                self._insert_turn(new.turn)
                if new.conversation is not None:
                    self._db.execute(_INSERT_CONVERSATION, new.conversation)
                self._db.executemany(_INSERT_MESSAGE, new.messages)
        except (DuplicateRequest, *_OWN_FAULT) as refused:
            written.refused[new.owned] = refused
            return False
        return True

    def _insert_turn(self, row: Row) -> None:
        if self._db.execute(_INSERT_TURN, row).rowcount == 0:
            raise DuplicateRequest(row["client_request_id"])

    def _withdraw(self, new: Beginning) -> None:
        self._db.execute("DELETE FROM turns WHERE id = ?", (new.owned[0],))
        self._db.execute("DELETE FROM messages WHERE turn_id = ?", (new.owned[0],))
        if new.conversation is not None:
            self._db.execute("DELETE FROM conversations WHERE id = ?", (new.conversation["id"],))

    def _write_turns(self, batch: Batch, written: Written) -> tuple[Segment, set[str]]:
        """End what ends; return the events to keep and the ids of the turns that have ended."""
        standings = self._standings({owned[0] for owned in (*batch.events, *(end.owned for end in batch.endings))})
        ended: set[str] = set()
        for end in batch.endings:
            if standings.get(end.owned[0], (None,))[0] != end.owned[1]:
                written.refused[end.owned] = Fenced(end.owned[0])
            elif end.owned[0] not in ended and not standings[end.owned[0]][1] and self._end(end, written):
                ended.add(end.owned[0])
        kept: Segment = []
        for (turn_id, owner), events in batch.events.items():
            if standings.get(turn_id) != (owner, False):
                written.lost.add((turn_id, owner))
            elif turn_id not in ended:
                kept.append((turn_id, events))
        return kept, ended

    def _end(self, end: Ending, written: Written) -> bool:
        try:
            with self._savepoint():
                self._db.execute(_END_TURN, end.turn)
                self._db.execute(_INSERT_USAGE, end.usage)
                if end.reply is not None:
                    self._db.execute(_INSERT_MESSAGE, end.reply)
                if end.conversation_id is not None:
                    self._continue_conversation(end, end.conversation_id)
        except _OWN_FAULT as refused:
            written.refused[end.owned] = refused
            return False
        return True

    def _continue_conversation(self, end: Ending, conversation_id: str) -> None:
        self._db.execute(_TOUCH_CONVERSATION, {"ended_at": end.turn["ended_at"], "conversation_id": conversation_id})
        if end.moves_leaf:
            reply_id = end.reply["id"] if end.reply else None
            self._db.execute(
                _MOVE_LEAF, {"reply_id": reply_id, "turn_id": end.owned[0], "conversation_id": conversation_id}
            )

    def _write_segment(self, kept: Segment) -> int | None:
        if not kept:
            return None
        return self._db.execute("INSERT INTO segments (payload) VALUES (?)", (payload(kept),)).lastrowid

    def _renew(self, renewal: Renewal) -> list[str]:
        standings = self._standings(renewal.owners)
        held = [id_ for id_, owner in renewal.owners.items() if standings.get(id_, (None,))[0] == owner]
        self._db.execute(_EXTEND_LEASES, (renewal.until, text_of(held)))
        return [id_ for id_ in renewal.owners if id_ not in held]

    def _adopt(self, adoption: Adoption) -> list[Found]:
        wanted = {"everyone": adoption.everyone, "now": adoption.now, "besides": text_of(adoption.besides)}
        rows = self._db.execute(_ORPHANS, wanted).fetchall()
        segments: dict[str, list[bytes]] = {id_: [] for id_, _, _ in rows}
        if rows:
            self._db.executemany(_TAKE_OVER, [(adoption.until, id_) for id_, _, _ in rows])
            for _, stored in self._stored_segments():
                for turn_id, said in stored:
                    if turn_id in segments:
                        segments[turn_id].append(said)
        return [Found(turn_id=id_, owner=owner + 1, facts=facts, segments=segments[id_]) for id_, owner, facts in rows]

    def _standings(self, turn_ids: Collection[str]) -> dict[str, tuple[int, bool]]:
        if not turn_ids:
            return {}
        rows = self._db.execute(_STANDINGS, (text_of(list(turn_ids)),))
        return {id_: (owner, bool(ended)) for id_, owner, ended in rows}

    def _stored_segments(self) -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
        for number, stored in self._db.execute("SELECT id, payload FROM segments ORDER BY id"):
            yield number, apart(stored)

    def _recall(self) -> None:
        """Learn which turns the stored segments serve."""
        running = {id_ for (id_,) in self._db.execute("SELECT id FROM turns WHERE ended_at IS NULL")}
        for number, stored in self._stored_segments():
            self._serve(number, running.intersection(turn_id for turn_id, _ in stored))

    def _serve(self, number: int, turn_ids: Iterable[str]) -> None:
        served = self._running[number] = set(turn_ids)
        for turn_id in served:
            self._segments.setdefault(turn_id, []).append(number)
        if not served:
            self._spend(number)

    def _release(self, ended: Iterable[str]) -> None:
        for turn_id in ended:
            for number in self._segments.pop(turn_id, ()):
                self._running[number].discard(turn_id)
                if not self._running[number]:
                    self._spend(number)

    def _spend(self, number: int) -> None:
        del self._running[number]
        self._spent.append(number)

    def _delete_spent(self) -> int:
        self._db.executemany("DELETE FROM segments WHERE id = ?", [(number,) for number in self._spent])
        return len(self._spent)

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._db.execute("SAVEPOINT one")
        try:
            yield
        except BaseException:
            # A full disk may have ended the whole transaction already.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK TO one")
                self._db.execute("RELEASE one")
            raise
        self._db.execute("RELEASE one")


_values_of_hold = itemgetter(*_HOLD_COLUMNS)


@cache
def _insert_holds(count: int) -> str:
    values = ", ".join(["(" + ", ".join("?" * len(_HOLD_COLUMNS)) + ")"] * count)
    # A hold that is there may have been written by a commit of which nobody heard.
    return f"""
        INSERT INTO holds ({", ".join(_HOLD_COLUMNS)}) VALUES {values}
        ON CONFLICT (hold_id) DO UPDATE SET amounts = COALESCE(excluded.amounts, amounts)"""  # noqa: S608  # of our names
