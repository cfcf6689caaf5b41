"""The care of the database."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from server.adapters.data_lock import locked


def test_migrate_makes_the_database_once(parley: Any, tmp_path: Path) -> None:
    """The second time there is nothing to do; the folder is for its owner alone."""
    assert "is up to date now" in parley("migrate").err
    assert "was up to date" in parley("migrate").err
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_backup_has_what_the_database_has(parley: Any, tmp_path: Path) -> None:
    """The copy opens by itself and holds the users."""
    parley("keys", "create", "--user", "ana")
    ran = parley("backup", "copy.db")
    assert (ran.code, ran.out) == (0, "")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT name FROM users").fetchall() == [("ana",)]


def test_a_backup_overwrites_nothing(parley: Any, tmp_path: Path) -> None:
    """An existing file, a folder and an absent database are told."""
    assert "nothing to back up" in parley("backup", "copy.db").err
    parley("migrate")
    (tmp_path / "copy.db").write_text("mine", encoding="utf-8")
    ran = parley("backup", "copy.db")
    assert (ran.code, ran.err) == (1, "parley: copy.db exists and is not overwritten. Name a new file.\n")
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "mine"
    assert "Name a file in it: data/parley.db" in parley("backup", "data").err


def test_a_backup_can_be_restored(parley: Any, tmp_path: Path) -> None:
    """Into an empty folder, or over a database if that is said."""
    parley("keys", "create", "--user", "ana")
    parley("backup", "copy.db")
    parley("keys", "create", "--user", "bob")
    assert "Add --replace to give it up" in parley("restore", "copy.db").err
    assert "bob" in parley("users", "list").out
    ran = parley("restore", "copy.db", "--replace")
    assert (ran.code, ran.out, ran.err) == (0, "", "data/parley.db is as it was in copy.db.\n")
    assert "bob" not in parley("users", "list").out
    (tmp_path / "parley.yaml").write_text("data: elsewhere\n", encoding="utf-8")
    assert parley("restore", "copy.db").code == 0
    assert "ana" in parley("users", "list").out


def test_what_cannot_be_restored_is_told(parley: Any, tmp_path: Path) -> None:
    """A running server, an absent file and a file that is no backup change nothing."""
    parley("migrate")
    parley("backup", "copy.db")
    with locked(tmp_path / "data"):
        assert "is in use by process" in parley("restore", "copy.db", "--replace").err
    assert "There is no file nowhere.db." in parley("restore", "nowhere.db").err
    (tmp_path / "copy.db").write_text("not a database" * 99, encoding="utf-8")
    ran = parley("restore", "copy.db", "--replace")
    assert ran.err == ("parley: copy.db is not a copy of a Parley database. Name a file that `parley backup` wrote.\n")
