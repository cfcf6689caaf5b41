"""Full text, in SQL: FTS5 in SQLite, a text search vector in PostgreSQL, over the same words.

Nothing is indexed when it is written: that would be paid by every answer. Who searches has the index brought up to date
with the conversations that were used since; each knows when it was indexed.
"""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_search`

from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, text, update

from server.adapters.database import Database
from server.adapters.rows import message_of
from server.adapters.schema import conversations, message_words, messages
from server.core.ports_search import Match, Matches
from server.core.searching import Query, words

_AT_ONCE: Final = 200
"""Conversations that are indexed in one transaction."""

_MATCHING: Final = {
    "sqlite": "message_words.id IN (SELECT rowid FROM message_search WHERE message_search MATCH :asked)",
    "postgresql": "to_tsvector('simple', message_words.words) @@ to_tsquery('simple', :asked)",
}
_STALE: Final = (
    select(conversations.c.id, conversations.c.title, conversations.c.updated_at)
    .where(
        conversations.c.user_id == bindparam("user_id"),
        or_(conversations.c.indexed_at.is_(None), conversations.c.indexed_at < conversations.c.updated_at),
    )
    .limit(_AT_ONCE)
)


class SqlSearch:
    """A `Search`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: str, query: Query, *, after: str | None, limit: int) -> Matches:
        while await self._database.read(lambda connection: connection.execute(_STALE, {"user_id": user_id}).first()):
            await self._database.write(lambda connection: _index(connection, user_id))
        return await self._database.read(lambda connection: _find(connection, user_id, query, after, limit))


def _index(connection: Connection, user_id: str) -> None:
    """Index what is new in some of the user's conversations."""
    for conversation_id, title, updated_at in connection.execute(_STALE, {"user_id": user_id}).all():
        known = set(
            connection.scalars(
                select(message_words.c.message_id).where(message_words.c.conversation_id == conversation_id)
            )
        )
        said = connection.execute(select(messages).where(messages.c.conversation_id == conversation_id)).mappings()
        new = {row["id"]: message_of(row).text for row in said if row["id"] not in known}
        connection.execute(delete(message_words).where(message_words.c.message_id == conversation_id))
        rows = [
            {
                "message_id": message_id,
                "user_id": user_id,
                "conversation_id": conversation_id,
                "words": " ".join(words(said)),
            }
            for message_id, said in [*new.items(), (conversation_id, title)]
        ]
        connection.execute(insert(message_words), rows)
        this = conversations.c.id == conversation_id
        connection.execute(update(conversations).where(this).values(indexed_at=updated_at))


def _find(connection: Connection, user_id: str, query: Query, after: str | None, limit: int) -> Matches:
    dialect = connection.dialect.name
    asked = _fts5(query) if dialect == "sqlite" else _tsquery(query)
    found = (
        select(
            message_words.c.id,
            message_words.c.message_id,
            conversations.c.id.label("conversation"),
            conversations.c.title,
        )
        .join(conversations, conversations.c.id == message_words.c.conversation_id)
        .where(message_words.c.user_id == user_id, text(_MATCHING[dialect]))
        .order_by(message_words.c.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        found = found.where(message_words.c.id < (int(after) if after.isdecimal() else 0))
    rows = connection.execute(found, {"asked": asked}).all()
    ids = [row.message_id for row in rows[:limit]]
    known = {
        row["id"]: message_of(row)
        for row in connection.execute(select(messages).where(messages.c.id.in_(ids))).mappings()
    }
    return Matches(
        [
            Match(row.conversation, row.title, known.get(row.message_id), str(row.id))
            for row in rows[:limit]
            if row.message_id in known or row.message_id == row.conversation
        ],
        more=len(rows) > limit,
    )


def _fts5(query: Query) -> str:
    # Words have letters and digits only, so quotation marks are enough to keep them words.
    phrases = [f'"{" ".join(phrase)}"' for phrase in query.phrases]
    return " AND ".join(phrases) + ("*" if query.open_end else "")


def _tsquery(query: Query) -> str:
    phrases = ["(" + " <-> ".join(f"'{word}'" for word in phrase) + ")" for phrase in query.phrases]
    asked = " & ".join(phrases)
    return f"{asked[:-1]}:*)" if query.open_end else asked
