"""Stored conversations, in SQL. Every statement is bound to one user."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BindParameter, and_, bindparam, delete, desc, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from server.adapters.database import writing
from server.adapters.rows import conversation_of, message_of
from server.adapters.schema import conversations, messages, turns
from server.core.ports import Page
from server.core.records import Conversation, Message

FORGET_WHEN_ENDED: Final = 0
"""The `keep_until` of a turn whose conversation was deleted while it ran; nobody is shown it any more."""

_user: BindParameter[str] = bindparam("user_id")
_mine = conversations.c.user_id == _user
_newest_first = (desc(conversations.c.updated_at), desc(conversations.c.id))

_ONE: Final = select(conversations).where(conversations.c.id == bindparam("conversation_id"), _mine)
_FIRST: Final = select(conversations).where(_mine).order_by(*_newest_first).limit(bindparam("count"))
_mark = select(conversations).where(conversations.c.id == bindparam("after"), _mine).subquery()
_NEXT: Final = (
    select(conversations)
    .where(
        _mine,
        or_(
            conversations.c.updated_at < _mark.c.updated_at,
            and_(conversations.c.updated_at == _mark.c.updated_at, conversations.c.id < _mark.c.id),
        ),
    )
    .order_by(*_newest_first)
    .limit(bindparam("count"))
)
_leaf = (
    select(messages, literal(0).label("depth"))
    .where(messages.c.id == bindparam("leaf_id"), messages.c.user_id == _user)
    .cte("path", recursive=True)
)
_path = _leaf.union_all(
    select(messages, _leaf.c.depth + 1).where(messages.c.id == _leaf.c.parent_id, messages.c.user_id == _user)
)
_PATH: Final = select(_path).order_by(desc(_path.c.depth))


class SqlConversations:
    """A `Conversations`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def conversation(self, conversation_id: str, user_id: str) -> Conversation | None:
        async with self._engine.connect() as connection:
            return await _one(connection, conversation_id, user_id)

    async def list(self, user_id: str, *, after: str | None, limit: int) -> Page:
        query, wanted = (_FIRST, {}) if after is None else (_NEXT, {"after": after})
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query, {"user_id": user_id, "count": limit + 1, **wanted})).mappings()
            found = [conversation_of(row) for row in rows]
        return Page(found[:limit], more=len(found) > limit)

    async def path(self, leaf_id: str, user_id: str) -> Sequence[Message]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_PATH, {"leaf_id": leaf_id, "user_id": user_id})).mappings()
            return [message_of(row) for row in rows]

    async def rename(self, conversation_id: str, user_id: str, title: str, now: int) -> Conversation | None:
        mine = and_(conversations.c.id == conversation_id, conversations.c.user_id == user_id)
        async with writing(self._engine) as connection:
            await connection.execute(update(conversations).where(mine).values(title=title, updated_at=now))
            return await _one(connection, conversation_id, user_id)

    async def delete(self, conversation_id: str, user_id: str) -> bool:
        mine = and_(turns.c.conversation_id == conversation_id, turns.c.user_id == user_id)
        ended = and_(mine, turns.c.ended_at.is_not(None))
        async with writing(self._engine) as connection:
            gone = await connection.execute(
                delete(conversations).where(conversations.c.id == conversation_id, conversations.c.user_id == user_id)
            )
            await connection.execute(delete(messages).where(messages.c.turn_id.in_(select(turns.c.id).where(ended))))
            await connection.execute(delete(turns).where(ended))
            # What still runs is charged as any other turn, so it must be able to end.
            await connection.execute(update(turns).where(mine).values(keep_until=FORGET_WHEN_ENDED))
            return gone.rowcount > 0


async def _one(connection: AsyncConnection, conversation_id: str, user_id: str) -> Conversation | None:
    row = (await connection.execute(_ONE, {"conversation_id": conversation_id, "user_id": user_id})).mappings().first()
    return conversation_of(row) if row else None
