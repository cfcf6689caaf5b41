"""Opening and migrating PostgreSQL, and what becomes of work whose connection or luck is lost."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import Connection, insert, select, text

from server.adapters import database_postgres, schema
from server.adapters.database import Database, NewerDatabase
from server.adapters.database_postgres import ATTEMPTS, Queries, migrate, opened
from server.adapters.meta_sql import kept
from tests.databases import blank_postgres, empty_postgres

pytestmark = pytest.mark.services

NOWHERE = "postgresql://postgres@127.0.0.1:1/postgres"
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2"""
INDEXES = """
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1"""
END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
async def uri() -> AsyncIterator[str]:
    async with empty_postgres() as uri:
        yield uri


@pytest.fixture
async def base(uri: str) -> AsyncIterator[Database]:
    async with opened(uri) as base:
        yield base


async def tables(base: Database) -> list[list[tuple[object, ...]]]:
    return [
        [tuple(row) for row in await base.read(lambda connection, query=query: connection.execute(text(query)).all())]  # type: ignore[misc]
        for query in (COLUMNS, INDEXES)
    ]


async def end_connections(uri: str) -> None:
    """Do to every connection what a restart of the server does."""
    connection = await asyncpg.connect(uri)
    await connection.execute(END_OTHERS)
    await connection.close()


async def test_the_migrations_make_the_tables_of_the_schema(base: Database) -> None:
    """A database that was migrated has the columns and indexes of one that is made from the schema."""
    async with blank_postgres() as uri, opened(uri) as made:
        await made.write(schema.metadata.create_all)
        assert await tables(base) == await tables(made)


async def test_processes_that_start_together_migrate_once() -> None:
    """Nobody fails, and afterwards nothing is to do."""
    async with blank_postgres() as uri:
        assert any(await asyncio.gather(*(migrate(uri) for _ in range(3))))
        assert not await migrate(uri)


async def test_a_database_of_a_newer_program_is_refused(uri: str, base: Database) -> None:
    """It is left as it is, and the error says both versions."""
    await base.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(NewerDatabase, match=f"9999.*{schema.VERSION}"):
        await migrate(uri)


async def test_a_server_that_is_not_there_is_an_os_error() -> None:
    """Whoever reads, writes or migrates need not know the driver's errors."""
    async with opened(NOWHERE) as base, Queries(NOWHERE) as queries:
        with pytest.raises(OSError, match="out of reach"):
            await base.read(lambda connection: connection.scalar(select(1)))
        with pytest.raises(OSError, match="out of reach"):
            await base.write(lambda connection: connection.scalar(select(1)))
        with pytest.raises(OSError, match="out of reach"):
            await queries.rows("SELECT 1")
    with pytest.raises(OSError, match="out of reach"):
        await migrate(NOWHERE)


async def test_connections_that_ended_are_replaced(uri: str, base: Database) -> None:
    """After a restart of the server the first query of each kind works."""
    async with Queries(uri) as queries:
        for _ in range(2):
            assert await base.read(lambda connection: connection.scalar(select(1))) == 1
            assert await base.write(lambda connection: connection.scalar(select(1))) == 1
            assert [tuple(row) for row in await queries.rows("SELECT 1")] == [(1,)]
            await end_connections(uri)


async def test_a_fault_of_the_work_is_its_own(base: Database) -> None:
    """It is raised as it is, and what was written before it is undone."""

    def write_and_raise(connection: Connection) -> None:
        connection.execute(insert(schema.meta).values(key="k", value=b"v"))
        raise LookupError

    with pytest.raises(LookupError):
        await base.write(write_and_raise)
    assert await base.read(lambda connection: connection.scalar(select(schema.meta.c.value))) is None


async def test_transactions_are_as_if_there_were_no_other(base: Database) -> None:
    """Of those that read the same value and write the next one, none is lost."""
    await base.write(lambda connection: connection.execute(insert(schema.meta).values(key="n", value=b"0")))

    def add(connection: Connection) -> None:
        number = int(connection.scalar(select(schema.meta.c.value)) or b"0")
        connection.execute(schema.meta.update().values(value=str(number + 1).encode()))

    await asyncio.gather(*(base.write(add) for _ in range(database_postgres.POOL)))
    value = await base.read(lambda connection: connection.scalar(select(schema.meta.c.value)))
    assert value == str(database_postgres.POOL).encode()


async def test_work_that_never_gets_through_is_given_up(base: Database) -> None:
    """It is tried a number of times, and then the last error is raised."""
    tried = []

    def disturbed(connection: Connection) -> None:
        tried.append(1)
        connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(Exception, match="again"):
        await base.write(disturbed)
    assert len(tried) == ATTEMPTS


async def test_a_value_is_made_once(base: Database) -> None:
    """Processes that ask for it at once get what the first one made."""
    made = await asyncio.gather(*(kept(base, "secret", lambda value=bytes([n]): value) for n in range(5)))  # type: ignore[misc]
    assert len(set(made)) == 1
