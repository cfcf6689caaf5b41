"""The caps of a tier, under load and at their edges, through real sockets."""

import asyncio
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server.adapters.script import parse
from tests.harness import FakeClock, House, house


async def ask(running: House, key: str, model: str = "gpt-4", **more: Any) -> dict[str, Any]:
    """Send one message over HTTP and return status, headers and body."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], **more}
    async with running.http(key) as http:
        answer = await http.post("/v1/chat/completions", json=body)
    return {"status": answer.status_code, "headers": answer.headers, **answer.json()}


async def on_socket(running: House, key: str, count: int) -> list[dict[str, Any]]:
    """Send `count` requests over one socket, each in a lane of its own as far as there are lanes; return the ends."""
    ends: list[dict[str, Any]] = []
    async with running.socket("/v1/responses?extensions=parley", key) as socket:
        for number in range(count):
            frame = {"type": "response.create", "stream_id": f"l{number % 30}", "model": "gpt-4", "input": "hi"}
            await socket.send(json.dumps(frame))
        while len(ends) < count:
            frame = json.loads(await socket.recv())
            if frame["type"] in {"response.completed", "error", "response.failed"}:
                ends.append(frame)
    return ends


async def test_three_hundred_at_once(running: House) -> None:
    """Of 300 messages sent at once at a cap of 50, exactly 50 are served by the premium model, the others elsewhere."""
    key = await running.key()
    async with asyncio.TaskGroup() as tasks:
        sockets = [tasks.create_task(on_socket(running, key, 50)) for _ in range(6)]
    ends = [end for socket in sockets for end in socket.result()]
    assert {end["type"] for end in ends} == {"response.completed"}
    served = Counter(end["response"]["model"] for end in ends)
    assert served == {"gpt-4": 50, "gpt-4-mini": 250}
    told = [end["response"].get("served_by") for end in ends]
    fallen = [one for one in told if one]
    assert len(fallen) == 250
    assert all(one["asked"] == "gpt-4" and one["served"] == "gpt-4-mini" and one["back_at"] for one in fallen)
    assert Counter(call.model.alias for call in running.upstream.calls) == served


async def test_the_next_message_is_served_exactly_when_promised(tmp_path: Path) -> None:
    """The message after the cap is refused a microsecond before `next_at` and served at it."""
    clock = FakeClock()
    async with house(tmp_path, clock=clock) as running:
        key = await running.key(tier="strict", now=clock.at)
        for _ in range(2):
            assert (await ask(running, key))["status"] == 200
            clock.at += 1_234_567
        async with running.http(key) as http:
            usage = (await http.get("/v1/usage")).json()
        row = next(row for row in usage["limits"] if row["id"] == "gpt-4.messages")
        assert (row["remaining"], row["used"]) == (0, 2)
        promised = round(datetime.fromisoformat(row["next_at"]).timestamp() * 1_000_000)
        refused = await ask(running, key)
        assert refused["status"] == 429
        assert refused["error"]["next_at"] == row["next_at"]
        clock.at = promised - 1
        assert (await ask(running, key))["status"] == 429
        clock.at = promised
        assert (await ask(running, key))["status"] == 200
        assert (await ask(running, key))["status"] == 429


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """What was admitted before a restart counts after it."""
    async with house(tmp_path) as running:
        key = await running.key(tier="strict")
        for _ in range(2):
            assert (await ask(running, key))["status"] == 200
        async with running.http(key) as http:
            before = (await http.get("/v1/usage")).json()
    async with house(tmp_path) as running:
        assert (await ask(running, key))["status"] == 429
        async with running.http(key) as http:
            after = (await http.get("/v1/usage")).json()
    assert after["limits"] == before["limits"]


@pytest.mark.parametrize(("model", "status"), [("broken", 502), ("nothing", 404)])
async def test_what_is_not_served_is_not_charged(running: House, model: str, status: int) -> None:
    """A failure before the first token costs nothing, and neither does a refusal."""
    key = await running.key()
    assert (await ask(running, key, model))["status"] == status
    async with running.http(key) as http:
        usage = (await http.get("/v1/usage")).json()
    assert all(row["used"] == 0 and row.get("held", 0) == 0 for row in usage["limits"])


async def test_a_model_outside_the_tier(running: House) -> None:
    """A model that no line of the tier names is refused, and the refusal names the tiers that have it."""
    refused = await ask(running, await running.key(user="bo", tier="free"))
    assert (refused["status"], refused["error"]["code"]) == (403, "model_not_in_tier")
    assert refused["error"]["tiers"] == ["plus", "strict"]


async def test_too_many_at_once(running: House) -> None:
    """Beyond `at_once` running answers the next is refused for a second, and served when one has ended."""
    key = await running.key(user="bo", tier="free")
    running.scripts["t8"] = parse("t40-d20")
    async with running.socket("/v1/responses", key) as socket:
        for lane in ("a", "b"):
            frame = {"type": "response.create", "stream_id": lane, "model": "gpt-4-mini", "input": "hi"}
            await socket.send(json.dumps(frame))
        error = None
        while error is None:
            frame = json.loads(await socket.recv())
            error = frame if frame["type"] == "error" else None
    assert error["error"]["code"] == "too_many_at_once"
    assert error["status"] == 429
    assert error["error"]["headers"]["retry-after"] == "1"


async def test_headers_tell_what_is_left(running: House) -> None:
    """A served request's headers say what is left of the caps it was charged to, and when it is whole again."""
    headers = (await ask(running, await running.key()))["headers"]
    assert headers["x-ratelimit-limit-requests"] == "50"
    assert headers["x-ratelimit-remaining-requests"] == "49"
    assert headers["x-ratelimit-reset-requests"] == "3h0m0s"
    assert headers["ratelimit"] == '"gpt-4.messages";r=49;t=10800'


async def test_users_are_told_in_their_language(running: House) -> None:
    """Warning and refusal are in Chinese for a client that asks for it, and in English for others."""
    key = await running.key(user="bo", tier="strict")
    await ask(running, key)
    async with running.http(key) as http:
        rows = (await http.get("/v1/usage", headers={"accept-language": "zh-CN"})).json()["limits"]
        assert [row["warning"] for row in rows if row["unit"] == "messages"] == [
            "在当前时间窗口内，您还可以向 gpt-4 发送 1 条消息。"  # noqa: RUF001
        ]
        await ask(running, key)
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}
        refused = await http.post("/v1/chat/completions", json=body, headers={"accept-language": "zh, en;q=0.5"})
    assert refused.json()["error"]["message"].startswith("您已达到 gpt-4 的用量上限")
    assert (await ask(running, key))["error"]["message"].startswith("You've reached the current usage cap for gpt-4")
