"""The commands on PostgreSQL, and on what nodes share."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.databases import blank_postgres
from tests.nodes import emptied_valkey

pytestmark = pytest.mark.services


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A configuration with an empty PostgreSQL and a Valkey; its file."""
    with asyncio.Runner() as runner:
        context = blank_postgres()
        uri = runner.run(context.__aenter__())
        file = tmp_path / "parley.yaml"
        file.write_text(json.dumps({"database": uri, "cluster": emptied_valkey()}), encoding="utf-8")
        try:
            yield file
        finally:
            runner.run(context.__aexit__(None, None, None))


def found(parley: Any, name: str) -> list[tuple[str, str]]:
    """Return what the doctor says of one thing."""
    checks = json.loads(parley("doctor", "--json").out)
    return [(check["state"], check["text"]) for check in checks if check["name"] == name]


def test_commands_work_on_postgresql(parley: Any, shared: Path, tmp_path: Path) -> None:
    """Users, keys and the terminal's own key live in the database; nothing is made in the data folder but the last."""
    assert "is up to date now" in parley("migrate").err
    assert "was up to date" in parley("migrate").err
    assert parley("keys", "create", "--user", "ana", "--tier", "plus").out.startswith("sk-")
    assert [user["name"] for user in json.loads(parley("users", "list", "--json").out)] == ["ana"]
    assert parley("users", "set-tier", "ana", "pro").code == 0
    assert not (tmp_path / "data").exists()


def test_a_postgresql_is_backed_up_with_its_own_tools(parley: Any, shared: Path) -> None:
    """`backup` and `restore` name the tool that does it."""
    assert "pg_dump --format=custom" in parley("backup", "copy.db").err
    assert "pg_restore --clean" in parley("restore", "copy.db").err


def test_the_doctor_looks_at_what_nodes_share(parley: Any, shared: Path) -> None:
    """The database and Valkey are there, before and after the first start made its tables."""
    assert found(parley, "database") == [("ok", "It is empty; the first start makes what it needs.")]
    parley("migrate")
    ((state, text),) = found(parley, "database")
    assert (state, text.startswith("It is sound and up to date")) == ("ok", True)
    assert found(parley, "cluster") == [("ok", "It answers.")]
    assert (found(parley, "lock"), found(parley, "data folder")) == ([], [])


def test_the_doctor_warns_of_a_valkey_that_forgets(parley: Any, shared: Path) -> None:
    """A server that gives up keys when it is full would give up caps."""
    address = json.loads(shared.read_text(encoding="utf-8"))["cluster"].replace("valkey", "redis", 1)
    with redis.Redis.from_url(address) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            ((state, text),) = found(parley, "cluster")
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert (state, "allkeys-lru" in text) == ("warn", True)


@pytest.mark.parametrize("command", [["serve"], ["keys", "list"], ["migrate"]])
def test_a_database_that_is_away_is_one_line(parley: Any, tmp_path: Path, command: list[str]) -> None:
    """Whoever cannot reach the database is told so, without a traceback."""
    away = {"database": "postgresql://ana:s3cret@127.0.0.1:1/parley", "cluster": "redis://127.0.0.1:1"}
    (tmp_path / "parley.yaml").write_text(json.dumps(away), encoding="utf-8")
    ran = parley(*command)
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "the database is out of reach" in ran.err
    assert "s3cret" not in ran.err
    assert [state for name in ("database", "cluster") for state, _ in found(parley, name)] == ["fail", "fail"]
