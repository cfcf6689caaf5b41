"""The Python client against a server that dies and comes back."""

import asyncio
import signal
from pathlib import Path

from client import Completed, Created, Delta, Event, Happening, Interrupted, Parley, TurnBegun
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


async def test_another_device_follows_through_a_kill(tmp_path: Path) -> None:
    """A follower sees the message and every word of its answer once, though the server died in the middle."""
    settings = settings_in(tmp_path, CHANGES | {"listen": f"127.0.0.1:{free_port()}"})
    config = tmp_path / "parley.yaml"
    half = asyncio.Event()
    async with served(config) as (address, process):
        key = await House.key_in(settings)
        desk = await Parley(address, key, chance=lambda: 0.1).__aenter__()
        phone = await Parley(address, key, chance=lambda: 0.1).__aenter__()
        created, *_ = [event async for event in desk.send("one", conversation="new", max_output_tokens=1)]
        assert isinstance(created, Created)
        assert created.conversation is not None
        seen: asyncio.Future[list[Happening]] = asyncio.ensure_future(followed(phone, created.conversation, half))
        answer = asyncio.ensure_future(desk.ask("two", conversation=created.conversation))
        await half.wait()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with served(config):
        happened = await asyncio.wait_for(seen, 60)
        assert await asyncio.wait_for(answer, 60) == WHOLE
        await desk.__aexit__(None, None, None)
        await phone.__aexit__(None, None, None)
    assert "".join(one.text for one in happened if isinstance(one, Delta)) == WHOLE
    (turn,) = [one for one in happened if isinstance(one, TurnBegun)]
    assert turn.input[0]["content"][0]["text"] == "two"
    assert [type(one) for one in happened].count(Interrupted) == 1


async def followed(phone: Parley, conversation: str, half: asyncio.Event) -> list[Happening]:
    """Follow a conversation until a turn has ended; say when a good part of its answer has come."""
    happened, seen = list[Happening](), 0
    async for one in phone.follow(conversation):
        happened.append(one)
        seen += len(one.text) if isinstance(one, Delta) else 0
        if seen > len(WHOLE) // 4:
            half.set()
        if isinstance(one, Completed):
            break
    return happened
