"""Stored answers, in SQL. Every statement is bound to its user."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_stored`

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, case, desc, select, tuple_, update

from server.adapters.database import Database
from server.adapters.keep_until import FORGET, HIDE, SHOWN
from server.adapters.rows import text_of, turn_of
from server.adapters.schema import turns
from server.adapters.turns_sql import STORED, stored_of
from server.core.ports import StoredTurn
from server.core.ports_stored import CompletionPage

_BATCH: Final = 200


class SqlAnswers:
    """A `StoredAnswers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def completions(
        self,
        user_id: str,
        *,
        after: str | None,
        limit: int,
        newest_first: bool,
        model: str | None,
        marks: Mapping[str, str],
    ) -> CompletionPage:
        found: list[StoredTurn] = []
        while True:
            batch = await self._batch(user_id, after, newest_first=newest_first)
            found += [one for one in batch if _fits(one, model, marks)]
            if len(found) > limit or len(batch) < _BATCH:
                return CompletionPage(found[:limit], more=len(found) > limit)
            after = batch[-1].turn.id

    async def _batch(self, user_id: str, after: str | None, *, newest_first: bool) -> list[StoredTurn]:
        query = STORED.where(turns.c.completion_at.is_not(None), turns.c.ended_at.is_not(None))
        if after is not None:
            mark = (
                select(turns.c.completion_at, turns.c.id)
                .where(turns.c.id == after, turns.c.user_id == user_id)
                .subquery()
            )
            place, begin = tuple_(turns.c.completion_at, turns.c.id), tuple_(mark.c.completion_at, mark.c.id)
            query = query.where(place < begin if newest_first else place > begin)
        order = (desc(turns.c.completion_at), desc(turns.c.id)) if newest_first else (turns.c.completion_at, turns.c.id)
        query = query.order_by(*order).limit(_BATCH)
        rows = await self._database.read(
            lambda connection: connection.execute(query, {"user_id": user_id}).mappings().all()
        )
        return [stored_of(row) for row in rows]

    async def mark(self, turn_id: str, user_id: str, metadata: Mapping[str, str]) -> bool:
        mine = and_(turns.c.id == turn_id, turns.c.user_id == user_id, SHOWN)

        def work(connection: Connection) -> bool:
            facts = connection.scalar(select(turns.c.facts).where(mine))
            if facts is None:
                return False
            turn = turn_of(facts)
            marked = msgspec.structs.replace(turn, echo={**turn.echo, "metadata": dict(metadata)})
            connection.execute(update(turns).where(mine).values(facts=text_of(marked)))
            return True

        return await self._database.write(work)

    async def delete(self, turn_id: str, user_id: str) -> bool:
        mine = and_(turns.c.id == turn_id, turns.c.user_id == user_id, SHOWN)
        until = case((turns.c.conversation_id.is_(None), FORGET), else_=HIDE)
        gone = update(turns).where(mine).values(keep_until=until, client_request_id=None)
        return await self._database.write(lambda connection: connection.execute(gone).rowcount > 0)


def _fits(stored: StoredTurn, model: str | None, marks: Mapping[str, str]) -> bool:
    metadata = stored.turn.echo.get("metadata") or {}
    return model in {None, stored.turn.model} and marks.items() <= metadata.items()
