"""Conversations that nobody uses go by themselves."""

import asyncio
from pathlib import Path

from tests.harness import FakeClock, house

HOUR = 3_600_000_000


async def test_unused_conversations_are_deleted(tmp_path: Path) -> None:
    """One that was used since stays, and so does what was charged."""
    clock = FakeClock()
    async with house(tmp_path, clock=clock) as one:
        key = await one.key(tier="free", now=clock.now())
        async with one.http(key) as http:
            body = {"input": "hi", "conversation": "new"}
            old, used = [(await http.post("/v1/responses", json=body)).json()["conversation"]["id"] for _ in range(2)]
            clock.at += 2 * HOUR
            assert (await http.post("/v1/responses", json=body | {"conversation": used})).status_code == 200
    changed = {"retention": {"conversations": "1h"}}
    async with house(tmp_path, changed, clock=clock) as one, one.http(key) as http:
        async with asyncio.timeout(30):
            while True:
                found = await http.get(f"/v1/conversations/{old}")
                if found.status_code == 404:
                    break
                await asyncio.sleep(0.05)
        assert [row["id"] for row in (await http.get("/v1/conversations")).json()["data"]] == [used]
        assert (await http.get("/v1/usage")).json()["limits"][1]["used"] == 3
