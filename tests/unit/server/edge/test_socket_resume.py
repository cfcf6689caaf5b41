"""Resuming on a socket, and the numbers of completions' chunks."""

from typing import Any

import pytest

from server.chat.live import LiveTurn
from server.core.events import Opened
from server.edge import completions_ws
from tests.unit.server.edge.doors import World, connected, tell
from tests.unit.server.edge.stories import a_turn, deltas, ending, opening, told

pytestmark = pytest.mark.usefixtures("way_out")


async def test_resuming_on_a_socket() -> None:
    """`parley:resume` shows in its lane what comes after a position, live if the turn still runs."""
    world = World()
    live = LiveTurn(a_turn("5"), [Opened(0), *opening(a_turn("5"))[1:], *deltas(["Hel", "lo"])])
    world.turns.lives["resp_5"] = live
    async with connected(world, extended=True) as wire:
        wire.send(type="parley:resume", response_id="resp_5", starting_after=4, stream_id="a")
        frame = await wire.frame()
        assert (frame["delta"], frame["sequence_number"], frame["stream_id"]) == ("lo", 5, "a")
        live.add(ending(6))
        assert (await wire.frames(4))[-1]["type"] == "response.completed"


@pytest.mark.parametrize(
    ("after", "code"), [(9, "stream_position_lost"), (-2, "invalid_value"), (2**40, "invalid_value")]
)
async def test_a_position_that_is_none(after: int, code: str) -> None:
    """It is refused in its lane at once, whether the turn has ended or not, and nothing of the turn is shown."""
    world = World()
    world.turns.lives["resp_5"] = LiveTurn(a_turn("5"), [*opening(a_turn("5")), *deltas(["Hel", "lo"])])
    world.turns.lives["resp_6"] = told([], turn=a_turn("6"))
    async with connected(world, extended=True) as wire:
        for name in ("resp_5", "resp_6"):
            wire.send(type="parley:resume", response_id=name, starting_after=after, stream_id="a")
            frame = await wire.frame()
            assert (frame["error"]["code"], frame["error"]["param"], frame["stream_id"]) == (
                code,
                "starting_after",
                "a",
            )
        wire.send(type="parley:resume", response_id="resp_6", starting_after=-1, stream_id="a")
        assert (await wire.frame())["sequence_number"] == 0


async def test_a_completion_is_resumed_by_its_numbers() -> None:
    """Clients that opted in get positions with chunks; from each of them the rest is whole, without a repeat."""
    world = World()
    body = {"messages": [{"role": "user", "content": "hi"}], "stream_options": {"include_usage": True}}
    live = told(["Hel", "lo"], turn=a_turn("1"))
    async with connected(world, completions_ws.DOOR, extended=True) as wire:
        world.turns.accept = lambda _: LiveTurn(live.turn, live.events[:3])
        wire.send(**body)
        first, second = await wire.frames(2)
        world.turns.lives["resp_1"].add(live.events[3:])
        third, finish, usage = await wire.frames(3)
        assert [one.get("sequence_number") for one in (first, second, third, finish, usage)] == [1, 4, 5, None, 9]
        assert (await wire.frame())["type"] == "parley:usage"
        for after, rest in ((1, ["Hello", "stop", "usage"]), (4, ["lo", "stop", "usage"]), (5, ["stop", "usage"])):
            wire.send(
                type="parley:resume",
                response_id="chatcmpl-1",
                starting_after=after,
                stream_options={"include_usage": True},
            )
            assert [said(chunk) for chunk in await wire.frames(len(rest))] == rest
            assert (await wire.frame())["type"] == "parley:usage"
        wire.send(type="parley:resume", response_id="chatcmpl-1", starting_after=5)
        assert said(finish := await wire.frame()) == "stop"
        assert finish["sequence_number"] == 9


def said(chunk: Any) -> str:
    """Return what a chunk says: text, its finish reason, or that it is the usage."""
    if not chunk["choices"]:
        return "usage"
    choice = chunk["choices"][0]
    return str(choice["delta"].get("content") or choice["finish_reason"])


async def test_completions_on_a_socket() -> None:
    """A frame is the body of a POST, whatever its `stream`; the answer is chunks, and no `[DONE]`."""
    world = World()
    async with connected(world, completions_ws.DOOR) as wire:
        body = {
            "messages": [{"role": "user", "content": "hi"}],
            "stream": False,
            "stream_options": {"include_usage": True},
        }
        wire.send(**body, stream_id="a")
        await wire.frame()
        tell(world.turns.lives["resp_1"], "Hel", "lo")
        frames = await wire.frames(3)
        assert [frame["object"] for frame in frames] == ["chat.completion.chunk"] * 3
        assert {frame["stream_id"] for frame in frames} == {"a"}
        assert frames[-1]["usage"]["total_tokens"] == 5
        wire.send(messages=[], stream_id="b")
        frame = await wire.frame()
        assert (frame["error"]["code"], frame["stream_id"]) == ("invalid_value", "b")
        assert "type" not in frame
