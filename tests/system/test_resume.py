"""Resuming at every door of one server: before the first word, in the middle, and long after the end."""

import json
from typing import Any

import httpx
import pytest

from server.adapters.script import Script
from tests.harness import House

WHOLE = "".join(f" {index:04d}" for index in range(40))


def read(stream: str) -> list[Any]:
    """Return the events of a stream."""
    return [json.loads(line[6:]) for line in stream.splitlines() if line.startswith("data: ")]


def text(found: list[Any]) -> str:
    return "".join(event["delta"] for event in found if event["type"] == "response.output_text.delta")


async def test_from_every_position_the_rest_is_whole(running: House) -> None:
    """Each position at which a client can lose an answer gives exactly what is after it, also after the end."""
    async with running.http(await running.key()) as http:
        body = {"model": "slow", "input": "hi", "stream": True, "max_output_tokens": 40}
        seen = read((await http.post("/v1/responses", json=body)).text)
        response_id = seen[0]["response"]["id"]
        assert text(seen) == WHOLE
        for number, event in enumerate(seen):
            query = {"stream": "true", "starting_after": str(event["sequence_number"])}
            rest = read((await http.get(f"/v1/responses/{response_id}", params=query)).text)
            assert text(seen[: number + 1]) + text(rest) == WHOLE
            others = [one for one in seen[number + 1 :] if one["type"] != "response.output_text.delta"]
            assert [one for one in rest if one["type"] != "response.output_text.delta"] == others


@pytest.mark.parametrize("model", ["free", "gpt-4"])
async def test_a_position_that_was_not_reached_is_refused(running: House, model: str) -> None:
    """While the turn runs and when it has ended, with the position that it has come to; nothing waits for ever."""
    running.scripts["free"] = Script(chunks=["x"], first=3600)
    async with (
        running.http(await running.key()) as http,
        http.stream("POST", "/v1/responses", json={"model": model, "input": "hi", "stream": True}) as answer,
    ):
        lines = answer.aiter_lines()
        await anext(lines)
        response_id = json.loads((await anext(lines))[6:])["response"]["id"]
        beyond = await http.get(f"/v1/responses/{response_id}?stream=true&starting_after=1000")
        assert beyond.status_code == httpx.codes.BAD_REQUEST
        assert beyond.json()["error"]["code"] == "stream_position_lost"
        await http.post(f"/v1/responses/{response_id}/cancel")


async def test_a_turn_that_has_said_nothing_is_resumed_and_cancelled(running: House) -> None:
    """Before the first word too: who comes back waits, and a cancel closes the call and costs nothing."""
    running.scripts["free"] = Script(chunks=["x"], first=3600)
    key = await running.key()
    async with running.http(key) as http, running.socket("/v1/responses?extensions=parley", key) as socket:
        async with http.stream(
            "POST", "/v1/responses", json={"model": "free", "input": "hi", "stream": True}
        ) as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            response_id = json.loads((await anext(lines))[6:])["response"]["id"]
        await socket.send(json.dumps({"type": "parley:resume", "response_id": response_id, "starting_after": 1}))
        ended = await http.post(f"/v1/responses/{response_id}/cancel")
        assert (ended.json()["status"], ended.json()["output"]) == ("cancelled", [])
        assert json.loads(await socket.recv())["response"]["status"] == "cancelled"
        assert (running.upstream.open, running.upstream.aborted) == (0, 1)
        usage = (await http.get("/v1/usage")).json()
        assert {row["used"] for row in usage["limits"] if row["unit"] == "messages"} <= {0}
        again = await http.post(f"/v1/responses/{response_id}/cancel")
        assert again.json() == ended.json()


async def test_a_deleted_response_is_gone_in_words(running: House) -> None:
    """A response whose conversation was deleted is not found at any door."""
    key = await running.key()
    async with running.http(key) as http, running.socket("/v1/responses?extensions=parley", key) as socket:
        first = (await http.post("/v1/responses", json={"input": "hi", "conversation": "new"})).json()
        await http.delete(f"/v1/conversations/{first['conversation']['id']}")
        for path in (f"/v1/responses/{first['id']}", f"/v1/responses/{first['id']}?stream=true&starting_after=3"):
            assert (await http.get(path)).json()["error"]["code"] == "response_not_found"
        await socket.send(json.dumps({"type": "parley:resume", "response_id": first["id"]}))
        assert json.loads(await socket.recv())["error"]["code"] == "response_not_found"
