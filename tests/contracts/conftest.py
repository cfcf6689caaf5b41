"""The stores that the suites of `journal`, `turns`, `conversations`, `identity` and `revisions` run on."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters import database
from server.adapters.journal_sqlite import SqliteJournal


@dataclass(frozen=True, slots=True)
class Store:
    """One database, and how to open what writes and reads it."""

    path: Path
    engine: AsyncEngine
    journal: Callable[[], AbstractAsyncContextManager[SqliteJournal]]


@pytest.fixture(params=["sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an empty database."""
    path = tmp_path / database.FILE
    database.migrate(path)
    async with database.opened(path) as engine:
        yield Store(path, engine, lambda: SqliteJournal(path))


@pytest.fixture
async def journal(store: Store) -> AsyncIterator[SqliteJournal]:
    """Give the open journal of the store."""
    async with store.journal() as journal:
        yield journal
