"""The same request id, however it is sent again, is one turn, one call and one charge."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.harness import House, house


def frame(request_id: str, text: str = "hi") -> dict[str, Any]:
    return {"type": "response.create", "model": "gpt-4", "input": text, "client_request_id": request_id}


async def answer(running: House, key: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send one frame on a socket of its own and return its end."""
    async with running.socket("/v1/responses", key) as socket:
        await socket.send(json.dumps(request))
        while True:
            event: dict[str, Any] = json.loads(await socket.recv())
            if event["type"] in {"response.completed", "error"}:
                return event


async def used(running: House, key: str) -> int:
    """Return how many messages of the premium model were charged."""
    async with running.http(key) as http:
        usage = (await http.get("/v1/usage")).json()
    return sum(row["used"] for row in usage["limits"] if row["id"] == "gpt-4.messages")


async def test_in_parallel_after_the_end_and_after_a_restart(tmp_path: Path) -> None:
    """Ten at once, one after the end, one after a restart: one upstream call, one charge, one answer."""
    async with house(tmp_path) as running:
        key = await running.key()
        async with asyncio.TaskGroup() as tasks:
            sent = [tasks.create_task(answer(running, key, frame("r-1"))) for _ in range(10)]
        ends = [one.result() for one in sent]
        ends.append(await answer(running, key, frame("r-1")))
        assert len(running.upstream.calls) == 1
        assert await used(running, key) == 1
    async with house(tmp_path) as running:
        ends.append(await answer(running, key, frame("r-1")))
        assert len(running.upstream.calls) == 0
        assert await used(running, key) == 1
    assert len({end["response"]["id"] for end in ends}) == 1
    assert len({end["response"]["output"][0]["content"][0]["text"] for end in ends}) == 1


async def test_another_body_is_a_conflict(running: House) -> None:
    """The id of a turn with another body is refused with 409, at once and later."""
    key = await running.key()
    await answer(running, key, frame("r-1"))
    conflict = await answer(running, key, frame("r-1", "something else"))
    assert (conflict["status"], conflict["error"]["code"]) == (409, "idempotency_conflict")


async def test_a_refused_id_is_not_remembered(running: House) -> None:
    """An id whose request was refused may be used again."""
    key = await running.key()
    refused = await answer(running, key, frame("r-1") | {"model": "nothing"})
    assert refused["type"] == "error"
    assert (await answer(running, key, frame("r-1")))["type"] == "response.completed"


async def test_over_http_by_header(running: House) -> None:
    """`Idempotency-Key` does over HTTP what `client_request_id` does in a body."""
    key = await running.key()
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}
    async with running.http(key) as http:
        first = await http.post("/v1/chat/completions", json=body, headers={"idempotency-key": "r-2"})
        second = await http.post("/v1/chat/completions", json=body, headers={"idempotency-key": "r-2"})
    assert first.json() == second.json()
    assert len(running.upstream.calls) == 1


async def test_ids_of_different_users_do_not_meet(running: House) -> None:
    """Two users may use the same id."""
    ana, bo = await running.key(user="ana"), await running.key(user="bo")
    first, second = await answer(running, ana, frame("r-1")), await answer(running, bo, frame("r-1"))
    assert first["response"]["id"] != second["response"]["id"]
