"""Turns that were accepted, in SQL. Every statement that shows one is bound to its user, but for that of operators."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, bindparam, delete, exists, select, tuple_, update

from server.adapters.database import Database
from server.adapters.images_sql import let_go
from server.adapters.keep_until import SHOWN, passed
from server.adapters.rows import message_of, outcome_of, turn_of, usage_of
from server.adapters.schema import messages, turns, usage
from server.core.ports import StoredTurn
from server.core.records import UsageRow

_reply = {f"reply_{column.name}": column for column in messages.c}
_ANYONES: Final = (
    select(turns.c.facts, turns.c.outcome, turns.c.trail, *(column.label(name) for name, column in _reply.items()))
    .outerjoin(messages, messages.c.id == turns.c.message_id)
    .where(SHOWN)
)
STORED: Final = _ANYONES.where(turns.c.user_id == bindparam("user_id"))
_BY_ID: Final = STORED.where(turns.c.id == bindparam("turn_id"))
_ANYONES_BY_ID: Final = _ANYONES.where(turns.c.id == bindparam("turn_id"))
_BY_REQUEST: Final = STORED.where(turns.c.client_request_id == bindparam("client_request_id"))
_USAGE: Final = select(usage).where(usage.c.ended_at >= bindparam("since")).order_by(usage.c.ended_at, usage.c.turn_id)
_UNSETTLED: Final = (
    select(usage)
    .where(usage.c.settled_at.is_(None), usage.c.ended_at < bindparam("before"))
    .where(tuple_(usage.c.ended_at, usage.c.turn_id) > tuple_(bindparam("ended_at"), bindparam("turn_id")))
    .order_by(usage.c.ended_at, usage.c.turn_id)
    .limit(bindparam("count"))
)
_parent, _child = messages.alias("parent"), messages.alias("child")
# A turn that a later one continues is kept for its sake: the later one's path leads through it.
_continued = exists().where(
    _parent.c.turn_id == turns.c.id, _child.c.parent_id == _parent.c.id, _child.c.turn_id != turns.c.id
)
_PASSED: Final = (
    select(turns.c.id)
    .where(passed(bindparam("now")), turns.c.ended_at.is_not(None), ~_continued)
    .order_by(turns.c.keep_until, turns.c.id)
    .limit(bindparam("count"))
)


class SqlTurns:
    """A `Turns`, `AnyonesTurns` and `Charges`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def turn(self, turn_id: str, user_id: str) -> StoredTurn | None:
        return await self._one(_BY_ID, turn_id=turn_id, user_id=user_id)

    async def of_anyone(self, turn_id: str) -> StoredTurn | None:
        return await self._one(_ANYONES_BY_ID, turn_id=turn_id)

    async def by_request(self, user_id: str, client_request_id: str) -> StoredTurn | None:
        return await self._one(_BY_REQUEST, user_id=user_id, client_request_id=client_request_id)

    async def usage_rows(self, user_id: str | None, since: int) -> Sequence[UsageRow]:
        query = _USAGE if user_id is None else _USAGE.where(usage.c.user_id == user_id)
        wanted = {"since": since}
        rows = await self._database.read(lambda connection: connection.execute(query, wanted).mappings().all())
        return [usage_of(row) for row in rows]

    async def unsettled(self, before: int, limit: int, after: UsageRow | None = None) -> Sequence[UsageRow]:
        place = {"ended_at": after.ended_at, "turn_id": after.turn_id} if after else {"ended_at": -1, "turn_id": ""}
        wanted = {"before": before, "count": limit, **place}
        rows = await self._database.read(lambda connection: connection.execute(_UNSETTLED, wanted).mappings().all())
        return [usage_of(row) for row in rows]

    async def settled(self, turn_ids: Collection[str], now: int) -> None:
        told = and_(usage.c.turn_id.in_(turn_ids), usage.c.settled_at.is_(None))
        await self._database.write(
            lambda connection: connection.execute(update(usage).where(told).values(settled_at=now))
        )

    async def forget(self, now: int, limit: int) -> int:
        def work(connection: Connection) -> int:
            passed = connection.scalars(_PASSED, {"now": now, "count": limit}).all()
            if passed:
                let_go(connection, passed)
                connection.execute(delete(messages).where(messages.c.turn_id.in_(passed)))
                connection.execute(delete(turns).where(turns.c.id.in_(passed)))
            return len(passed)

        return await self._database.write(work)

    async def _one(self, query: Select[Any], **wanted: str) -> StoredTurn | None:
        row = await self._database.read(lambda connection: connection.execute(query, wanted).mappings().first())
        return stored_of(row) if row else None


def stored_of(row: Mapping[Any, Any]) -> StoredTurn:
    """Return the turn of a row that `STORED` finds."""
    reply = {column.name: row[name] for name, column in _reply.items()}
    return StoredTurn(
        turn=turn_of(row["facts"]),
        outcome=outcome_of(row["outcome"]) if row["outcome"] is not None else None,
        reply=message_of(reply) if reply["id"] is not None else None,
        trail=row["trail"] or b"",
    )
