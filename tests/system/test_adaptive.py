"""Models that have no room, and caps that are lowered, through real doors."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from server.adapters.script import parse
from server.core.records import Role
from tests.harness import House, house

RULE = {
    "at_once": {"least": 1, "most": 1},
    "never_below": {"plus": "50%", "strict": "50%"},
    "watch": ["upstream_429"],
}


@asynccontextmanager
async def one_answer_running(folder: Path) -> AsyncIterator[tuple[House, str]]:
    """Give a house in which gpt-4 has room for one answer, and the id of the one that is running."""
    async with house(folder, {"adaptive": {"gpt-4": RULE}}) as running:
        running.scripts["t40"] = parse("t4000-d50")
        async with running.socket("/v1/responses", await running.key("first", "strict")) as socket:
            await socket.send(json.dumps({"type": "response.create", "model": "gpt-4", "input": "hi"}))
            response_id = json.loads(await socket.recv())["response"]["id"]
            while json.loads(await socket.recv())["type"] != "response.output_text.delta":
                pass
            yield running, response_id


async def ask(running: House, key: str) -> httpx.Response:
    """Send one message for gpt-4."""
    async with running.http(key) as http:
        return await http.post(
            "/v1/chat/completions", json={"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}
        )


async def limit(running: House, key: str) -> dict[str, Any]:
    """Return the cap on gpt-4 as the user sees it."""
    async with running.http(key) as http:
        usage = (await http.get("/v1/usage")).json()
    return next(row for row in usage["limits"] if row["id"] == "gpt-4.messages")


async def test_who_is_turned_away_pays_nothing(tmp_path: Path) -> None:
    """Without room and without a fallback the answer is 503 with a time, clients may retry, and nothing is charged."""
    async with one_answer_running(tmp_path) as (running, _):
        key = await running.key("bo", "strict")
        refused = await ask(running, key)
        assert refused.status_code == 503
        error = refused.json()["error"]
        assert (error["code"], error["charged"], error["options"]) == (
            "temporary_reduced_capacity",
            False,
            [{"do": "wait"}],
        )
        assert refused.headers["retry-after"] == str(error["retry_after_seconds"])
        assert "x-should-retry" not in refused.headers
        assert (await limit(running, key))["remaining"] == 2
        async with running.http(None) as http:
            metrics = (await http.get("/metrics")).text
        assert 'parley_refused_total{code="temporary_reduced_capacity"} 1.0' in metrics


async def test_a_fallback_serves_while_there_is_no_room(tmp_path: Path) -> None:
    """A tier that falls back is answered by the other model, which says why."""
    async with one_answer_running(tmp_path) as (running, _):
        key = await running.key("ana", "plus")
        answered = await ask(running, key)
        assert (answered.status_code, answered.json()["model"]) == (200, "gpt-4-mini")
        assert answered.json()["served_by"]["because"] == "temporary_reduced_capacity"
        assert (await limit(running, key))["remaining"] == 50


async def test_a_running_answer_is_not_ended_and_its_place_comes_back(tmp_path: Path) -> None:
    """The answer that runs goes on; once it is stopped, the next one is served."""
    async with one_answer_running(tmp_path) as (running, response_id):
        assert (await ask(running, await running.key("cy", "strict"))).status_code == 503
        running.scripts["t40"] = parse("t4")
        async with running.http(await running.key("first")) as http:
            assert (await http.get(f"/v1/responses/{response_id}")).json()["status"] == "in_progress"
            await http.post(f"/v1/responses/{response_id}/cancel")
        key = await running.key("bo", "strict")
        async with asyncio.timeout(20):
            while (answered := await ask(running, key)).status_code == 503:
                pass
        assert answered.json()["model"] == "gpt-4"


async def test_a_pinned_cap_is_shown_and_enforced(tmp_path: Path) -> None:
    """A cap that an operator lowers is in force within a second or two, with its base and its reason."""
    async with house(tmp_path, {"adaptive": {"gpt-4": RULE}}) as running:
        key = await running.key("bo", "strict")
        async with running.http(await running.key("op", "plus", Role.OPERATOR)) as http:
            made = await http.put("/admin/caps/adaptive/gpt-4/pin", json={"parts": {"strict": 50}})
            assert made.status_code == 200
        async with asyncio.timeout(20):
            while (shown := await limit(running, key))["cap"] != 1:
                pass
        assert shown["base_cap"] == 2
        assert shown["cap_reason"].startswith("set by the operator since ")
        answered = await ask(running, key)
        assert answered.headers["ratelimit-policy"].endswith('"gpt-4.messages";q=1;w=10800')
        refused = (await ask(running, key)).json()["error"]
        assert (refused["code"], refused["limit"]["cap"]) == ("usage_cap_reached", 1)
