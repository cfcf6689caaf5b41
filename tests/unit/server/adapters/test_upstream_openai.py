import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from server.adapters import upstream_openai, upstream_reading
from server.adapters.upstream_openai import OpenAIUpstream
from server.core.ports import Batch, Call, UpstreamFailed
from server.core.records import Model, Part, Sampling, TextPart

KEY = "sk-very-secret-key"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
SILENCE = "the provider says nothing until the caller leaves"
PAUSE = "the loop turns, so that what was written is read by itself"
RESET = "the provider resets the connection"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def said(text: str) -> bytes:
    return chunk(b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n")


FINISH = chunk(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
DONE = chunk(b"data: [DONE]\n\n")
WHOLE = [STREAM, said("Hello"), FINISH + DONE + END]


def plain(status: int, body: bytes = b"{}", **headers: str) -> list[bytes | str]:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{lines}\r\n"
    return [head.encode() + body]


@dataclass
class Provider:
    """A server that gives one prepared reply after the other."""

    replies: list[Sequence[bytes | str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.replies:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                self.heads.append(head)
                length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                self.bodies.append(json.loads(await reader.readexactly(length)))
                self.asked.set()
                for step in self.replies.pop(0):
                    if step is SILENCE:
                        await reader.read(1)
                        self.left.set()
                    elif step is PAUSE:
                        await asyncio.sleep(0)
                    elif step is RESET:
                        writer.transport.abort()
                        return
                    elif isinstance(step, bytes):
                        writer.write(step)
                        await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """A provider on a port of its own."""
    provider = Provider()
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.port = server.sockets[0].getsockname()[1]
    yield provider
    server.close()


@dataclass(frozen=True)
class Says:
    role: str
    parts: Sequence[Part]


def call(prefix: str = "") -> Call:
    model = Model("gpt-4", ("openai",), "gpt-5.5", 128_000)
    return Call(model=model, messages=[Says("user", [TextPart("Hi")])], sampling=Sampling(), prefix=prefix)


def upstream(provider: Provider, **options: Any) -> OpenAIUpstream:
    given: dict[str, Any] = {"api_key": KEY, "base_url": f"http://127.0.0.1:{provider.port}/v1"}
    return OpenAIUpstream(name="openai", **(given | options))


async def heard(asked: OpenAIUpstream, prefix: str = "") -> Batch:
    """Return the whole answer; how it was cut is a matter of the network."""
    async with asked.answer(call(prefix)) as batches:
        got = [batch async for batch in batches]
    assert all(batch.text or batch.finish for batch in got)
    assert [batch.finish is None for batch in got] == [True] * (len(got) - 1) + [False]
    return Batch("".join(batch.text for batch in got), got[-1].finish, got[-1].usage)


async def failed(asked: OpenAIUpstream) -> UpstreamFailed:
    with pytest.raises(UpstreamFailed) as why:
        await heard(asked)
    return why.value


async def test_asks_as_openai_is_asked(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call goes to chat/completions with its key, and nothing of the environment's goes with it."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-another")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-another")
    provider.replies = [WHOLE]
    async with upstream(provider) as asked:
        assert await heard(asked) == Batch("Hello", "stop")
    head = provider.heads[0]
    assert head.startswith("post /v1/chat/completions http/1.1")
    assert f"authorization: bearer {KEY}" in head
    assert "of-another" not in head
    assert provider.bodies[0]["model"] == "gpt-5.5"
    assert provider.bodies[0]["stream_options"] == {"include_usage": True}


async def test_a_server_without_keys_gets_nobodys_key(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key of its own, an upstream is not sent the environment's."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    provider.replies = [WHOLE]
    async with upstream(provider, api_key=None) as asked:
        await heard(asked)
    assert KEY not in provider.heads[0]


async def test_uses_a_connection_again(provider: Provider) -> None:
    """Answers that were read to their end leave the connection for the next call."""
    provider.replies = [WHOLE, WHOLE, WHOLE]
    async with upstream(provider) as asked:
        for _ in range(3):
            await heard(asked)
    assert provider.connections == 1


async def test_can_do_without_keep_alive(provider: Provider) -> None:
    """A server that closes its connections anyway is told that they are not needed."""
    provider.replies = [WHOLE]
    async with upstream(provider, keep_alive=False) as asked:
        await heard(asked)
    assert "connection: close" in provider.heads[0]


async def test_leaving_early_closes_the_connection(provider: Provider) -> None:
    """A caller who leaves mid-answer ends the call at the provider."""
    provider.replies = [[STREAM, said("Hello"), SILENCE]]
    async with upstream(provider) as asked:
        async with asked.answer(call()) as batches:
            assert await anext(batches) == Batch("Hello")
            assert not provider.left.is_set()
        async with asyncio.timeout(5):
            await provider.left.wait()


async def test_a_cancelled_call_closes_the_connection(provider: Provider) -> None:
    """Cancelling a caller who still waits for the first text ends the call at the provider."""
    provider.replies = [[STREAM, SILENCE]]
    async with upstream(provider) as asked, asyncio.TaskGroup() as group:
        task = group.create_task(heard(asked))
        await provider.asked.wait()
        task.cancel()
        async with asyncio.timeout(5):
            await provider.left.wait()


async def test_tries_again_before_the_first_text(provider: Provider) -> None:
    """Refusals that may pass are retried as often as allowed, each try a new request."""
    provider.replies = [plain(503, retry_after_ms="1"), plain(429, retry_after_ms="1"), WHOLE]
    async with upstream(provider) as asked:
        assert (await heard(asked)).text == "Hello"
    assert len(provider.bodies) == 3
    assert provider.bodies[0] == provider.bodies[2]


async def test_tries_again_after_a_broken_connection(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ends before the answer has begun is no reason to give up."""
    monkeypatch.setattr(upstream_openai, "FIRST_PAUSE", 0.001)
    provider.replies = [[RESET], WHOLE]
    async with upstream(provider) as asked:
        assert (await heard(asked)).text == "Hello"
    assert len(provider.bodies) == 2


async def test_gives_up_after_the_last_retry(provider: Provider) -> None:
    """What fails as often as it may be tried fails as the last try did."""
    provider.replies = [plain(503, retry_after_ms="1"), plain(429, retry_after_ms="1"), WHOLE]
    async with upstream(provider, max_retries=1) as asked:
        assert (await failed(asked)).code == "upstream_rate_limited"
    assert len(provider.bodies) == 2


async def test_does_what_the_provider_says_of_retries(provider: Provider) -> None:
    """A provider that says `x-should-retry` is taken at its word, whatever its status."""
    provider.replies = [plain(400, x_should_retry="true", retry_after_ms="1"), plain(503, x_should_retry="false")]
    async with upstream(provider) as asked:
        assert (await failed(asked)).code == "upstream_unavailable"
    assert len(provider.bodies) == 2


async def test_does_not_wait_long_for_a_provider(provider: Provider) -> None:
    """A provider that wants a long pause is not waited for, so that another may serve."""
    provider.replies = [plain(429, retry_after="6"), WHOLE]
    async with upstream(provider) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere, why.retry_after) == ("upstream_rate_limited", True, 6.0)
    assert len(provider.bodies) == 1


async def test_passes_a_rejection_on_without_secrets(provider: Provider) -> None:
    """The client reads why the provider rejects the call, but neither key nor address."""
    body = {"error": {"message": f"max_tokens is too large for {KEY} at http://127.0.0.1:{provider.port}/v1"}}
    provider.replies = [plain(400, json.dumps(body).encode())]
    async with upstream(provider) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere, why.message) == ("upstream_rejected", False, "max_tokens is too large for … at …")


async def test_reads_a_rejection_that_comes_in_parts(provider: Provider) -> None:
    """Why the provider rejects the call is read to its end, as the network may have cut it."""
    head, refusal = STREAM.replace(b"200", b"400"), b'{"error":{"message":"too large"}}'
    provider.replies = [[head, chunk(refusal[:9]), PAUSE, chunk(refusal[9:]), END]]
    async with upstream(provider) as asked:
        assert (await failed(asked)).message == "too large"


@pytest.mark.parametrize("body", [b"<html>no</html>", b'{"error":{"message":"Incorrect API key provided: sk-ver"}}'])
async def test_keeps_trouble_with_the_key_to_itself(provider: Provider, body: bytes) -> None:
    """A refused key is the operator's problem: another upstream may serve, and the client reads nothing of it."""
    provider.replies = [plain(401, body)]
    async with upstream(provider) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere) == ("upstream_unavailable", True)
    assert "key" not in why.message.lower()


async def test_nobody_listening_is_unavailable() -> None:
    """A refused connection is no time-out."""
    async with upstream(Provider(port=9), max_retries=0) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere) == ("upstream_unavailable", True)


@pytest.mark.parametrize("reply", [[b"what?\r\n\r\n"], [RESET], [b""]])
async def test_no_http_is_unavailable(provider: Provider, reply: list[bytes | str]) -> None:
    """A server that speaks no HTTP, or hangs up, is unavailable."""
    provider.replies = [reply]
    async with upstream(provider, max_retries=0) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere) == ("upstream_unavailable", True)


async def test_is_unavailable_when_closed(provider: Provider) -> None:
    """A call outside of the upstream's life fails as every call fails."""
    why = await failed(upstream(provider))
    assert (why.code, why.elsewhere) == ("upstream_unavailable", True)


@pytest.mark.parametrize("reply", [[SILENCE], [STREAM, SILENCE], [STREAM, chunk(b": ping\n\n"), SILENCE]])
async def test_the_first_text_has_its_time(provider: Provider, reply: list[bytes | str]) -> None:
    """Neither headers nor pings are an answer: without text in time, another upstream may serve."""
    provider.replies = [reply]
    async with upstream(provider, first_token_timeout=0.05, idle_timeout=0.01) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere) == ("upstream_timeout", True)


@pytest.mark.parametrize("options", [{"idle_timeout": 0.05}, {"timeout": 1.0}])
async def test_a_stall_ends_the_answer(provider: Provider, options: dict[str, float]) -> None:
    """What came is given; then the silence fails, and no other upstream can help."""
    provider.replies = [[STREAM, said("Hello"), SILENCE]]
    async with upstream(provider, **options) as asked, asked.answer(call()) as batches:
        assert await anext(batches) == Batch("Hello")
        with pytest.raises(UpstreamFailed) as why:
            await anext(batches)
    assert (why.value.code, why.value.elsewhere) == ("upstream_timeout", False)


async def test_an_error_before_the_first_text_may_be_served_elsewhere(provider: Provider) -> None:
    """A stream that begins with an error has given nothing, and its message is cleaned."""
    provider.replies = [[STREAM, chunk(b'data: {"error":{"message":"overloaded %s"}}\n\n' % KEY.encode()), END]]
    async with upstream(provider) as asked:
        why = await failed(asked)
    assert (why.code, why.elsewhere, why.message) == ("upstream_broke_off", True, "overloaded …")


async def test_a_whole_answer_survives_a_rude_end(provider: Provider) -> None:
    """A connection that is reset after the finish reason takes nothing away."""
    provider.replies = [[STREAM, said("Hello"), FINISH, RESET]]
    async with upstream(provider) as asked:
        assert await heard(asked) == Batch("Hello", "stop")


async def test_does_not_wait_for_the_end_of_the_transfer(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that keeps the stream open after `[DONE]` does not keep the caller."""
    monkeypatch.setattr(upstream_reading, "_TAIL_WAIT", 0.01)
    provider.replies = [[STREAM, said("Hello"), FINISH, DONE, SILENCE]]
    async with upstream(provider) as asked:
        assert await heard(asked) == Batch("Hello", "stop")
        async with asyncio.timeout(5):
            await provider.left.wait()


async def test_takes_an_answer_that_does_not_stream(provider: Provider) -> None:
    """One JSON document in place of a stream is one batch."""
    body = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "length"}], "usage": None}
    provider.replies = [plain(200, json.dumps(body).encode())]
    async with upstream(provider) as asked:
        assert await heard(asked) == Batch("Hello", "length")


async def test_a_document_has_a_limit(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that goes on and on is refused before it fills the memory."""
    monkeypatch.setattr(upstream_reading, "LINE_LIMIT", 10)
    provider.replies = [plain(200, b'{"choices": []}')]
    async with upstream(provider) as asked:
        assert (await failed(asked)).code == "upstream_broke_off"


@pytest.mark.parametrize(
    ("chunks", "heard_text"),
    [
        (["One, ", "two", ", three"], ", three"),
        ([", three"], ", three"),
        (["One, t", "en"], "One, ten"),
        (["One"], "One"),
    ],
)
async def test_strips_an_echo_of_the_prefix(provider: Provider, chunks: list[str], heard_text: str) -> None:
    """An exact echo of the prefix is taken off, cut as it may be; what merely begins alike is given."""
    provider.replies = [[STREAM, *(said(text) for text in chunks), FINISH + DONE + END]]
    async with upstream(provider) as asked:
        assert (await heard(asked, prefix="One, two")).text == heard_text
    assert provider.bodies[0]["messages"][-1] == {"role": "assistant", "content": "One, two"}


async def test_many_answers_run_at_once(provider: Provider) -> None:
    """Answers do not wait for each other, however many there are."""
    provider.replies = [[STREAM, said("Hello"), SILENCE] for _ in range(150)]
    async with upstream(provider) as asked, AsyncExitStack() as stack:
        for _ in range(150):
            batches = await stack.enter_async_context(asked.answer(call()))
            assert await anext(batches) == Batch("Hello")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("api.openai.com", False)],
)
def test_a_proxy_is_for_other_machines(host: str, loopback: bool) -> None:  # noqa: FBT001  a table's column
    """A proxy of the environment is not asked for servers on this machine."""
    assert upstream_openai._is_loopback(host) is loopback
