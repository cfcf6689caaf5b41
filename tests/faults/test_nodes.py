"""Nodes are killed, paused and told to stop under running answers: every follower gets all of each, once."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.asking import charged, followed, persistent, started, used
from tests.nodes import LEASE, Nodes, nodes
from tests.provider import WHOLE

pytestmark = pytest.mark.services
MODEL = "t60-d20"
ASKERS = 60 if os.environ.get("PARLEY_FAULTS") == "full" else 10
LONG = "".join(f" {index:04d}" for index in range(150))


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Nodes]:
    """Two nodes."""
    async with nodes(tmp_path) as house:
        yield house


async def test_an_answer_outlives_its_node(two: Nodes) -> None:
    """A node is killed: followers of its answer on the other keep their connection and see it go on, charged once."""
    key = await two.key()
    two.provider.hold(MODEL, 10)
    response_id = await started(two[0], key)
    following = [asyncio.create_task(followed(two[1], key, response_id)) for _ in range(3)]
    await two.provider.answering.wait()
    two.provider.gates.clear()
    await two[0].kill()
    assert [one["text"] for one in await asyncio.gather(*following)] == [WHOLE] * 3
    assert await used(two[1], key) == await charged(two) | {"concurrent-requests": 0}
    assert len(await two.rows("SELECT turn_id FROM usage")) == 1


async def test_an_answer_that_cannot_be_continued_ends_with_its_node(two: Nodes) -> None:
    """Where the model cannot go on from a prefix, the answer ends as incomplete, and its message is given back."""
    key = await two.key()
    two.provider.hold(MODEL, 10)
    response_id = await started(two[0], key, model="breaking")
    following = asyncio.create_task(followed(two[1], key, response_id))
    await two.provider.answering.wait()
    await two[0].kill()
    ended = await following
    assert ended["status"] == "incomplete"
    assert WHOLE.startswith(ended["text"])
    assert (await used(two[1], key))["messages"] == 0
    assert len(two.provider.calls) == 1


async def test_a_node_that_wakes_late_writes_nothing_more(two: Nodes) -> None:
    """A node is paused for longer than its lease: the other goes on with its answer, and it only finds that out."""
    key = await two.key()
    gate = two.provider.hold(MODEL, 10)
    response_id = await started(two[0], key)
    following = asyncio.create_task(followed(two[1], key, response_id))
    await two.provider.answering.wait()
    two[0].pause()
    two.provider.gates.clear()
    assert (await asyncio.wait_for(following, 10 * LEASE))["text"] == WHOLE
    before = await two.rows("SELECT * FROM turns, messages, usage ORDER BY messages.id")
    two[0].go_on()
    gate.set()
    async with asyncio.timeout(10 * LEASE):
        while two.provider.open:  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0.05)
    # It is alive and knows how the answer ended.
    assert (await followed(two[0], key, response_id))["text"] == WHOLE
    assert await two.rows("SELECT * FROM turn_segments") == []
    after = await two.rows("SELECT * FROM turns, messages, usage ORDER BY messages.id")
    noted = {"settled_at": None}
    assert [row | noted for row in after] == [row | noted for row in before]
    assert await used(two[0], key) == await charged(two) | {"concurrent-requests": 0}


async def test_a_rolling_restart_loses_nothing(tmp_path: Path) -> None:
    """Both nodes are restarted, one after the other, under load: every answer is whole, once, and charged once."""
    changes = {
        "turns": {"lease": f"{LEASE}s", "drain": "1s"},
        "models": {
            "long": {"upstream": "mock", "id": "t150-d20", "context": 8000, "prefill": True},
        },
        "default_model": "long",
        "groups": {},
        "tiers": {"plus": {"long": "100000 messages / 3h", "tokens": "90M / 24h", "at_once": 1000}},
    }
    async with nodes(tmp_path, changes=changes) as house:
        key = await house.key()

        restarted = asyncio.Event()

        async def ask(asker: int) -> int:
            """Ask again and again while nodes are restarted; return how often."""
            asked = 0
            while not restarted.is_set():
                name = f"{asker}-{asked}"
                assert await persistent(house, key, name, first=asker % 2, model="long") == LONG
                asked += 1
            return asked

        asking = [asyncio.create_task(ask(asker)) for asker in range(ASKERS)]
        for node in house:
            while house.provider.open < ASKERS:  # noqa: ASYNC110  what is waited for tells nobody
                await asyncio.sleep(0.05)
            node.stop()
            # It ends as one that was told to, once all is done.
            assert await node.gone() in {0, -signal.SIGTERM}
            await node.start()
        restarted.set()
        turns = sum(await asyncio.gather(*asking))
        rows = await house.rows("SELECT charged FROM usage")
        assert sum(json.loads(row["charged"])["messages"] for row in rows) == len(rows) == turns
        assert await used(house[0], key) == await charged(house) | {"concurrent-requests": 0}
        continued = len(house.provider.calls) - turns
        print(f"{turns} answers, {continued} handed over")
        assert continued > 0
