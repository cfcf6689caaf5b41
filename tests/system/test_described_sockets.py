"""What programs make of the description of the sockets: the official parser, and types for TypeScript."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server.edge import asyncapi

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "tests" / "clients"
TYPES = ROOT / "web" / "client" / "protocol.generated.ts"
NODE = shutil.which("node", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")


def node(script: str, *arguments: str, told: str = "") -> subprocess.CompletedProcess[str]:
    """Run a script with the packages of tests/clients; `make test` installs them."""
    assert NODE is not None
    return subprocess.run(
        [NODE, script, *arguments], cwd=CLIENTS, input=told, capture_output=True, text=True, check=False
    )


def compiled(folder: Path, types: str) -> subprocess.CompletedProcess[str]:
    """Compile the client in tests/clients against `types`, strictly."""
    source = (
        (CLIENTS / "reads.ts")
        .read_text(encoding="utf-8")
        .replace("../../web/client/protocol.generated.js", "./protocol.js")
    )
    (folder / "reads.ts").write_text(source, encoding="utf-8")
    (folder / "protocol.ts").write_text(types, encoding="utf-8")
    options = ("--strict", "--noEmit", "--ignoreConfig", "--module", "nodenext", "--exactOptionalPropertyTypes")
    return node("node_modules/typescript/bin/tsc", *options, str(folder / "reads.ts"))


def test_the_official_parser_accepts_the_description() -> None:
    """`@asyncapi/parser` finds nothing to say, not even a warning."""
    run = node("parses.mjs", told=asyncapi.text())
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_official_parser_refuses_another_document() -> None:
    """It would say so: a description with an operation that leads nowhere does not pass."""
    run = node("parses.mjs", told=asyncapi.text().replace('"#/channels/responses"', '"#/channels/nothing"'))
    assert run.returncode == 1
    assert "nothing" in run.stdout


def test_the_types_of_the_web_client_are_made_of_the_description() -> None:
    """`make describe` writes them; what is there is what it would write."""
    run = node("types.mjs", told=asyncapi.text())
    assert run.stdout == TYPES.read_text(encoding="utf-8"), run.stderr


def test_a_client_compiles_against_the_types(tmp_path: Path) -> None:
    """A client that tells frames apart by their type compiles under `strict`."""
    run = compiled(tmp_path, TYPES.read_text(encoding="utf-8"))
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("member", ["delta", "next_at", "stream_id"])
def test_a_renamed_member_fails_the_build(tmp_path: Path, member: str) -> None:
    """A member that the server would call otherwise is an error of the compiler, not a surprise of a user."""
    renamed = asyncapi.text().replace(f'"{member}"', '"renamed"')
    run = compiled(tmp_path, node("types.mjs", told=renamed).stdout)
    assert run.returncode != 0
    assert member in run.stdout
