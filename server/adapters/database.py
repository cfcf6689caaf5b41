"""Opens the database, brings its tables up to date and copies it while it is in use.

Here is what differs by dialect, but for the journal, which has one module for each.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from server.adapters.schema import VERSION

FILE: Final = "parley.db"
"""The name of the SQLite file in the data folder."""

BUSY_SECONDS: Final = 5.0
"""How long a writer waits for another process's transaction."""


_WRITES: Final = "SERIALIZABLE"


class NewerDatabase(Exception):  # noqa: N818
    """The database was written by a newer version of this program."""


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


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[AsyncEngine]:
    """Open the SQLite file at `path`, which is up to date, for the time of the context.

    A connection of the engine is in autocommit: each statement sees what is committed at that moment. See `writing`.
    """
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
    )
    event.listen(engine.sync_engine, "connect", _on_connect)
    event.listen(engine.sync_engine, "begin", _on_begin)
    try:
        yield engine
    finally:
        await engine.dispose()


def writing(engine: AsyncEngine) -> AbstractAsyncContextManager[AsyncConnection]:
    """Return a transaction, to be entered: committed when the context is left, undone if that is by an exception."""
    return engine.execution_options(isolation_level=_WRITES).begin()


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


def _version(connection: sqlite3.Connection) -> str | None:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    return str(row[0]) if row else None


def _upgrade(path: Path) -> None:
    # Importing Alembic takes longer than a whole start that has nothing to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    engine = create_engine(URL.create("sqlite", database=str(path))).execution_options(isolation_level=_WRITES)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


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
