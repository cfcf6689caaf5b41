"""What nodes share is emptied, stopped or crashed under them: no turn is lost, and every charge arrives."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import services
from tests.asking import charged, followed, started, used
from tests.databases import CrashingPostgres
from tests.nodes import CONFIG, Node, Nodes, nodes
from tests.provider import WHOLE

pytestmark = pytest.mark.services
MODEL = "t60-d20"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Two nodes."""
    async with nodes(tmp_path) as house:
        yield house


async def test_caps_outlast_a_valkey_that_is_emptied(two: Nodes) -> None:
    """What was charged and what is held counts after it; a running answer goes on and is charged once."""
    key, one = await two.key(), await two.key("eve", "one")
    await followed(two[0], key, await started(two[0], key, model="quick"))
    await followed(two[0], one, await started(two[0], one, model="quick"))
    gate = two.provider.hold(MODEL, 10)
    response_id = await started(two[0], key)
    with two.valkey() as valkey:
        valkey.flushdb()
    async with two[1].http(one) as http:
        refused = await http.post("/v1/responses", json={"model": "quick", "input": "hi"})
        assert refused.json()["error"]["code"] == "usage_cap_reached"
    gate.set()
    assert (await followed(two[1], key, response_id))["text"] == WHOLE
    limits = await used(two[1], key)
    rows = await two.rows("SELECT charged FROM usage JOIN users ON users.id = user_id WHERE name = 'ana'")
    assert limits["messages"] == len(rows) == 2
    assert limits["tokens"] == sum(json.loads(row["charged"])["tokens"] for row in rows)
    assert two.faults == []


async def test_answers_outlast_a_valkey_that_is_stopped(tmp_path: Path) -> None:
    """Where caps are closed without it, new requests are refused; what runs ends on any node, and is charged later."""
    valkey = services.StoppingValkey()
    try:
        closed = {"caps": CONFIG["caps"] | {"if_store_fails": "closed"}}
        async with nodes(tmp_path, changes=closed, cluster=valkey.url) as house:
            key = await house.key()
            gate = house.provider.hold(MODEL, 10)
            response_id = await started(house[0], key)
            following = asyncio.create_task(followed(house[1], key, response_id))
            valkey.stop()
            async with house[1].http(key) as http:
                refused = await http.post("/v1/responses", json={"model": "quick", "input": "hi"})
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "storage_unavailable")
                assert (await http.get("/v1/usage")).status_code == 503
            gate.set()
            assert (await following)["text"] == WHOLE
            assert len(house.provider.calls) == 1
            valkey.start()
            for node in (house[1], house[0]):  # each finds by itself that the server is back
                assert await used(node, key) == await charged(house) | {"concurrent-requests": 0}
            assert (await followed(house[0], key, await started(house[0], key, model="quick")))["text"]
    finally:
        valkey.stop()


def told(node: Node) -> list[str]:
    """Return what a node said of its caps."""
    return [line["event"] for line in node.log if line["event"].startswith("caps_")]


async def test_caps_hold_on_every_node_while_their_valkey_is_killed(tmp_path: Path) -> None:
    """Nodes go on by what the database knows; what they let in is in the new Valkey, and nothing is charged twice."""
    valkey = services.StoppingValkey()
    try:
        async with nodes(tmp_path, cluster=valkey.url) as house:
            key, spent, fresh = await house.key(), await house.key("eve", "one"), await house.key("bo", "one")
            await followed(house[0], spent, await started(house[0], spent, model="quick"))
            gate = house.provider.hold(MODEL, 10)
            running = await started(house[0], key)
            valkey.kill()
            await followed(house[0], fresh, await started(house[0], fresh, model="quick"))
            for node in house:
                for capped in (spent, fresh):
                    async with node.http(capped) as http:
                        refused = await http.post("/v1/responses", json={"model": "quick", "input": "hi"})
                        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "usage_cap_reached")
            assert (await followed(house[1], key, await started(house[1], key, model="quick")))["text"]
            valkey.start()
            gate.set()
            assert (await followed(house[1], key, running))["text"] == WHOLE
            await house.ended()
            rows = await house.rows("SELECT charged FROM usage JOIN users ON users.id = user_id WHERE name = 'ana'")
            spent_tokens = sum(json.loads(row["charged"])["tokens"] for row in rows)
            expected = {"messages": 2, "tokens": spent_tokens, "concurrent-requests": 0}
            for node in house:
                async with asyncio.timeout(60):
                    while "caps_shared" not in told(node):
                        await used(node, key)
                assert await used(node, key) == expected
            for node in house:
                for capped in (spent, fresh):
                    async with node.http(capped) as http:
                        refused = await http.post("/v1/responses", json={"model": "quick", "input": "hi"})
                        assert refused.status_code == 429
                assert told(node) == ["caps_local", "caps_shared"]
    finally:
        valkey.stop()


async def test_answers_outlast_a_postgresql_that_is_restarted(tmp_path: Path) -> None:
    """An answer that runs while the database crashes and recovers is whole on every node, and charged once."""
    server = CrashingPostgres(Path(tempfile.mkdtemp(prefix="postgres-")))
    try:
        async with nodes(tmp_path, database=server.uri) as house:
            key = await house.key()
            gate = house.provider.hold(MODEL, 10)
            response_id = await started(house[0], key)
            following = [asyncio.create_task(followed(node, key, response_id)) for node in house]
            await asyncio.to_thread(server.crash)
            gate.set()
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
            assert [one["text"] for one in await asyncio.gather(*following)] == [WHOLE, WHOLE]
            assert len(house.provider.calls) == 1
            assert await used(house[1], key) == await charged(house) | {"concurrent-requests": 0}
    finally:
        server.remove()
