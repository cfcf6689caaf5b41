"""The stores that the suites of `journal`, `turns`, `conversations`, `identity` and `revisions` run on."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ratelimit.ledger import Ledger
from server.adapters import database, database_postgres
from server.adapters.database import Database
from server.adapters.identity_postgres import PostgresIdentity
from server.adapters.identity_sqlite import SqliteIdentity
from server.adapters.journal_postgres import PostgresJournal
from server.adapters.journal_sqlite import SqliteJournal
from server.core.ports import Journal
from server.core.ports_operator import Identity
from tests.contracts.ledgers import LEDGERS, Opener, Wall
from tests.databases import empty_postgres


class Store:
    """One database, and how to open what writes and reads it."""

    def __init__(
        self,
        base: Database,
        *,
        journal: Callable[[], AbstractAsyncContextManager[Journal]],
        identity: Callable[[], AbstractAsyncContextManager[Identity]],
        another: Callable[[], AbstractAsyncContextManager[Database]],
    ) -> None:
        self.base = base
        self.journal = journal
        self.identity = identity
        self._another = another

    async def execute(self, statement: str) -> None:
        """Change the database as another process does."""
        async with self._another() as base:
            await base.write(lambda connection: connection.execute(text(statement)))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what another process finds."""
        async with self._another() as base:
            return [tuple(row) for row in await base.read(lambda connection: connection.execute(text(query)).all())]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give an empty database."""
    async with _sqlite(tmp_path) if request.param == "sqlite" else _postgres() as store:
        yield store


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Store]:
    path = folder / database.FILE
    database.migrate(path)
    async with database.opened(path) as base:
        yield Store(
            base,
            journal=lambda: SqliteJournal(path),
            identity=lambda: _entered(SqliteIdentity(path)),
            another=lambda: database.opened(path),
        )


@asynccontextmanager
async def _postgres() -> AsyncIterator[Store]:
    async with empty_postgres() as uri, database_postgres.opened(uri) as base:
        yield Store(
            base,
            journal=lambda: PostgresJournal(uri, clock=lambda: 0),
            identity=lambda: PostgresIdentity(uri),
            another=lambda: database_postgres.opened(uri),
        )


@asynccontextmanager
async def _entered(identity: SqliteIdentity) -> AsyncIterator[Identity]:
    with identity:
        yield identity


@pytest.fixture
async def journal(store: Store) -> AsyncIterator[Journal]:
    """Give the open journal of the store."""
    async with store.journal() as journal:
        yield journal


@pytest.fixture
def wall() -> Wall:
    """The clock under the ledger."""
    return Wall()


@pytest.fixture(params=LEDGERS, ids=lambda opener: opener.__name__)
def opener(request: pytest.FixtureRequest) -> Opener:
    """Each kind of ledger in turn."""
    kind: Opener = request.param
    return kind


@pytest.fixture
async def ledger(opener: Opener, wall: Wall) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    async with opener(wall) as opened:
        yield opened
