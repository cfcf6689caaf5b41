"""Stored completions and responses, with the official client: listed, read, marked, counted, deleted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.harness import House

HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def client(running: House) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client."""
    async with openai.AsyncOpenAI(api_key=await running.key(), base_url=f"{running.address}/v1") as one:
        yield one


async def test_stored_completions(client: openai.AsyncOpenAI, running: House) -> None:
    """What was stored with metadata is found by it, read with its messages, marked and deleted, by its user alone."""
    asked = [
        await client.chat.completions.create(model="gpt-4-mini", messages=HI, store=True, metadata={"run": str(number)})
        for number in range(3)
    ]
    await client.chat.completions.create(model="gpt-4-mini", messages=HI)
    listed = [one async for one in client.chat.completions.list(limit=2)]
    assert [one.id for one in listed] == [one.id for one in asked]
    found = [one async for one in client.chat.completions.list(metadata={"run": "1"})]
    assert [one.id for one in found] == [asked[1].id]
    read = await client.chat.completions.retrieve(asked[1].id)
    assert read.choices == asked[1].choices
    messages = [one async for one in client.chat.completions.messages.list(asked[1].id)]
    assert [(one.role, one.content) for one in messages] == [("user", "Hi")]
    await client.chat.completions.update(asked[1].id, metadata={"run": "other"})
    assert [one.id async for one in client.chat.completions.list(metadata={"run": "other"})] == [asked[1].id]
    stranger = client.with_options(api_key=await running.key(user="bo"))
    with pytest.raises(openai.NotFoundError):
        await stranger.chat.completions.retrieve(asked[1].id)
    assert (await client.chat.completions.delete(asked[1].id)).deleted
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.retrieve(asked[1].id)
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.delete(asked[1].id)


async def test_input_of_a_response(client: openai.AsyncOpenAI) -> None:
    """The items of a request are read again, and its prompt is counted before it is sent, for nothing."""
    response = await client.responses.create(model="gpt-4-mini", input="Hello there")
    items = [one async for one in client.responses.input_items.list(response.id)]
    assert "Hello there" in items[0].model_dump_json()
    counted = await client.responses.input_tokens.count(model="gpt-4-mini", input="Hello there")
    longer = await client.responses.input_tokens.count(model="gpt-4-mini", input="Hello there, and more of it")
    assert 0 < counted.input_tokens < longer.input_tokens


async def test_a_response_is_deleted(client: openai.AsyncOpenAI) -> None:
    """A deleted response is not found any more, and what went on from it still knows what was said."""
    first = await client.responses.create(model="gpt-4-mini", input="One")
    second = await client.responses.create(model="gpt-4-mini", input="Two", previous_response_id=first.id)
    await client.responses.delete(first.id)
    for gone in (client.responses.retrieve(first.id), client.responses.delete(first.id)):
        with pytest.raises(openai.NotFoundError):
            await gone
    third = await client.responses.create(model="gpt-4-mini", input="Three", previous_response_id=second.id)
    assert third.status == "completed"


async def test_a_response_in_the_background(client: openai.AsyncOpenAI) -> None:
    """It is told of at once, goes on without anybody following, and can be cancelled or read when it has ended."""
    slow = await client.responses.create(model="slow", input="Hi", background=True)
    assert slow.status == "in_progress"
    assert slow.background
    assert (await client.responses.cancel(slow.id)).status == "cancelled"
    begun = await client.responses.create(model="gpt-4-mini", input="Hi", background=True)
    async with asyncio.timeout(20):
        # Reading its stream waits for its end.
        async for _ in await client.responses.retrieve(begun.id, stream=True):
            pass
    found = await client.responses.retrieve(begun.id)
    assert found.output_text.startswith(" 0000")
