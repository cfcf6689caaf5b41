"""One run of the load client against one server: what is asked, and what it measured."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.prepared import LOAD

LOAD_CORE = "1"


class LoadFailed(Exception):  # noqa: N818  named for what happened, as the server names its own
    """The client gave up; the text is the first error that it saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where and how a server is asked for an answer."""

    port: int
    mode: str
    """`ws` or `sse`."""
    path: str
    pid: int = 0
    """The process whose CPU time and memory are read; 0 reads none."""
    keys: Path | None = None
    """A file with one key a line: connection i is made with key i, and round again."""
    stretch: int = 1
    """How many times longer than others it is watched: a slow server may deliver nothing in a short window."""
    done: str | None = None
    """What the last message of an answer contains, where it is not `"done"`."""


def body(model: str) -> str:
    """Return a request that every server under test understands."""
    asked = {"type": "chat", "model": model, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    return json.dumps(asked, separators=(",", ":"))


def measure(door: Door, model: str, callers: int, *options: str | float, mode: str | None = None) -> Mapping[str, Any]:
    """Let `callers` ask for `model` and return its figures; every transcript is checked, character by character.

    Raises `LoadFailed`.
    """
    tokens = re.search(r"-t(\d+)", model)
    command: list[Any] = ["taskset", "-c", LOAD_CORE, LOAD, "--mode", mode or door.mode, "--port", door.port]
    command += ["--path", door.path, "--body", body(model), "--conc", callers, "--pid", door.pid]
    command += ["--tokens", tokens[1] if tokens else 200]
    command += ["--keys", door.keys] if door.keys else []
    command += ["--done", door.done] if door.done else []
    return _figures([str(part) for part in [*command, *options]])


def _figures(command: Sequence[str]) -> Mapping[str, Any]:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed("no end within 300 s") from error
    if ended.returncode:
        raise LoadFailed(ended.stderr.strip()[-300:] or f"exit code {ended.returncode}")
    figures: Mapping[str, Any] = json.loads(ended.stdout)
    return figures
