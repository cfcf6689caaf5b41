"""What each phase of an answer is charged: the table of docs/limits.md, row by row, on a whole server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.adapters.script import Script, chunked
from tests.harness import CONFIG, House, house

TIERS = {
    "metered": {"all": "1000 messages / 3h", "tokens": "1M / 24h", "cost": "$100 / 24h", "at_once": 9},
    "single": {"all": "1 message / 3h"},
}
FREE = {"messages": 0, "tokens": 0, "cost": 0, "concurrent-requests": 0}
WORDS = (" one", " two", " three", " four")


@pytest.fixture
async def metered(tmp_path: Path) -> AsyncIterator[House]:
    """A server whose only tier counts everything; a token costs a thousandth of a dollar."""
    price = {"input": 1000, "output": 1000}
    models = {name: {**model, "price": price} for name, model in CONFIG["models"].items()}
    changes = {"models": models, "groups": {"all": list(models)}, "tiers": TIERS, "default_tier": "metered"}
    async with house(tmp_path, changes) as one:
        yield one


async def used(running: House, key: str) -> dict[str, int]:
    """Return what is charged by unit, once nothing is held."""
    async with asyncio.timeout(20), running.http(key) as http:
        while True:
            limits = (await http.get("/v1/usage")).json()["limits"]
            if not any(row["held"] for row in limits):
                return {row["unit"]: row["used"] for row in limits}


def charge(response: dict[str, Any], *, messages: int = 1) -> dict[str, int]:
    """Return what an answer costs by its own usage."""
    tokens = response["usage"]["total_tokens"]
    return {"messages": messages, "tokens": tokens, "cost": 1_000 * tokens, "concurrent-requests": 0}


@asynccontextmanager
async def begun(running: House, key: str, words: int, model: str) -> AsyncIterator[tuple[str, str]]:
    """Start an answer and take so many words of it; give its id and its text so far, and leave at the end."""
    text, response_id = "", ""
    async with running.socket("/v1/responses", key) as socket:
        await socket.send(json.dumps({"type": "response.create", "model": model, "input": "hi"}))
        while not response_id or len(text.split()) < words:
            frame = json.loads(await socket.recv())
            if frame["type"] == "response.created":
                response_id = frame["response"]["id"]
            if frame["type"] == "response.output_text.delta":
                text += frame["delta"]
        yield response_id, text


async def ask(running: House, key: str, **body: Any) -> dict[str, Any]:
    """Ask and return the response, or the error, with its status."""
    async with running.http(key) as http:
        answer = await http.post("/v1/responses", json={"model": "gpt-4-mini", "input": "hi", **body})
    found: dict[str, Any] = answer.json()
    return found


async def test_a_whole_answer(metered: House) -> None:
    """One message, the tokens of prompt and answer, and what they cost."""
    key = await metered.key(tier="metered")
    response = await ask(metered, key)
    assert response["usage"]["output_tokens"] == 8
    assert await used(metered, key) == charge(response)


@pytest.mark.parametrize(
    "body",
    [
        {"model": "broken"},
        {"model": "nothing"},
        {"tools": [{"type": "web_search"}]},
        {"max_output_tokens": -1},
        {"model": "gpt-4-mini", "input": "x " * 20_000},
    ],
    ids=["fails before the first token", "no such model", "tools", "a bad number", "too long"],
)
async def test_what_never_began(metered: House, body: dict[str, Any]) -> None:
    """A failure before the first token, and whatever is wrong with a request, is free."""
    key = await metered.key(tier="metered")
    assert (await ask(metered, key, **body))["error"]
    assert await used(metered, key) == FREE


async def test_a_refusal_at_a_cap(metered: House) -> None:
    """The message that a cap refuses is free, and the model is not asked."""
    key = await metered.key(tier="single")
    await ask(metered, key)
    for _ in range(3):
        assert (await ask(metered, key))["error"]["code"] == "usage_cap_reached"
    assert (await used(metered, key))["messages"] == 1
    assert len(metered.upstream.calls) == 1


async def test_a_retry_with_the_same_id(metered: House) -> None:
    """However often a request comes again under its id, while it runs and later, it is charged once."""
    key = await metered.key(tier="metered")
    body = {"model": "gpt-4", "client_request_id": "r1"}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(metered, key, **body)) for _ in range(5)]
    first = tasks[0].result()
    assert {task.result()["id"] for task in tasks} == {(await ask(metered, key, **body))["id"]} == {first["id"]}
    assert await used(metered, key) == charge(first)


async def test_a_retry_of_what_failed(metered: House) -> None:
    """An id whose answer failed before its first token tells the failure again, and both are free."""
    key = await metered.key(tier="metered")
    metered.scripts["free"] = Script(status=500)
    body = {"model": "free", "client_request_id": "r1"}
    assert await ask(metered, key, **body) == await ask(metered, key, **body)
    assert len(metered.upstream.calls) == 1
    assert await used(metered, key) == FREE


@pytest.mark.parametrize("words", [0, 5])
async def test_a_stop(metered: House, words: int) -> None:
    """Stopped before the first token it is free; later it costs the message and exactly the tokens produced."""
    key = await metered.key(tier="metered")
    metered.scripts["free"] = Script(chunks=WORDS * 2, first=0.0 if words else 3600, breaks="stall", breaks_at=5)
    async with metered.http(key) as http, begun(metered, key, words, "free") as (response_id, text):
        response = (await http.post(f"/v1/responses/{response_id}/cancel")).json()
    assert response["status"] == "cancelled"
    assert await used(metered, key) == (charge(response) if words else FREE)
    if words:
        # Each of these words is one token.
        assert response["usage"]["output_tokens"] == len(chunked(text)) == words


async def test_an_answer_asked_for_again(metered: House) -> None:
    """It is another answer: one more message and its tokens."""
    key = await metered.key(tier="metered")
    first = await ask(metered, key, conversation="new")
    again = await ask(metered, key, input=None, regenerate=first["id"])
    expected = {unit: amount + charge(again)[unit] for unit, amount in charge(first).items()}
    assert await used(metered, key) == expected


async def test_a_title(metered: House) -> None:
    """The title of a conversation is of its first words: no model is asked for it, and it costs nothing."""
    key = await metered.key(tier="metered")
    response = await ask(metered, key, input="What is a mole?", conversation="new")
    async with metered.http(key) as http:
        conversation = (await http.get(f"/v1/conversations/{response['conversation']['id']}")).json()
    assert conversation["title"] == "What is a mole?"
    assert len(metered.upstream.calls) == 1
    assert await used(metered, key) == charge(response)


async def test_a_step_of_a_function(metered: House) -> None:
    """A call of the client's function is an answer, and what the model makes of its output is another one."""
    key = await metered.key(tier="metered")
    metered.scripts["free"] = Script(chunks=WORDS, calls=True)
    tools = [{"type": "function", "name": "weather", "parameters": {}}]
    called = await ask(metered, key, model="free", tools=tools)
    (call,) = called["output"]
    assert (call["type"], await used(metered, key)) == ("function_call", charge(called))
    output = [{"type": "function_call_output", "call_id": call["call_id"], "output": "It rains."}]
    said = await ask(metered, key, model="free", tools=tools, input=output, previous_response_id=called["id"])
    assert said["output"][0]["type"] == "message"
    assert await used(metered, key) == {unit: count + charge(said)[unit] for unit, count in charge(called).items()}


async def test_no_answer_asked_for(metered: House) -> None:
    """A message that is stored without an answer, and a count of tokens, cost nothing."""
    key = await metered.key(tier="metered")
    await ask(metered, key, generate=False, conversation="new")
    async with metered.http(key) as http:
        counted = await http.post("/v1/responses/input_tokens", json={"model": "gpt-4-mini", "input": "hi"})
    assert counted.json()["input_tokens"] > 0
    assert await used(metered, key) == FREE
    assert not metered.upstream.calls


async def test_a_client_that_is_gone(metered: House) -> None:
    """Who has the id may come back: the answer goes on, and costs what it costs."""
    key = await metered.key(tier="metered")
    async with metered.http(key) as http:
        async with begun(metered, key, 2, "gpt-4") as (response_id, _):
            pass
        # Follows the answer to its end.
        await http.get(f"/v1/responses/{response_id}?stream=true")
        response = (await http.get(f"/v1/responses/{response_id}")).json()
    assert response["usage"]["output_tokens"] == 40
    assert await used(metered, key) == charge(response)


async def test_a_client_that_cannot_come_back(metered: House) -> None:
    """Who was never told an id cannot come back: the answer is stopped, and costs what was produced."""
    key = await metered.key(tier="metered")
    body = {"model": "slow", "input": "hi"}
    async with metered.http(key) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post("/v1/responses", json=body, timeout=httpx.Timeout(10, read=1.0))
    found = await used(metered, key)
    assert metered.upstream.aborted == 1
    assert found["messages"] == 1
    assert found["tokens"] > 0
    assert found["cost"] == 1_000 * found["tokens"]


async def test_an_answer_that_breaks_off(metered: House) -> None:
    """The provider's fault: the message is given back, and the tokens that were produced count."""
    key = await metered.key(tier="metered")
    response = await ask(metered, key, model="dropped")
    assert response["status"] == "failed"
    assert await used(metered, key) == charge(response, messages=0)


async def test_usage_that_a_client_makes_up(metered: House) -> None:
    """Whatever a client sends as usage, it is charged what was counted here."""
    key = await metered.key(tier="metered")
    forged = {"input_tokens": 0, "output_tokens": -1_000_000, "total_tokens": -1_000_000}
    response = await ask(metered, key, usage=forged, charged={"tokens": 0}, metadata={"tokens": "-5"})
    assert response["usage"]["output_tokens"] == 8
    assert await used(metered, key) == charge(response)
