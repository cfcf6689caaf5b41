"""The Python client against a server that dies and comes back."""

import asyncio
import signal
from pathlib import Path

from client import Completed, Created, Delta, Event, Interrupted, Parley
from tests.harness import House, settings_in
from tests.processes import free_port, served

WHOLE = "".join(f" {index:04d}" for index in range(100))
CHANGES = {
    "models": {"slow": {"upstream": "mock", "id": "t100-d20", "context": 8000, "prefill": True}},
    "default_model": "slow",
    "groups": {},
    "tiers": {"plus": {"slow": "unlimited"}},
    "default_tier": "plus",
}


async def read(parley: Parley, half: asyncio.Event, text: str) -> list[Event]:
    """Read an answer to its end; say when a good part of it has come."""
    events, seen = list[Event](), 0
    async for event in parley.send(text, conversation="new"):
        events.append(event)
        seen += len(event.text) if isinstance(event, Delta) else 0
        if seen > len(WHOLE) // 4:
            half.set()
    return events


async def test_answers_survive_a_server_that_is_killed(tmp_path: Path) -> None:
    """Two answers that stream when the server is killed arrive whole and once after it has restarted."""
    settings = settings_in(tmp_path, CHANGES | {"listen": f"127.0.0.1:{free_port()}"})
    config = tmp_path / "parley.yaml"
    halves = [asyncio.Event(), asyncio.Event()]
    async with served(config) as (address, process):
        client = await Parley(address, await House.key_in(settings), chance=lambda: 0.1).__aenter__()
        answers = [asyncio.ensure_future(read(client, half, str(number))) for number, half in enumerate(halves)]
        for half in halves:
            await half.wait()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with served(config):
        for answer in answers:
            events = await asyncio.wait_for(answer, 60)
            assert "".join(event.text for event in events if isinstance(event, Delta)) == WHOLE
            assert [type(event) for event in events if not isinstance(event, Delta)] == [
                Created,
                Interrupted,
                Completed,
            ]
        assert await asyncio.wait_for(client.ask("again"), 60) == WHOLE
        await client.__aexit__(None, None, None)
