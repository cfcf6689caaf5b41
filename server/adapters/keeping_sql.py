"""What users do to their conversations, in SQL. Every statement is bound to its user."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_conversations`

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, insert, select, update

from server.adapters import schema
from server.adapters.database import Database
from server.adapters.rows import Row, conversation_row, message_row, text_of
from server.adapters.schema import conversations
from server.core.ports_conversations import Change
from server.core.records import Conversation, Message


class SqlKeeping:
    """A `Keeping`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, *made: tuple[Conversation, Sequence[Message]]) -> None:
        begun = [conversation_row(conversation) for conversation, _ in made]
        rows = [row for conversation, said in made for row in _rows(conversation.id, conversation.user_id, said)]

        def work(connection: Connection) -> None:
            connection.execute(insert(conversations), begun)
            if rows:
                connection.execute(insert(schema.messages), rows)

        if begun:
            await self._database.write(work)

    async def add(self, conversation_id: str, user_id: str, messages: Sequence[Message], now: int) -> Sequence[Message]:
        mine = and_(conversations.c.id == conversation_id, conversations.c.user_id == user_id)

        def work(connection: Connection) -> Sequence[Message]:
            found = connection.execute(select(conversations.c.leaf_id).where(mine)).first()
            if found is None:
                return ()
            first, *rest = messages
            chained = [msgspec.structs.replace(first, parent_id=found.leaf_id), *rest]
            connection.execute(insert(schema.messages), _rows(conversation_id, user_id, chained))
            connection.execute(update(conversations).where(mine).values(leaf_id=chained[-1].id, updated_at=now))
            return chained

        return await self._database.write(work)

    async def unused(self, before: int, limit: int) -> Sequence[tuple[str, str]]:
        old = conversations.c.updated_at < before
        query = select(conversations.c.id, conversations.c.user_id).where(old).order_by(conversations.c.id).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [(row.id, row.user_id) for row in rows]

    async def change(self, conversation_id: str, user_id: str, change: Change, now: int) -> bool:
        mine = and_(conversations.c.id == conversation_id, conversations.c.user_id == user_id)
        values: dict[str, Any] = {"id": conversation_id}
        if change.metadata is not None:
            values["metadata"] = text_of(dict(change.metadata))
        if change.archived is not None:
            values["archived_at"] = now if change.archived else None
        changed = update(conversations).where(mine).values(**values)
        return await self._database.write(lambda connection: connection.execute(changed).rowcount > 0)


def _rows(conversation_id: str, user_id: str, said: Sequence[Message]) -> list[Row]:
    return [message_row(one, user_id=user_id, conversation_id=conversation_id, turn_id="") for one in said]
