"""What a newcomer is told when the server starts, and why it does not."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from server.adapters.data_lock import locked
from server.cli.serve import chat_command, login_command, welcome_text
from server.settings import Settings, load

ADDRESS = "http://127.0.0.1:8000"


def welcome(settings: Settings) -> str:
    """Return the welcome of a server at its usual address."""
    return welcome_text(settings, ADDRESS, "sk-1", code="c0de", chat="parley chat", login="parley login")


def test_the_welcome_has_the_address_and_a_key_ready_to_use() -> None:
    """Every snippet can be pasted as it is; the demonstration model says what it is."""
    text = welcome(load(None, {}))
    assert f"curl {ADDRESS}/v1/chat/completions" in text
    assert f'base_url="{ADDRESS}/v1"' in text
    assert text.count("sk-1") == 2
    assert '"model": "local"' in text
    assert "small demonstration model" in text
    assert f"  {ADDRESS}/login#c0de\n" in text


def test_the_welcome_fits_a_terminal() -> None:
    """A key of the usual length breaks no line of 80 columns."""
    commands = {"chat": ".venv/bin/parley chat", "login": ".venv/bin/parley login --role operator"}
    text = welcome_text(load(None, {}), ADDRESS, "sk-" + 43 * "x", code=43 * "x", **commands)
    assert max(map(len, text.splitlines())) <= 80


def test_a_real_model_is_not_called_a_demonstration(tmp_path: Path) -> None:
    """The hint goes when the default model is the operator's own."""
    config = tmp_path / "parley.yaml"
    config.write_text("upstreams: { local: { base_url: http://127.0.0.1:9/v1 } }\n", encoding="utf-8")
    assert "demonstration" not in welcome(load(config, {}))


@pytest.mark.parametrize(
    ("config", "address", "environ", "options"),
    [
        (None, ADDRESS, {}, ""),
        (Path("my own.yaml"), ADDRESS, {}, " --config 'my own.yaml'"),
        (None, "http://127.0.0.1:45678", {}, " --url http://127.0.0.1:45678 --key sk-1"),
        (None, ADDRESS, {"PARLEY_DATA": "elsewhere"}, f" --url {ADDRESS} --key sk-1"),
    ],
)
def test_the_other_terminal_finds_this_server(
    config: Path | None, address: str, environ: dict[str, str], options: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says what the other terminal does not know: the file, or what only the environment said."""
    monkeypatch.setattr("sys.argv", [".venv/bin/parley"])
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = load(None, environ)
    assert chat_command(settings, config, address, "sk-1") == f".venv/bin/parley chat{options}"


def test_another_link_is_for_this_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command says what only this terminal's environment said, and which configuration holds."""
    monkeypatch.setattr("sys.argv", [".venv/bin/parley"])
    assert login_command(None) == ".venv/bin/parley login --role operator"
    monkeypatch.setenv("PARLEY_DATA", "my data")
    command = login_command(Path("my.yaml"))
    assert command == "PARLEY_DATA='my data' .venv/bin/parley login --role operator --config my.yaml"


def test_a_second_server_on_one_folder_is_refused_in_a_line(parley: Any, tmp_path: Path) -> None:
    """The line names the process that has the folder."""
    parley("migrate")
    with locked(tmp_path / "data"):
        ran = parley("serve")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("parley: data is in use by process ")
    assert ran.err.count("\n") == 1


def test_an_address_in_use_is_told_in_a_line(parley: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says what to type instead."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        monkeypatch.setenv("PARLEY_LISTEN", f"127.0.0.1:{port}")
        ran = parley("serve", "--welcome")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"parley: 127.0.0.1:{port} cannot be used (Address already in use). Stop what uses it")
    assert f"PARLEY_LISTEN=127.0.0.1:{port + 1}" in ran.err
    assert ran.err.count("\n") == 1


def test_a_database_of_a_newer_version_is_told_in_a_line(parley: Any, tmp_path: Path) -> None:
    """Nothing is started on it."""
    parley("migrate")
    with closing(sqlite3.connect(tmp_path / "data" / "parley.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'zzzz'")
    ran = parley("serve")
    assert (ran.code, ran.out) == (1, "")
    assert "Install the newer version" in ran.err


def test_ctrl_c_ends_it_without_a_fault(parley: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping the server by hand is no failure."""

    def interrupted(_settings: Settings, *, ready: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("server.serving.serve", interrupted)
    monkeypatch.setenv("PARLEY_LISTEN", "127.0.0.1:0")
    ran = parley("serve")
    assert (ran.code, ran.out, ran.err) == (0, "", "Stopped.\n")
