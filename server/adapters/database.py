"""What the stores need of a database, and SQLite: opening it, bringing it up to date, copying it while it is in use.

`database_postgres` is the other backend. The journals and identities are beside it: each has one module for each.
"""
# ruff: noqa: D102  # what the methods promise is in `Database`

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.exc import OperationalError

from server.adapters.schema import VERSION
from server.core.ports import StoreAway

FILE: Final = "parley.db"
"""The name of the SQLite file in the data folder."""

BUSY_SECONDS: Final = 5.0
"""How long a writer waits for another process's transaction."""

MIGRATIONS: Final = Path(__file__).with_name("migrations")

_WRITES: Final = "SERIALIZABLE"
_T = TypeVar("_T")


class Database(Protocol):
    """Runs the work of stores. The work is synchronous SQLAlchemy and is run where it keeps nobody else waiting.

    Raises `StoreAway` if the database is out of reach.
    """

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        """Return what `work` reads. It sees what is committed, and may be run again after a lost connection."""

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        """Run `work` as one transaction, which is as if there were no other, and return its result.

        It is undone if it raises. It may be run again where another one came between.
        """


class NewerDatabase(Exception):  # noqa: N818
    """The database was written by a newer version of this program."""


class NotADatabase(Exception):  # noqa: N818
    """The file is something else, or damaged at its beginning."""


def sqlite_connection(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a raw connection in autocommit, usable from any thread but by one at a time.

    A commit is on disk when it returns.
    """
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    if not read_only:
        _durable(connection)
    return connection


def migrate(path: Path) -> bool:
    """Bring the SQLite file at `path` up to date, making it if there is none; return whether anything was to do.

    Quick if nothing is. Raises `NewerDatabase`.
    """
    with closing(sqlite_connection(path)) as connection:
        current = _version(connection)
    if current == VERSION:
        return False
    if current is not None and current > VERSION:
        raise NewerDatabase(f"{path} has version {current}; this program knows versions up to {VERSION}")
    _upgrade(path)
    return True


class SqliteDatabase:
    """A `Database`: a thread that reads and a thread that writes, with a connection each.

    A thread costs a query a third of what an asynchronous driver does.
    """

    def __init__(self, path: Path) -> None:
        self._reader = _engine(path).execution_options(isolation_level="AUTOCOMMIT")
        self._writer = _engine(path).execution_options(isolation_level=_WRITES)
        self._reading = ThreadPoolExecutor(1, "reads")
        self._writing = ThreadPoolExecutor(1, "writes")

    async def read(self, work: Callable[[Connection], _T]) -> _T:
        return await _in_thread(self._reading, self._read, work)

    async def write(self, work: Callable[[Connection], _T]) -> _T:
        return await _in_thread(self._writing, self._write, work)

    def close(self) -> None:
        """Wait for the work that runs."""
        for thread, engine in ((self._reading, self._reader), (self._writing, self._writer)):
            thread.shutdown()
            engine.dispose()

    def _read(self, work: Callable[[Connection], _T]) -> _T:
        with self._reader.connect() as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], _T]) -> _T:
        with self._writer.begin() as connection:
            return work(connection)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open the SQLite file at `path`, which is up to date, for the time of the context."""
    database = SqliteDatabase(path)
    try:
        yield database
    finally:
        await asyncio.to_thread(database.close)


def upgrade(connection: Connection) -> None:
    """Apply the migrations that are missing, in the transaction of the connection."""
    # Importing Alembic takes longer than a whole start that has nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def backup(path: Path, to: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database to the new file `to` while others use it; `progress` hears pages copied and pages in all.

    The copy is of one moment. Raises `FileExistsError`; a copy that fails leaves no file.
    """
    to.touch(exist_ok=False, mode=0o600)
    try:
        with closing(sqlite_connection(path, read_only=True)) as source, closing(sqlite3.connect(to)) as copy:
            source.backup(copy, pages=256, progress=lambda _, left, total: progress(total - left, total))
    except BaseException:
        to.unlink()
        raise


def restore(copy: Path, path: Path) -> None:
    """Make the database at `path` what the file `copy` is, and up to date, whether or not there is one.

    Nobody else may use it. One transaction: what a process that died left in the journal beside the file cannot be
    mixed in, as it would be if the file alone were replaced. Raises `NotADatabase` and `NewerDatabase`.
    """
    with closing(sqlite_connection(copy, read_only=True)) as source:
        try:
            version = _version(source)
        except sqlite3.DatabaseError:
            version = None
        if version is None:
            raise NotADatabase(f"{copy} is not a copy of a Parley database")
        if version > VERSION:
            raise NewerDatabase(f"{copy} has version {version}; this program knows versions up to {VERSION}")
        with closing(sqlite_connection(path)) as target:
            source.backup(target)
    migrate(path)


def _version(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None


def _upgrade(path: Path) -> None:
    engine = _engine(path).execution_options(isolation_level=_WRITES)
    try:
        with engine.begin() as connection:
            upgrade(connection)
    finally:
        engine.dispose()


def _engine(path: Path) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        connect_args={"check_same_thread": False},
        skip_autocommit_rollback=True,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


async def _in_thread(
    thread: ThreadPoolExecutor, run: Callable[[Callable[[Connection], _T]], _T], work: Callable[[Connection], _T]
) -> _T:
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, run, work)
    except OperationalError as failed:
        raise StoreAway(f"the database could not be used: {failed.orig}") from failed


def _on_connect(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    _durable(cursor)
    cursor.close()


def _on_begin(connection: Connection) -> None:
    # Whoever begins a transaction writes: to take the lock at once is to wait for others instead of failing on them.
    if connection.get_execution_options().get("isolation_level") == _WRITES:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _durable(connection: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
