"""What every upstream promises, asked of each."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from aiohttp import web

from server.adapters.script import Script, after
from server.adapters.upstream_openai import OpenAIUpstream
from server.adapters.upstream_scripted import ScriptedUpstream
from server.core.ports import Batch, Call, Upstream, UpstreamFailed
from server.core.records import Model, Part, Sampling, TextPart, Usage

TEXTS = (
    " Once",
    " upon a ti",
    "me,\n",
    "the fool\N{RIGHT SINGLE QUOTATION MARK}s \N{GRINNING FACE}",
    " ",
    "\t«é»",
    "\r\n\n",
)
USAGE = Usage(input_tokens=12, output_tokens=7, cached_tokens=5, reasoning_tokens=2)
IDLE = 0.3


@dataclass(frozen=True)
class Says:
    role: str
    parts: Sequence[Part]


@dataclass
class Subject:
    """An upstream, the scripts that it answers by, and how to learn that a call was closed at the provider."""

    upstream: Upstream
    scripts: dict[str, Script]
    closed: Callable[[], Awaitable[None]]


@dataclass
class Provider:
    """A server of chat completions that answers by scripts."""

    scripts: dict[str, Script] = field(default_factory=dict)
    echoes: bool = False
    """Whether it repeats the prefix that it is to continue."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._complete(request)
        except (asyncio.CancelledError, ConnectionError):
            self.closed.set()
            raise

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        script = self.scripts[body["model"]]
        if script.status is not None:
            headers = {"retry-after": "60"} if script.status == 429 else {}
            return web.json_response({"error": {"message": "no"}}, status=script.status, headers=headers)
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        chunks = tuple(script.chunks or ())
        last = body["messages"][-1]
        if last["role"] == "assistant" and not self.echoes:
            chunks = after(chunks, last["content"])
        cut = chunks[: body.get("max_tokens")]
        for chunk in cut if script.breaks is None else cut[: script.breaks_at]:
            await response.write(_event({"index": 0, "delta": {"content": chunk}, "finish_reason": None}))
        if script.breaks == "stall":
            await asyncio.Event().wait()
        if script.breaks == "drop" and request.transport:
            request.transport.abort()
            return response
        finish = script.finish if cut == chunks else "length"
        await response.write(_event({"index": 0, "delta": {}, "finish_reason": finish}))
        await response.write(b"data: " + json.dumps({"choices": [], "usage": _counts(script.usage)}).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        return response


def _event(choice: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def _counts(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


@asynccontextmanager
async def openai_subject(*, echoes: bool = False) -> AsyncIterator[Subject]:
    provider = Provider(echoes=echoes)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", provider.complete)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base_url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"

    async def closed() -> None:
        await provider.closed.wait()

    async with OpenAIUpstream(name="openai", base_url=base_url, idle_timeout=IDLE, max_retries=0) as upstream:
        yield Subject(upstream, provider.scripts, closed)
    await runner.cleanup()


@asynccontextmanager
async def scripted_subject() -> AsyncIterator[Subject]:
    scripts: dict[str, Script] = {}

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    async with ScriptedUpstream(scripts=scripts, sleep=at_once) as upstream:

        async def closed() -> None:
            assert (upstream.open, upstream.aborted) == (0, 1)

        yield Subject(upstream, scripts, closed)


SUBJECTS: dict[str, Callable[[], AbstractAsyncContextManager[Subject]]] = {
    "scripted": scripted_subject,
    "openai": openai_subject,
    "openai-that-echoes": partial(openai_subject, echoes=True),
}


@pytest.fixture(params=SUBJECTS)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Each upstream in turn."""
    async with SUBJECTS[request.param]() as subject:
        yield subject


def call(program: str = "p", *, prefix: str = "", limit: int | None = None) -> Call:
    model = Model("local", ("upstream",), program, 4096, prefill=True)
    sampling = Sampling(max_output_tokens=limit)
    return Call(model=model, messages=[Says("user", [TextPart("Go on.")])], sampling=sampling, prefix=prefix)


async def heard(upstream: Upstream, asked: Call) -> list[Batch]:
    async with upstream.answer(asked) as batches:
        return [batch async for batch in batches]


def text_of(batches: Sequence[Batch]) -> str:
    return "".join(batch.text for batch in batches)


async def test_text_comes_byte_for_byte(subject: Subject) -> None:
    """White space, partial words and any script arrive as they were sent, and no batch is empty."""
    subject.scripts["p"] = Script(chunks=TEXTS)
    batches = await heard(subject.upstream, call())
    assert text_of(batches) == "".join(TEXTS)
    assert all(batch.text or batch.finish or batch.usage for batch in batches)


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
async def test_a_finish_reason_comes_once_and_last(subject: Subject, finish: Any) -> None:
    """The finish reason comes once, with or after the last text, and the usage is what the provider counted."""
    subject.scripts["p"] = Script(chunks=TEXTS, finish=finish, usage=USAGE)
    batches = await heard(subject.upstream, call())
    assert [batch.finish for batch in batches if batch.finish] == [finish]
    assert not text_of(batches[[batch.finish for batch in batches].index(finish) + 1 :])
    assert [batch.usage for batch in batches if batch.usage] == [USAGE]


async def test_an_empty_answer_has_a_finish_reason(subject: Subject) -> None:
    """An answer may have no text."""
    subject.scripts["p"] = Script(chunks=())
    batches = await heard(subject.upstream, call())
    assert (text_of(batches), batches[-1].finish) == ("", "stop")


async def test_the_callers_limit_holds(subject: Subject) -> None:
    """An answer that reaches the caller's limit ends there and says so."""
    subject.scripts["p"] = Script(chunks=TEXTS)
    batches = await heard(subject.upstream, call(limit=2))
    assert (text_of(batches), batches[-1].finish) == (" Once upon a ti", "length")


@pytest.mark.parametrize(
    ("status", "code", "elsewhere"),
    [
        (400, "upstream_rejected", False),
        (401, "upstream_unavailable", True),
        (404, "upstream_rejected", False),
        (422, "upstream_rejected", False),
        (429, "upstream_rate_limited", True),
        (500, "upstream_unavailable", True),
    ],
)
async def test_a_refusal_is_known_on_entering(subject: Subject, status: int, code: str, elsewhere: bool) -> None:  # noqa: FBT001
    """A refusal is raised before there is an answer, and says whether another upstream may serve."""
    subject.scripts["p"] = Script(status=status)
    with pytest.raises(UpstreamFailed) as why:
        await subject.upstream.answer(call()).__aenter__()
    assert (why.value.code, why.value.elsewhere) == (code, elsewhere)


@pytest.mark.parametrize(("breaks", "code"), [("drop", "upstream_broke_off"), ("stall", "upstream_timeout")])
async def test_an_answer_that_breaks_gives_what_came(subject: Subject, breaks: Any, code: str) -> None:
    """The text before the break is given, then the failure, which no other upstream can mend."""
    subject.scripts["p"] = Script(chunks=TEXTS, breaks=breaks, breaks_at=3)
    got: list[Batch] = []

    async def hear() -> None:
        async with subject.upstream.answer(call()) as batches:
            async for batch in batches:
                got.append(batch)  # noqa: PERF401  what came before the failure counts

    with pytest.raises(UpstreamFailed) as why:
        await hear()
    assert text_of(got) == "".join(TEXTS[:3])
    assert (why.value.code, why.value.elsewhere) == (code, False)


async def test_a_break_before_the_first_text_may_be_served_elsewhere(subject: Subject) -> None:
    """An answer that has given nothing fails on entering."""
    subject.scripts["p"] = Script(chunks=TEXTS, breaks="drop")
    with pytest.raises(UpstreamFailed) as why:
        await subject.upstream.answer(call()).__aenter__()
    assert why.value.elsewhere


@pytest.mark.parametrize("length", [0, 1, 5, 9, 20])
async def test_a_prefix_is_continued(subject: Subject, length: int) -> None:
    """With a prefix, exactly what follows it is given, wherever the prefix ends."""
    subject.scripts["p"] = Script(chunks=TEXTS)
    whole = "".join(TEXTS)
    batches = await heard(subject.upstream, call(prefix=whole[:length]))
    assert text_of(batches) == whole[length:]
    assert batches[-1].finish == "stop"


async def test_leaving_closes_the_call(subject: Subject) -> None:
    """A caller who leaves mid-answer ends the call at the provider."""
    subject.scripts["p"] = Script(chunks=TEXTS, breaks="stall", breaks_at=3)
    async with subject.upstream.answer(call()) as batches:
        assert (await anext(batches)).text
    async with asyncio.timeout(5):
        await subject.closed()


async def test_what_the_caller_raises_is_the_callers(subject: Subject) -> None:
    """An exception of the caller passes as it is and closes the call."""
    subject.scripts["p"] = Script(chunks=TEXTS, breaks="stall", breaks_at=3)

    async def fail() -> None:
        async with subject.upstream.answer(call()) as batches:
            await anext(batches)
            raise KeyError("mine")

    with pytest.raises(KeyError):
        await fail()
    async with asyncio.timeout(5):
        await subject.closed()


async def test_answers_do_not_mix(subject: Subject) -> None:
    """Each of many calls at once gets its own answer."""
    for number in range(20):
        subject.scripts[f"p{number}"] = Script(chunks=(f"{number}:", *TEXTS))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(heard(subject.upstream, call(f"p{number}"))) for number in range(20)]
    assert [text_of(task.result()) for task in tasks] == [f"{number}:{''.join(TEXTS)}" for number in range(20)]
