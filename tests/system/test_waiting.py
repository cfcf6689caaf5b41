"""Requests that wait for room, over real sockets."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.harness import house

QUEUED = {
    "tiers": {"queue": {"standard": "50 messages / 3h", "faulty": "unlimited", "at_once": 1, "when_capped": "wait"}},
    "default_tier": "queue",
}


async def test_an_answer_waits_for_the_end_of_another(tmp_path: Path) -> None:
    """In another lane, a second request is told its position and answered when the first has ended."""
    async with house(tmp_path, QUEUED) as running:
        key = await running.key("bo", "queue")
        frames: list[dict[str, Any]] = []
        async with running.socket("/v1/responses?extensions=parley", key) as socket:
            create = {"type": "response.create", "model": "gpt-4-mini", "input": "hi"}
            await socket.send(json.dumps(create | {"model": "slow", "stream_id": "first"}))
            while not frames or frames[-1]["type"] != "response.output_text.delta":
                frames.append(json.loads(await socket.recv()))
            await socket.send(json.dumps(create | {"stream_id": "second"}))
            while frames[-1]["type"] != "parley:waiting":
                frames.append(json.loads(await socket.recv()))
            response_id = next(frame["response"]["id"] for frame in frames if frame["type"] == "response.created")
            await socket.send(json.dumps({"type": "parley:cancel", "response_id": response_id}))
            while frames[-1]["type"] != "response.completed":
                frames.append(json.loads(await socket.recv()))
        waiting = [frame for frame in frames if frame["type"] == "parley:waiting"]
        assert waiting == [{"type": "parley:waiting", "position": 1, "stream_id": "second"}]
        assert frames[-1]["stream_id"] == "second"
        async with running.http(key) as http:
            limits = {row["id"]: row for row in (await http.get("/v1/usage")).json()["limits"]}
        assert (limits["standard.messages"]["used"], limits["at_once"]["used"]) == (1, 0)


async def test_over_http_the_answer_comes_later(tmp_path: Path) -> None:
    """Who asks over HTTP just waits; a user who would rather be refused is refused at once."""
    async with house(tmp_path, QUEUED) as running:
        key = await running.key("bo", "queue")
        async with running.http(key) as http, asyncio.timeout(60):
            body = {"model": "slow", "input": "hi", "stream": True}
            async with http.stream("POST", "/v1/responses", json=body) as first:
                lines = (line async for line in first.aiter_lines() if line.startswith("data:"))
                response_id = json.loads((await anext(lines)).removeprefix("data:"))["response"]["id"]
                now = await http.post("/v1/responses", json={"input": "hi", "when_capped": "refuse"})
                assert now.json()["error"]["code"] == "too_many_at_once"
                later = asyncio.create_task(http.post("/v1/responses", json={"input": "hi"}))
                assert (await http.post(f"/v1/responses/{response_id}/cancel")).status_code == 200
                assert (await later).status_code == 200
