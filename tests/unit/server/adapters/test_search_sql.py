"""Search keeps nobody waiting who does not search."""

from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from server.adapters import database, search_sql
from server.adapters.database import SqliteDatabase
from server.adapters.keeping_sql import SqlKeeping
from server.adapters.search_sql import SqlSearch
from server.core.records import Message, TextPart
from server.core.searching import query, words
from tests.contracts.turn_records import a_conversation

T = TypeVar("T")
MESSAGES = 450


@pytest.fixture
async def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteDatabase]:
    """Give a database with a conversation of many messages, and time to index them."""
    monkeypatch.setattr(search_sql, "PATIENCE", 600.0)
    database.migrate(tmp_path / "parley.db")
    async with database.opened(tmp_path / "parley.db") as base:
        said = [
            Message(id=f"msg_{number}", role="user", parts=(TextPart(f"rain {number}"),), created_at=number)
            for number in range(MESSAGES)
        ]
        await SqlKeeping(base).create((a_conversation(leaf_id=said[-1].id, title=""), said))
        yield base


async def found(search: SqlSearch, text: str) -> list[str]:
    matches = await search.find("user_1", query(text), after=None, limit=100)
    return [one.message.id for one in matches.items if one.message]


async def test_others_write_while_words_are_made(
    base: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making words takes long, so no transaction is open meanwhile: answers that run are committed."""
    made: list[str] = []

    def words_beside_a_writer(text: str) -> list[str]:
        with closing(database.sqlite_connection(tmp_path / "parley.db")) as other:
            other.execute("PRAGMA busy_timeout = 0")
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        made.append(text)
        return words(text)

    monkeypatch.setattr(search_sql, "words", words_beside_a_writer)
    assert await found(SqlSearch(base), "rain 17 ") == ["msg_17"]
    assert len(made) == MESSAGES + 1


class Impatient:
    """A `Database` with time for one transaction."""

    def __init__(self, base: SqliteDatabase) -> None:
        self.base = base
        self.writes = 0

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self.base.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        self.writes += 1
        if self.writes > 1:
            raise TimeoutError
        return await self.base.write(work)


async def test_a_search_that_has_no_time_answers_from_what_is_indexed(base: SqliteDatabase) -> None:
    """The newest is indexed first, and the next search goes on where this one stopped."""
    search = SqlSearch(Impatient(base))
    newest = [f"msg_{number}" for number in range(MESSAGES - 1, MESSAGES - 101, -1)]
    assert await found(search, "rain") == newest
    assert await found(search, "rain 17 ") == []
    assert await found(SqlSearch(base), "rain 17 ") == ["msg_17"]
    assert await found(SqlSearch(base), "rain") == newest


async def test_a_search_waits_a_bounded_time(base: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any time it finds what is indexed, which is nothing yet."""
    monkeypatch.setattr(search_sql, "PATIENCE", 0.0)
    assert await found(SqlSearch(base), "rain") == []
