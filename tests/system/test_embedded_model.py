"""The embedded model with its real weights."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from server.adapters import embedded_child
from server.adapters.upstream_embedded import EmbeddedUpstream, installed_weights
from server.core.functions import Format
from server.core.ports import Batch, Call, UpstreamFailed
from server.core.records import Model, Part, Sampling, TextPart

pytestmark = pytest.mark.model

MODEL = Model("local", ("local",), "", 4096, prefill=True, demonstration=True)


@dataclass(frozen=True)
class Says:
    role: str
    parts: Sequence[Part]


HOUSE = Says("system", [TextPart("You are the assistant of this house. You are kind and brief. " * 8)])


def call(question: str, *, prefix: str = "", limit: int = 24) -> Call:
    sampling = Sampling(max_output_tokens=limit, temperature=0.0)
    return Call(model=MODEL, messages=[HOUSE, Says("user", [TextPart(question)])], sampling=sampling, prefix=prefix)


async def heard(upstream: EmbeddedUpstream, asked: Call) -> Batch:
    async with upstream.answer(asked) as batches:
        got = [batch async for batch in batches]
    assert [batch.finish is None for batch in got] == [True] * (len(got) - 1) + [False]
    return Batch("".join(batch.text for batch in got), got[-1].finish, got[-1].usage)


@pytest.fixture
def died() -> asyncio.Event:
    """Set when a child has died."""
    return asyncio.Event()


@pytest.fixture
async def upstream(died: asyncio.Event) -> AsyncIterator[EmbeddedUpstream]:
    """The model, ready and with the house read ahead."""

    async def pause(_: float) -> None:
        died.set()

    async with EmbeddedUpstream(warm=[[HOUSE]], sleep=pause) as upstream:
        async with asyncio.timeout(120):
            await upstream.ready.wait()
        yield upstream


async def test_answers_continues_and_comes_back(upstream: EmbeddedUpstream, died: asyncio.Event) -> None:
    """It answers with usage and a reason, continues a prefix byte for byte, and is started again after a kill."""
    hello = await heard(upstream, call("Say hello."))
    assert hello.text
    assert hello.finish in {"stop", "length"}
    assert hello.usage is not None
    assert 0 < hello.usage.output_tokens <= 24
    # The house was read before the first question came.
    assert hello.usage.cached_tokens > hello.usage.input_tokens // 2

    counted = await heard(upstream, call("Count from one to ten in words.", prefix="One, two, three,"))
    assert counted.text.startswith(" four")

    assert upstream.pid is not None
    os.kill(upstream.pid, signal.SIGKILL)
    async with asyncio.timeout(120):
        await died.wait()
        await upstream.ready.wait()
    assert (await heard(upstream, call("Say hello."))).text == hello.text
    assert upstream.starts == 2


async def test_leaving_stops_the_model(upstream: EmbeddedUpstream) -> None:
    """A caller who leaves mid-answer leaves no work behind, so the next one is served at once."""
    async with upstream.answer(call("Write a long story.", limit=512)) as batches:
        await anext(batches)
    idle = 0
    async with asyncio.timeout(20):
        before = _ticks(upstream)
        while idle < 3:
            await asyncio.sleep(0.1)
            now = _ticks(upstream)
            idle = idle + 1 if now == before else 0
            before = now


async def test_a_prompt_that_does_not_fit_is_rejected(upstream: EmbeddedUpstream) -> None:
    """More than the context is the caller's mistake, and the child lives on."""
    with pytest.raises(UpstreamFailed) as why:
        await heard(upstream, call("word " * 5000))
    assert (why.value.code, why.value.elsewhere) == ("upstream_rejected", False)
    assert (await heard(upstream, call("Say hello."))).text


def test_the_child_ends_with_its_parent() -> None:
    """When standard input closes, as it does when the parent is killed, a serving child ends."""
    order = {"weights": str(installed_weights()), "alias": "m", "context": 64, "parallel": 1, "max_output": 8}
    order |= {"cache_mib": 0, "threads": 1, "key": "k"}
    command = [sys.executable, "-P", embedded_child.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()
        assert "address" in json.loads(child.stdout.readline())
        child.stdin.close()
        assert child.wait(timeout=20) == 0


def _ticks(upstream: EmbeddedUpstream) -> int:
    fields = (Path("/proc") / str(upstream.pid) / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def test_an_answer_follows_a_schema(upstream: EmbeddedUpstream) -> None:
    """An answer that has to follow a JSON schema is an object of it."""
    schema = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}
    sampling = Sampling(
        max_output_tokens=60, temperature=0.0, format=Format(type="json_schema", name="city", schema=schema)
    )
    said = await heard(upstream, replace(call("Name a city in France."), sampling=sampling))
    assert isinstance(json.loads(said.text)["city"], str)
