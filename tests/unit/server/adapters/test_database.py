"""Opening, migrating and copying the database."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, select

from server.adapters import database, schema
from server.adapters.database import Database, NewerDatabase, NotADatabase, backup, migrate, opened, restore

VALUE = {"key": "k", "value": b"v"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / database.FILE
    migrate(path)
    return path


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    written = {" ".join(sql.replace("(", " ( ").replace(")", " ) ").split()) for (sql,) in rows}
    return {sql for sql in written if "alembic_version" not in sql and "sqlite_sequence" not in sql}


def test_the_migrations_make_the_tables_of_the_schema(path: Path, tmp_path: Path) -> None:
    """A database that was migrated and one that is made from the schema do not differ in a letter."""
    made = tmp_path / "made.db"
    engine = create_engine(f"sqlite:///{made}")
    schema.metadata.create_all(engine)
    engine.dispose()
    assert tables(path) == tables(made)


def test_the_version_is_that_of_the_newest_migration() -> None:
    """A start without work to do knows that from one look."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.VERSION


def test_a_database_is_migrated_once(tmp_path: Path) -> None:
    """The first call makes the tables, the second finds nothing to do."""
    path = tmp_path / database.FILE
    assert migrate(path)
    assert not migrate(path)


def test_a_database_of_a_newer_program_is_refused(path: Path) -> None:
    """It is left as it is, and the error says both versions."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerDatabase, match=f"9999.*{schema.VERSION}"):
        migrate(path)


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path) -> None:
    """Question marks, number signs and per cent signs are letters of a file's name."""
    folder = tmp_path / "what? #1 100%20"
    folder.mkdir()
    migrate(folder / database.FILE)
    assert (folder / database.FILE).exists()


async def test_every_commit_is_on_disk(path: Path) -> None:
    """Each connection writes ahead, waits for the disk and minds foreign keys."""

    def settings(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    async with opened(path) as base:
        assert await base.read(settings) == await base.write(settings) == ["wal", 2, 1, 5000]


async def test_a_transaction_is_seen_when_it_has_ended(path: Path) -> None:
    """Others see nothing of it before and all of it after."""
    seen: list[object] = []

    def write_and_look(connection: Connection) -> None:
        connection.execute(insert(schema.meta).values(**VALUE))
        with closing(sqlite3.connect(path)) as other:
            seen.append(other.execute("SELECT value FROM meta").fetchone())

    async with opened(path) as base:
        await base.write(write_and_look)
        assert seen == [None]
        assert await value(base) == b"v"


async def test_a_transaction_that_raises_is_undone(path: Path) -> None:
    """Nothing of it is stored, and the connection can be used again."""

    def write_and_raise(connection: Connection) -> None:
        connection.execute(insert(schema.meta).values(**VALUE))
        raise LookupError

    async with opened(path) as base:
        for _ in range(2):
            with pytest.raises(LookupError):
                await base.write(write_and_raise)
        assert await value(base) is None


async def test_a_database_that_cannot_be_used_is_an_os_error(path: Path) -> None:
    """Whoever reads or writes need not know the driver's errors."""
    async with opened(path) as base:
        assert await value(base) is None
        with closing(sqlite3.connect(path)) as other:
            other.execute("ALTER TABLE meta RENAME TO gone")
        with pytest.raises(OSError, match="meta"):
            await value(base)


async def value(base: Database) -> object:
    """Return the one value that is stored."""
    return await base.read(lambda connection: connection.scalar(select(schema.meta.c.value)))


def test_a_copy_is_made_while_others_write(path: Path, tmp_path: Path) -> None:
    """The copy is a whole database of one moment, only its owner can read it, and progress ends at all pages."""
    heard: list[tuple[int, int]] = []
    with closing(database.sqlite_connection(path)) as connection:
        connection.execute("INSERT INTO meta VALUES ('k', ?)", (bytes(3_000_000),))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO meta VALUES ('later', x'00')")
        backup(path, tmp_path / "copy.db", lambda done, total: heard.append((done, total)))
    assert heard[-1][0] == heard[-1][1] > 0
    assert len(heard) > 1
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT key FROM meta").fetchall() == [("k",)]


def test_a_copy_never_overwrites(path: Path, tmp_path: Path) -> None:
    """A file that exists stays as it is."""
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(FileExistsError):
        backup(path, tmp_path / "copy.db", lambda *_: None)
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_copy_that_fails_leaves_no_file(path: Path, tmp_path: Path) -> None:
    """Whoever finds a file finds a whole copy."""

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(path, tmp_path / "copy.db", stop)
    assert not (tmp_path / "copy.db").exists()


DIES = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("INSERT INTO meta VALUES ('lost', x'00')")
os.kill(os.getpid(), 9)
"""


def test_a_restored_copy_is_all_there_is(path: Path, tmp_path: Path) -> None:
    """What came after the copy is gone, also if the process that wrote it was killed before the file had it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO meta VALUES ('kept', x'00')")
    backup(path, tmp_path / "copy.db", lambda *_: None)
    subprocess.run([sys.executable, "-c", DIES, str(path)], check=False)
    assert path.with_name(f"{path.name}-wal").stat().st_size
    restore(tmp_path / "copy.db", path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT key FROM meta").fetchall() == [("kept",)]


def test_only_copies_that_this_program_knows_are_restored(path: Path, tmp_path: Path) -> None:
    """Anything else leaves the database as it is."""
    copy = tmp_path / "copy.db"
    copy.write_text("not a database" * 99)
    with pytest.raises(NotADatabase):
        restore(copy, path)
    copy.unlink()
    backup(path, copy, lambda *_: None)
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'zzzz'")
    with pytest.raises(NewerDatabase):
        restore(copy, path)
    assert migrate(path) is False
