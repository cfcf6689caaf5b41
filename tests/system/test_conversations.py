"""Conversations with the official client and with what we add to it: the same history at every door."""

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from tests.harness import House


@pytest.fixture
async def client(running: House) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client."""
    async with openai.AsyncOpenAI(api_key=await running.key(), base_url=f"{running.address}/v1") as one:
        yield one


async def test_a_conversation_of_the_sdk(client: openai.AsyncOpenAI, running: House) -> None:
    """What is put into a conversation is read by the model, and the answer is among its items."""
    items: Any = [{"type": "message", "role": "user", "content": "My name is Ada."}]
    conversation = await client.conversations.create(items=items, metadata={"topic": "names"})
    assert conversation.metadata == {"topic": "names"}
    added = await client.conversations.items.create(
        conversation.id, items=[{"type": "message", "role": "assistant", "content": "Hello Ada."}]
    )
    assert len(added.data) == 1
    answer = await client.responses.create(model="gpt-4-mini", conversation=conversation.id, input="What is my name?")
    sent = running.upstream.calls[-1].messages
    assert [message.role for message in sent][-3:] == ["user", "assistant", "user"]
    listed = [item async for item in client.conversations.items.list(conversation.id, order="asc")]
    assert len(listed) == 4
    one = await client.conversations.items.retrieve(answer.output[0].id or "", conversation_id=conversation.id)
    assert one.id == answer.output[0].id
    changed = await client.conversations.update(conversation.id, metadata={"topic": "other"})
    assert changed.metadata == {"topic": "other"}
    assert (await client.conversations.delete(conversation.id)).deleted


async def test_search_export_and_import(running: House) -> None:
    """A conversation is found by its words, leaves as a file, and comes back as another one with the same words."""
    async with running.http(await running.key()) as http:
        body = {"model": "gpt-4-mini", "conversation": "new", "input": "Where do herons sleep?"}
        answer = (await http.post("/v1/responses", json=body)).json()
        conversation = answer["conversation"]["id"]
        (match, *_) = (await http.get("/v1/conversations/search", params={"query": "heron"})).json()["data"]
        assert match["conversation"]["id"] == conversation
        assert "herons sleep" in match["snippet"]
        file = (await http.get(f"/v1/conversations/{conversation}/export")).json()
        text = (await http.get(f"/v1/conversations/{conversation}/export?format=markdown")).text
        assert "## User\n\nWhere do herons sleep?" in text
        (brought,) = (await http.post("/v1/conversations/import", json=[file])).json()["data"]
        items = (await http.get(f"/v1/conversations/{brought['id']}/items?order=asc")).json()["data"]
        assert [item["content"][0]["text"] for item in items] == [
            "Where do herons sleep?",
            answer["output"][0]["content"][0]["text"],
        ]
        await http.post(f"/v1/conversations/{brought['id']}", json={"archived": True})
        listed = (await http.get("/v1/conversations")).json()["data"]
        assert [one["id"] for one in listed] == [conversation]
        assert len((await http.get("/v1/conversations?archived=true")).json()["data"]) == 1
