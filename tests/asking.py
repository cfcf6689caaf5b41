"""Asking nodes over HTTP: begin an answer, follow it, follow it through everything, and see what it cost."""

import asyncio
import json
from itertools import cycle
from typing import Any

import httpx

from tests.nodes import Node, Nodes

ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


async def started(node: Node, key: str, **more: Any) -> str:
    """Start an answer on a node and leave it; return its id."""
    body = {"model": "continuing", "input": "hi", "stream": True, **more}
    async with node.http(key) as http, http.stream("POST", "/v1/responses", json=body) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                found: str = json.loads(line.removeprefix("data:"))["response"]["id"]
                return found
    raise AssertionError("nothing came")


async def followed(node: Node, key: str, response_id: str) -> dict[str, Any]:
    """Follow an answer on a node to its end; return the response, with the text as it came."""
    text = ""
    async with (
        node.http(key) as http,
        http.stream("GET", f"/v1/responses/{response_id}?stream=true") as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            if not line.startswith("data:"):
                continue
            frame = json.loads(line.removeprefix("data:"))
            if frame["type"] == "response.output_text.delta":
                text += frame["delta"]
            if frame["type"] in {"response.completed", "response.incomplete", "response.failed", "error"}:
                response: dict[str, Any] = frame.get("response", frame)
                return response | {"text": text}
    raise AssertionError("the answer broke off")


async def used(node: Node, key: str) -> dict[str, int]:
    """Return what a node says was used, by unit, once nothing is held."""
    async with asyncio.timeout(30), node.http(key) as http:
        while True:
            answer = await http.get("/v1/usage")
            if answer.status_code == httpx.codes.OK:
                limits = answer.json()["limits"]
                if not any(row["held"] for row in limits):
                    return {row["unit"]: row["used"] for row in limits}
            await asyncio.sleep(0.1)


async def charged(house: Nodes) -> dict[str, int]:
    """Return what usage rows charge, by unit."""
    rows = [json.loads(row["charged"]) for row in await house.rows("SELECT charged FROM usage")]
    return {unit: sum(row.get(unit, 0) for row in rows) for unit in ("messages", "tokens")}


async def persistent(house: Nodes, key: str, name: str, *, first: int, model: str) -> str:
    """Ask a node and follow the answer to its end, from where it was, on whichever node answers; return the text."""
    text, response_id, position = "", "", -1
    headers = {"idempotency-key": name}
    body = {"model": model, "input": "hi", "stream": True}
    for number in cycle([*range(first, len(house)), *range(first)]):
        asked: dict[str, Any] = {"method": "POST", "url": "/v1/responses", "json": body, "headers": headers}
        if response_id:
            after = {"stream": "true", "starting_after": position}
            asked = {"method": "GET", "url": f"/v1/responses/{response_id}", "params": after}
        try:
            async with house[number].http(key) as http, http.stream(**asked) as answer:
                async for line in answer.aiter_lines():
                    if not line.startswith("data:"):
                        continue
                    frame = json.loads(line.removeprefix("data:"))
                    if frame["type"] == "error":
                        assert frame["code"] in {"draining", "storage_unavailable"}, frame
                        break
                    assert frame["sequence_number"] > position, (frame, position)
                    position = frame["sequence_number"]
                    if frame["type"] == "response.created":
                        response_id = frame["response"]["id"]
                    if frame["type"] == "response.output_text.delta":
                        text += frame["delta"]
                    if frame["type"] in ENDS:
                        assert frame["type"] == "response.completed", frame
                        return text
                else:
                    assert answer.status_code in {200, 503}, answer
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("nobody answered")
