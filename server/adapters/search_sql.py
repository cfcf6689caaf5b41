"""Full text, in SQL: FTS5 in SQLite, a text search vector in PostgreSQL, over the same words.

Nothing is indexed when it is written: that would be paid by every answer. Who searches has the index brought up to date
with the conversations that were used since, a little at a time; each knows when it was indexed.
"""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_search`

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from server.adapters.database import Database
from server.adapters.rows import message_of
from server.adapters.schema import conversations, message_words, messages
from server.core.ports_search import Match, Matches
from server.core.searching import Query, words

PATIENCE: Final = 3.0
"""Seconds for which a search waits for the index. Then it answers from what there is, and the next one goes on."""

_AT_ONCE: Final = 32_000
"""Characters that are indexed in one transaction, so that it is over before another writer notices."""
_APIECE: Final = 200
"""Characters that a row counts for beside its own."""

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
    .order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
    .limit(_AT_ONCE // _APIECE)
)
_known = select(message_words.c.message_id).where(message_words.c.conversation_id == bindparam("conversation_id"))
_UNREAD: Final = (
    select(messages.c.id, func.length(messages.c.parts))
    .where(messages.c.conversation_id == bindparam("conversation_id"), messages.c.id.not_in(_known))
    .order_by(messages.c.created_at.desc(), messages.c.id.desc())
    .limit(_AT_ONCE // _APIECE)
)
_TOO_MUCH: Final = "54"
"""How PostgreSQL begins the states of what is over a limit of its own."""

_PLACE: Final = re.compile(r"(\d{1,18})\.(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Unread:
    """Some of what is new in a user's conversations."""

    messages: Sequence[Mapping[Any, Any]]
    whole: Sequence[Any]
    """Conversations of which nothing else is new."""


class SqlSearch:
    """A `Search`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._indexing = asyncio.Lock()

    async def find(self, user_id: str, query: Query, *, after: str | None, limit: int) -> Matches:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._index(user_id)
        except TimeoutError:
            pass
        return await self._database.read(lambda connection: _find(connection, user_id, query, after, limit))

    async def _index(self, user_id: str) -> None:
        """Index what is new, the newest first."""
        time = asyncio.get_running_loop().time
        while True:
            async with self._indexing:
                unread = await self._database.read(lambda connection: _unread(connection, user_id))
                if not unread.messages and not unread.whole:
                    return
                begun = time()
                rows = await asyncio.to_thread(_rows, unread)
                took = time() - begun
                await self._database.write(lambda connection: _write(connection, user_id, unread, rows))  # noqa: B023
            # Half of the interpreter's time is left to those who do not search.
            await asyncio.sleep(took)


def _unread(connection: Connection, user_id: str) -> _Unread:
    found: list[Mapping[Any, Any]] = []
    whole: list[Any] = []
    left = _AT_ONCE
    for stale in connection.execute(_STALE, {"user_id": user_id}).all():
        unread = connection.execute(_UNREAD, {"conversation_id": stale.id}).all()
        some: list[str] = []
        for message_id, size in unread:
            if left > 0:
                some.append(message_id)
                left -= size + _APIECE
        found += connection.execute(select(messages).where(messages.c.id.in_(some))).mappings().all() if some else ()
        if len(some) < len(unread) or len(unread) == _AT_ONCE // _APIECE:
            break
        whole.append(stale)
        left -= len(stale.title) + _APIECE
        if left <= 0:
            break
    return _Unread(found, whole)


def _rows(unread: _Unread) -> list[dict[str, str]]:
    texts = [(row["id"], row["conversation_id"], message_of(row).text) for row in unread.messages]
    texts += [(one.id, one.id, one.title) for one in unread.whole]
    return [
        {"message_id": message_id, "conversation_id": conversation_id, "words": " ".join(words(said))}
        for message_id, conversation_id, said in texts
    ]


def _write(connection: Connection, user_id: str, unread: _Unread, rows: Collection[dict[str, str]]) -> None:
    """Write the words of conversations that are still there. Whose words are there already keeps them."""
    concerned = {row["conversation_id"] for row in rows}
    there = set(connection.scalars(select(conversations.c.id).where(conversations.c.id.in_(concerned))))
    titles = [one.id for one in unread.whole]
    ids = [row["message_id"] for row in rows]
    connection.execute(delete(message_words).where(message_words.c.message_id.in_(titles)))
    known = set(connection.scalars(select(message_words.c.message_id).where(message_words.c.message_id.in_(ids))))
    new = [
        {**row, "user_id": user_id}
        for row in rows
        if row["conversation_id"] in there and row["message_id"] not in known
    ]
    if new:
        _insert(connection, new)
    for one in unread.whole:
        this = conversations.c.id == one.id
        connection.execute(update(conversations).where(this).values(indexed_at=one.updated_at))


def _insert(connection: Connection, rows: Sequence[dict[str, str]]) -> None:
    """Insert the words; those that the database's index does not take are none, so that all else is found."""
    try:
        with connection.begin_nested():
            connection.execute(insert(message_words), rows)
    except DBAPIError as failed:
        if not str(getattr(failed.orig, "sqlstate", "")).startswith(_TOO_MUCH):
            raise
        if len(rows) == 1:
            connection.execute(insert(message_words), [{**rows[0], "words": ""}])
        else:
            for row in rows:
                _insert(connection, [row])


def _find(connection: Connection, user_id: str, query: Query, after: str | None, limit: int) -> Matches:
    dialect = connection.dialect.name
    asked = _fts5(query) if dialect == "sqlite" else _tsquery(query)
    # A title is as old as its conversation.
    said_at = func.coalesce(messages.c.created_at, conversations.c.created_at)
    found = (
        select(
            message_words.c.id,
            message_words.c.message_id,
            conversations.c.id.label("conversation"),
            conversations.c.title,
            said_at.label("said_at"),
        )
        .join(conversations, conversations.c.id == message_words.c.conversation_id)
        .outerjoin(messages, messages.c.id == message_words.c.message_id)
        .where(message_words.c.user_id == user_id, text(_MATCHING[dialect]))
        .order_by(said_at.desc(), message_words.c.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        place = _PLACE.fullmatch(after)
        if place is None:
            return Matches([], more=False)
        at, number = (literal(int(one), BigInteger) for one in place.groups())
        found = found.where(or_(said_at < at, and_(said_at == at, message_words.c.id < number)))
    rows = connection.execute(found, {"asked": asked}).all()
    ids = [row.message_id for row in rows[:limit]]
    known = {
        row["id"]: message_of(row)
        for row in connection.execute(select(messages).where(messages.c.id.in_(ids))).mappings()
    }
    return Matches(
        [
            Match(row.conversation, row.title, known.get(row.message_id), f"{row.said_at}.{row.id}")
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
