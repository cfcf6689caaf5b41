"""The official Python client, unmodified, against every door that it knows."""

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest

from tests.harness import House

FORTY = "".join(f" {index:04d}" for index in range(40))
EIGHT = "".join(f" {index:04d}" for index in range(8))


@pytest.fixture
async def client(running: House) -> AsyncIterator[openai.AsyncOpenAI]:
    """The client of a user with tier plus."""
    async with openai.AsyncOpenAI(api_key=await running.key(), base_url=f"{running.address}/v1") as one:
        yield one


async def test_chat_streams(client: openai.AsyncOpenAI) -> None:
    """`stream=True` brings the upstream's text, a finish reason and the usage."""
    text, finish, usage = "", None, None
    stream = await client.chat.completions.create(
        model="gpt-4", messages=[{"role": "user", "content": "hi"}], stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
        usage = chunk.usage or usage
    assert (text, finish) == (FORTY, "stop")
    assert usage is not None
    assert usage.completion_tokens == 40


async def test_chat_answers_whole(client: openai.AsyncOpenAI) -> None:
    """Without `stream` the same answer comes as one object."""
    answer = await client.chat.completions.create(model="gpt-4-mini", messages=[{"role": "user", "content": "hi"}])
    assert answer.choices[0].message.content == EIGHT
    assert answer.model == "gpt-4-mini"
    assert answer.usage is not None


async def test_models_are_listed(client: openai.AsyncOpenAI) -> None:
    """The list has the aliases and the personas."""
    names = {model.id async for model in client.models.list()}
    assert {"gpt-4", "gpt-4-mini", "persona:socratic-tutor"} <= names


async def test_responses_socket_has_lanes(client: openai.AsyncOpenAI) -> None:
    """Two lanes of one socket stream at once, and each keeps to itself."""
    texts: dict[str | None, str] = {}
    order: list[str | None] = []
    async with client.responses.connect() as connection:
        for named, model in (("a", "slow"), ("b", "gpt-4")):
            await connection.send({"type": "response.create", "stream_id": named, "model": model, "input": "hi"})
        async for event in connection:
            lane = getattr(event, "stream_id", None)
            if event.type == "response.output_text.delta":
                texts[lane] = texts.get(lane, "") + event.delta
            elif event.type == "response.completed":
                order.append(lane)
                if lane == "b":
                    break
    assert texts["b"] == FORTY
    assert order == ["b"]
    assert FORTY.startswith(texts.get("a", ""))


async def test_a_cap_raises_the_clients_own_error(running: House, client: openai.AsyncOpenAI) -> None:
    """A refused call raises RateLimitError with `retry-after`, and the client does not try again."""
    strict = client.with_options(api_key=await running.key(user="bo", tier="strict"))
    for _ in range(2):
        await strict.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "hi"}])
    calls = len(running.upstream.calls)
    with pytest.raises(openai.RateLimitError) as refused:
        await strict.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "hi"}])
    headers = refused.value.response.headers
    assert int(headers["retry-after"]) > 10_000
    assert headers["x-should-retry"] == "false"
    assert refused.value.request.headers["x-stainless-retry-count"] == "0"
    assert refused.value.code == "usage_cap_reached"
    assert refused.value.body["limit"]["cap"] == 2  # type: ignore[index]
    assert len(running.upstream.calls) == calls


@pytest.mark.parametrize(
    ("key", "model", "error"),
    [
        ("sk-wrong", "gpt-4", openai.AuthenticationError),
        (None, "nothing", openai.NotFoundError),
        (None, "broken", openai.APIStatusError),
        (None, "persona:nobody", openai.NotFoundError),
    ],
)
async def test_errors_are_the_clients_own(
    client: openai.AsyncOpenAI, key: str | None, model: str, error: type[openai.APIStatusError]
) -> None:
    """Whatever is refused raises the exception that the client has for it, with a code and a message."""
    asking = client.with_options(max_retries=0) if key is None else client.with_options(api_key=key, max_retries=0)
    with pytest.raises(error) as raised:
        await asking.chat.completions.create(model=model, messages=[{"role": "user", "content": "hi"}])
    assert raised.value.code
    assert raised.value.request_id


async def test_a_stored_response_can_be_read(client: openai.AsyncOpenAI) -> None:
    """What a socket streamed is there to be retrieved, with text and usage."""
    response_id = ""
    async with client.responses.connect() as connection:
        await connection.send({"type": "response.create", "model": "gpt-4", "input": "hi"})
        async for event in connection:
            if event.type == "response.completed":
                response_id = event.response.id
                break
    read = await asyncio.wait_for(client.responses.retrieve(response_id), 10)
    assert read.output_text == FORTY
    assert read.status == "completed"
    assert read.usage is not None
