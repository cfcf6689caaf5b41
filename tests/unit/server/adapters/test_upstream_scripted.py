from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from server.adapters.script import DEMONSTRATION
from server.adapters.upstream_scripted import ScriptedUpstream
from server.core.ports import Batch, Call, UpstreamFailed
from server.core.records import ImagePart, Model, Part, Sampling, TextPart, Usage


@dataclass(frozen=True)
class Says:
    role: str
    parts: Sequence[Part]


def call(program: str, *messages: Says, prefix: str = "") -> Call:
    model = Model("local", ("scripted",), program, 4096)
    return Call(model=model, messages=messages, sampling=Sampling(), prefix=prefix)


class Waits(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


async def heard(upstream: ScriptedUpstream, asked: Call) -> list[Batch]:
    async with upstream.answer(asked) as batches:
        return [batch async for batch in batches]


async def test_paces_itself_by_the_program() -> None:
    """It waits once before the first batch and once between batches, as the program says."""
    waits = Waits()
    batches = await heard(ScriptedUpstream(sleep=waits), call("t5-f100-d20-w2"))
    assert [batch.text for batch in batches] == [" 0000 0001", " 0002 0003", " 0004", ""]
    assert waits == [0.1, 0.02, 0.02]


async def test_echoes_the_last_user_message() -> None:
    """The echo is the text of the newest user message, byte for byte."""
    asked = call(
        "echo", Says("user", [TextPart("no")]), Says("user", [TextPart(" a\n b "), ImagePart("i"), TextPart("c")])
    )
    batches = await heard(ScriptedUpstream(), asked)
    assert "".join(batch.text for batch in batches) == " a\n b c"


async def test_says_that_it_is_scripted() -> None:
    """Without a program the answer says what it is."""
    batches = await heard(ScriptedUpstream(), call("scripted"))
    assert "".join(batch.text for batch in batches) == DEMONSTRATION


async def test_counts_words_and_chunks_as_tokens() -> None:
    """The usage of a program is the words of the prompt and the chunks of the answer."""
    asked = call("t4", Says("system", [TextPart("Be kind.")]), Says("user", [TextPart("Hi")]), prefix=" 0000")
    batches = await heard(ScriptedUpstream(), asked)
    assert batches[-1] == Batch("", "stop", Usage(input_tokens=4, output_tokens=3))


async def test_remembers_its_calls() -> None:
    """Calls are kept, running ones are counted, and those left early are counted as aborted."""
    upstream = ScriptedUpstream()
    async with upstream.answer(call("t9")) as batches:
        await anext(batches)
        assert (upstream.open, upstream.aborted) == (1, 0)
    assert (upstream.open, upstream.aborted) == (0, 1)
    await heard(upstream, call("t2"))
    with pytest.raises(UpstreamFailed):
        await heard(upstream, call("err500"))
    assert [asked.model.upstream_id for asked in upstream.calls] == ["t9", "t2", "err500"]
    assert (upstream.open, upstream.aborted) == (0, 1)


async def test_a_stall_waits_for_the_idle_timeout() -> None:
    """A stalled answer fails after the time that a real one would."""
    waits = Waits()
    with pytest.raises(UpstreamFailed) as why:
        await heard(ScriptedUpstream(sleep=waits, idle_timeout=7.0), call("t3-stall-at1"))
    assert (why.value.code, waits[-1]) == ("upstream_timeout", 7.0)
