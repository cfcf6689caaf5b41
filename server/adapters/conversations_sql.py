"""Stored conversations, in SQL. Every statement that a user has caused is bound to that user."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import (
    BindParameter,
    Connection,
    and_,
    bindparam,
    delete,
    desc,
    literal,
    or_,
    select,
    update,
)

from server.adapters.database import Database
from server.adapters.images_sql import let_go
from server.adapters.keep_until import FORGET
from server.adapters.rows import conversation_of, message_of
from server.adapters.schema import conversations, message_words, messages, turns
from server.core.branches import Node
from server.core.ports import Page, Standing
from server.core.records import Conversation, Message

_user: BindParameter[str] = bindparam("user_id")
_mine = conversations.c.user_id == _user
_newest_first = (desc(conversations.c.updated_at), desc(conversations.c.id))

_ONE: Final = select(conversations).where(conversations.c.id == bindparam("conversation_id"), _mine)
_put_away = conversations.c.archived_at.is_not(None) == bindparam("archived")
_FIRST: Final = select(conversations).where(_mine, _put_away).order_by(*_newest_first).limit(bindparam("count"))
_mark = select(conversations).where(conversations.c.id == bindparam("after"), _mine).subquery()
_NEXT: Final = (
    select(conversations)
    .where(
        _mine,
        _put_away,
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
_TREE: Final = select(messages.c.id, messages.c.parent_id, messages.c.created_at).where(
    messages.c.conversation_id == bindparam("conversation_id"), messages.c.user_id == _user
)
_THESE: Final = select(messages).where(
    messages.c.id.in_(bindparam("message_ids", expanding=True)), messages.c.user_id == _user
)
_SEVERAL: Final = select(conversations).where(conversations.c.id.in_(bindparam("conversation_ids", expanding=True)))
_TURNS_OF_NOW: Final = (
    select(turns.c.id, turns.c.conversation_id, turns.c.ended_at)
    .where(
        turns.c.conversation_id.in_(bindparam("conversation_ids", expanding=True)),
        or_(turns.c.ended_at.is_(None), turns.c.ended_at >= bindparam("since")),
    )
    .order_by(turns.c.created_at, turns.c.id)
)


class SqlConversations:
    """A `Conversations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def conversation(self, conversation_id: str, user_id: str) -> Conversation | None:
        return await self._database.read(lambda connection: _one(connection, conversation_id, user_id))

    async def list(self, user_id: str, *, after: str | None, limit: int, archived: bool = False) -> Page:
        query, mark = (_FIRST, {}) if after is None else (_NEXT, {"after": after})
        wanted = {"user_id": user_id, "count": limit + 1, "archived": archived, **mark}
        rows = await self._database.read(lambda connection: connection.execute(query, wanted).mappings().all())
        return Page([conversation_of(row) for row in rows[:limit]], more=len(rows) > limit)

    async def path(self, leaf_id: str, user_id: str) -> Sequence[Message]:
        wanted = {"leaf_id": leaf_id, "user_id": user_id}
        rows = await self._database.read(lambda connection: connection.execute(_PATH, wanted).mappings().all())
        return [message_of(row) for row in rows]

    async def tree(self, conversation_id: str, user_id: str) -> Sequence[Node]:
        wanted = {"conversation_id": conversation_id, "user_id": user_id}
        rows = await self._database.read(lambda connection: connection.execute(_TREE, wanted).all())
        return [Node(*row) for row in rows]

    async def messages(self, message_ids: Sequence[str], user_id: str) -> Sequence[Message]:
        wanted = {"message_ids": list(message_ids), "user_id": user_id}
        rows = await self._database.read(lambda connection: connection.execute(_THESE, wanted).mappings().all())
        found = {row["id"]: message_of(row) for row in rows}
        return [found[message_id] for message_id in message_ids if message_id in found]

    async def standings(self, conversation_ids: Sequence[str], since: int) -> Mapping[str, Standing]:
        wanted = {"conversation_ids": list(conversation_ids)}

        def work(connection: Connection) -> Mapping[str, Standing]:
            # Turns first: what a conversation's row says of its leaf is then never older than what is said of them.
            recent = connection.execute(_TURNS_OF_NOW, {**wanted, "since": since}).all()
            found = connection.execute(_SEVERAL, wanted).mappings().all()
            return {
                row["id"]: Standing(
                    conversation=conversation_of(row),
                    running=[turn.id for turn in recent if turn.conversation_id == row["id"] and turn.ended_at is None],
                    ended=[turn.id for turn in recent if turn.conversation_id == row["id"] and turn.ended_at],
                )
                for row in found
            }

        return await self._database.read(work)

    async def rename(self, conversation_id: str, user_id: str, title: str, now: int) -> Conversation | None:
        return await self._change(conversation_id, user_id, title=title, updated_at=now)

    async def choose(self, conversation_id: str, user_id: str, leaf_id: str) -> Conversation | None:
        return await self._change(conversation_id, user_id, leaf_id=leaf_id)

    async def delete(self, conversation_id: str, user_id: str) -> bool:
        mine = and_(turns.c.conversation_id == conversation_id, turns.c.user_id == user_id)
        ended = and_(mine, turns.c.ended_at.is_not(None))

        def work(connection: Connection) -> bool:
            # What still runs is charged as any other turn, so it must be able to end. Turns go before their
            # conversation, as where a turn ends: two that lock in different orders would wait for each other.
            connection.execute(update(turns).where(mine).values(keep_until=FORGET))
            let_go(connection, connection.scalars(select(turns.c.id).where(ended)).all())
            connection.execute(delete(messages).where(messages.c.turn_id.in_(select(turns.c.id).where(ended))))
            connection.execute(delete(turns).where(ended))
            without = and_(messages.c.conversation_id == conversation_id, messages.c.turn_id == "")
            connection.execute(delete(messages).where(without, messages.c.user_id == user_id))
            indexed = and_(message_words.c.conversation_id == conversation_id, message_words.c.user_id == user_id)
            connection.execute(delete(message_words).where(indexed))
            gone = connection.execute(
                delete(conversations).where(conversations.c.id == conversation_id, conversations.c.user_id == user_id)
            )
            return gone.rowcount > 0

        return await self._database.write(work)

    async def _change(self, conversation_id: str, user_id: str, **values: str | int) -> Conversation | None:
        mine = and_(conversations.c.id == conversation_id, conversations.c.user_id == user_id)

        def work(connection: Connection) -> Conversation | None:
            connection.execute(update(conversations).where(mine).values(**values))
            return _one(connection, conversation_id, user_id)

        return await self._database.write(work)


def _one(connection: Connection, conversation_id: str, user_id: str) -> Conversation | None:
    row = connection.execute(_ONE, {"conversation_id": conversation_id, "user_id": user_id}).mappings().first()
    return conversation_of(row) if row else None
