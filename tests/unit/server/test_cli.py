"""The `parley` command as a whole: help, exit codes, where the configuration comes from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from server import __version__
from server.cli import app

HEAVY = ("pydantic", "sqlalchemy", "fastapi", "rich", "yaml", "websockets", "tiktoken", "minijinja")


def commands() -> list[str]:
    """Return every command, as people type it."""
    names = []

    def walk(command: Any, typed: str) -> None:
        if not hasattr(command, "commands"):
            names.append(typed)
            return
        for name, inner in command.commands.items():
            walk(inner, f"{typed} {name}".strip())

    walk(typer.main.get_command(app), "")
    return names


def test_help_is_quick_because_nothing_heavy_is_loaded_for_it() -> None:
    """Commands load what they need when they run."""
    code = f"import server.cli, sys; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.parametrize("command", commands())
def test_every_command_explains_itself(command: str, parley: Any) -> None:
    """`--help` of each command says what it does."""
    ran = parley(*command.split(), "--help")
    assert ran.code == 0
    assert "Usage:" in ran.out


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    """docs/cli.md names each command, and each of its own options."""
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"`parley {command}" in text
    inner: Any = typer.main.get_command(app)
    for name in command.split():
        inner = inner.commands[name]
    for parameter in inner.params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert option in text, f"{command} {option}"


@pytest.mark.parametrize(
    "typed", [["nope"], ["keys", "nope"], ["keys", "create"], ["keys", "create", "--user", "a", "--role", "king"]]
)
def test_what_is_not_understood_is_exit_code_2(typed: list[str], parley: Any) -> None:
    """Usage errors differ from failures, and say where help is."""
    ran = parley(*typed)
    assert (ran.code, ran.out) == (2, "")
    assert "--help" in ran.err or "-h" in ran.err


def test_version(parley: Any) -> None:
    """The version comes as a line, or as JSON."""
    assert parley("version").out == f"parley {__version__}\n"
    assert json.loads(parley("version", "--json").out) == {"version": __version__}


def test_a_configuration_can_be_named_before_or_after_the_command(parley: Any, tmp_path: Path) -> None:
    """`--config` means the same in both places, and the nearer one wins."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(f"public_url: https://{name}.example.org\n", encoding="utf-8")
    assert "https://one.example.org" in parley("--config", "one.yaml", "config", "check").out
    assert "https://two.example.org" in parley("config", "check", "--config", "two.yaml").out
    assert "https://two.example.org" in parley("--config", "one.yaml", "config", "check", "--config", "two.yaml").out
    assert "example.org" not in parley("config", "check").out


def test_a_mistake_in_the_configuration_is_a_line_of_every_command(parley: Any, tmp_path: Path) -> None:
    """No command works with a wrong configuration, and none shows a traceback."""
    (tmp_path / "parley.yaml").write_text("listen: here\n", encoding="utf-8")
    for typed in (["keys", "list"], ["serve"], ["chat"], ["caps", "check"], ["migrate"]):
        ran = parley(*typed)
        assert (ran.code, ran.out) == (1, ""), typed
        assert ran.err.startswith("parley: parley.yaml:1: listen: here is not an address. Write host:port"), typed
        assert "Traceback" not in ran.err
