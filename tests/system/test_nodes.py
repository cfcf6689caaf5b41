"""Two nodes on one PostgreSQL and one Valkey: any node serves any socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import websockets

from tests.nodes import Nodes, nodes

pytestmark = pytest.mark.services
WHOLE = "".join(f" {index:04d}" for index in range(60))
EXTENDED = "/v1/responses?extensions=parley"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Two nodes."""
    async with nodes(tmp_path) as house:
        yield house


async def send(socket: websockets.ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def until(socket: websockets.ClientConnection, *kinds: str) -> tuple[str, dict[str, Any]]:
    """Return the text up to the first frame of these types, its own included, and the frame."""
    text = ""
    while True:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 30))
        if frame["type"] == "response.output_text.delta":
            text += frame["delta"]
        if frame["type"] in kinds:
            return text, frame
        assert frame["type"] != "error", frame


async def test_an_answer_is_followed_on_another_node(two: Nodes) -> None:
    """What one node answers is seen on the other: from its first words, while it goes on, and after its end."""
    key = await two.key()
    gate = two.provider.hold("t60-d20", 10)
    async with two[0].socket(EXTENDED, key) as here, two[1].socket(EXTENDED, key) as there:
        await send(here, "response.create", model="breaking", input="hi")
        _, created = await until(here, "response.created")
        response_id = created["response"]["id"]
        await send(there, "parley:resume", response_id=response_id)
        before, _ = await until(there, "response.output_text.delta")
        gate.set()
        rest, completed = await until(there, "response.completed")
        assert completed["response"]["output"][0]["content"][0]["text"] == WHOLE
        assert before + rest == WHOLE
        await send(there, "parley:resume", response_id=response_id)
        assert (await until(there, "response.completed"))[0] == WHOLE
    assert len(two.provider.calls) == 1


async def test_an_answer_is_stopped_from_another_node(two: Nodes) -> None:
    """A stop on one node ends the answer on the other: the call to the provider is closed, what was said is charged."""
    key = await two.key()
    two.provider.hold("t60-d20", 10)
    async with two[0].socket(EXTENDED, key) as here, two[1].http(key) as there:
        await send(here, "response.create", model="breaking", input="hi")
        _, created = await until(here, "response.created")
        await until(here, "response.output_text.delta")
        answer = await there.post(f"/v1/responses/{created['response']['id']}/cancel")
        assert answer.status_code == 200, answer.text
        _, ended = await until(here, "response.completed", "response.incomplete", "response.failed")
        assert ended["response"]["status"] == "cancelled"
        (row,) = await two.rows("SELECT status, charged FROM usage")
        assert (row["status"], json.loads(row["charged"])["messages"]) == ("cancelled", 1)
        limits = (await there.get("/v1/usage")).json()["limits"]
    assert {row["unit"]: row["used"] for row in limits if row["unit"] == "messages"} == {"messages": 1}
    assert (two.provider.open, two.provider.aborted) == (0, 1)


async def test_a_resume_that_comes_before_the_adoption_waits_for_it(two: Nodes) -> None:
    """Who comes to another node while the turn's owner is dead gets what there is, and the rest once it goes on."""
    key = await two.key()
    gate = two.provider.hold("t60-d20", 10)
    async with two[0].socket(EXTENDED, key) as here, two[1].http(key) as http:
        await send(here, "response.create", model="continuing", input="hi")
        _, created = await until(here, "response.created")
        response_id = created["response"]["id"]
        await until(here, "response.output_text.delta")
        await two[0].kill()
        gate.set()
        beyond = await http.get(f"/v1/responses/{response_id}", params={"stream": "true", "starting_after": 500})
        assert beyond.json()["error"]["code"] == "stream_position_lost"
        async with two[1].socket(EXTENDED, key) as there:
            await send(there, "parley:resume", response_id=response_id)
            assert (await until(there, "response.created"))[1]["response"]["status"] == "in_progress"
            text, _ = await until(there, "response.completed")
    assert text == WHOLE


async def test_a_conversation_is_followed_on_another_node(two: Nodes) -> None:
    """What happens in it on one node is seen on the other: a message and its answer, a title, a leaf, the deletion."""
    key = await two.key()
    two.provider.hold("t60-d20", 10)
    async with two[0].socket(EXTENDED, key) as here, two[1].socket(EXTENDED, key) as there, two[0].http(key) as http:
        await send(here, "response.create", model="quick", input="Hello", conversation="new")
        _, first = await until(here, "response.completed")
        conversation = first["response"]["conversation"]["id"]
        await send(there, "parley:follow", conversation=conversation)
        assert (await until(there, "parley:conversation"))[1]["title"] == "Hello"

        await send(here, "response.create", model="breaking", input="Go on.", conversation=conversation)
        _, turn = await until(there, "parley:conversation")
        assert (turn["event"], turn["input"][0]["content"][0]["text"]) == ("turn", "Go on.")
        await until(there, "response.output_text.delta")
        await send(there, "parley:cancel", response_id=turn["response_id"])
        _, ended = await until(there, "response.incomplete")
        assert ended["response"]["status"] == "cancelled"
        _, leaf = await until(there, "parley:conversation")
        assert leaf["leaf"] == ended["response"]["output"][0]["id"]

        await http.post(f"/v1/conversations/{conversation}", json={"title": "Greetings"})
        assert (await until(there, "parley:conversation"))[1]["title"] == "Greetings"
        await http.delete(f"/v1/conversations/{conversation}")
        assert (await until(there, "parley:conversation"))[1]["event"] == "deleted"
    assert (two.provider.open, two.provider.aborted) == (0, 1)


async def test_one_request_id_on_two_nodes_is_one_turn(two: Nodes) -> None:
    """Sent at once to both nodes, requests with one id make one turn, one call and one charge, and get one answer."""
    key = await two.key()
    body = {"model": "quick", "input": "hi"}

    async def ask(number: int, name: str) -> dict[str, Any]:
        async with two[number % 2].http(key) as http:
            answer = await http.post("/v1/responses", json=body, headers={"idempotency-key": name})
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

    for attempt in range(5):
        answers = await asyncio.gather(*(ask(number, f"request-{attempt}") for number in range(4)))
        assert len({answer["id"] for answer in answers}) == 1
        assert {answer["status"] for answer in answers} == {"completed"}
    assert len(two.provider.calls) == 5
    assert len(await two.rows("SELECT turn_id FROM usage")) == 5
    async with two[0].http(key) as http:
        limits = (await http.get("/v1/usage")).json()["limits"]
    assert next(row for row in limits if row["unit"] == "messages")["used"] == 5
