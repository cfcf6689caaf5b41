"""One socket: lanes, refusals, slow clients, and every way in which it ends."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.records import Actor, ServedBy, TurnStatus
from server.core.requests import TurnRequest
from server.edge.door import Patience
from server.edge.json_in import MOST_BYTES
from tests.unit.server.edge.doors import ANA, HI, World, connected, quiet, tell
from tests.unit.server.edge.stories import a_turn, an_outcome, deltas, ending, opening, told

pytestmark = pytest.mark.usefixtures("way_out")


async def test_one_answer() -> None:
    """A create is answered by the frames of its turn, and the socket knows that it was shown."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI)
        assert [frame["type"] for frame in await wire.frames(2)] == ["response.created", "response.in_progress"]
        live = world.turns.lives["resp_1"]
        assert live.delivered
        tell(live, "Hel", "lo")
        frames = await wire.frames(7)
        assert frames[2]["delta"] == "Hello"
        assert frames[-1]["response"]["output"][0]["content"][0]["text"] == "Hello"
        await quiet()
        assert live.followers == 0


async def test_a_lane_is_served_in_order() -> None:
    """The second create of a lane starts when the first answer has been sent; its id is claimed at receipt."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI, stream_id="a", client_request_id="r1")
        wire.send(**HI, stream_id="a", client_request_id="r2")
        # The same question: its digest is that of the first.
        await wire.frames(2)
        await quiet()
        assert len(world.turns.requests) == 1
        second = replace(world.turns.requests[0], client_request_id="r2")
        assert not world.turns.claims.receive(ANA, second).owner
        tell(world.turns.lives["resp_1"], "x")
        await wire.frames(7)
        assert (await wire.frame())["response"]["id"] == "resp_2"


async def test_lanes_interleave() -> None:
    """Answers of different lanes arrive as they come, each frame with its lane."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI, stream_id="a")
        wire.send(**HI, stream_id="b")
        assert {frame["stream_id"] for frame in await wire.frames(4)} == {"a", "b"}
        second = world.turns.lives["resp_2"]
        second.add(opening(second.turn)[1:])
        assert [frame["stream_id"] for frame in await wire.frames(2)] == ["b", "b"]
        tell(world.turns.lives["resp_1"], "x")
        assert {frame["stream_id"] for frame in await wire.frames(7)} == {"a"}


async def test_a_refused_request_leaves_its_lane_to_the_next() -> None:
    """A refusal is an error frame in its lane, and the lane goes on."""
    world = World()
    outcomes: list[Any] = [Refused("model_not_found", "No such model.", param="model"), None]

    def accept(request: TurnRequest) -> LiveTurn:
        if isinstance(refused := outcomes.pop(0), Refused):
            raise refused
        return world.turns.open(request)

    world.turns.accept = accept
    async with connected(world) as wire:
        wire.send(**HI, stream_id="a")
        wire.send(**HI, stream_id="a")
        first, second = await wire.frames(2)
        assert (first["type"], first["status"], first["stream_id"]) == ("error", 404, "a")
        assert second["type"] == "response.created"


async def test_a_fault_is_an_error_frame() -> None:
    """What goes wrong inside is `internal_error`, without its text, and the socket lives on."""
    world = World()

    def fail(request: TurnRequest) -> LiveTurn:
        raise ZeroDivisionError("secret")

    world.turns.accept = fail
    async with connected(world) as wire:
        wire.send(**HI)
        frame = await wire.frame()
        assert frame["error"]["code"] == "internal_error"
        assert "secret" not in json.dumps(frame)
        world.turns.accept = world.turns.open
        wire.send(**HI)
        assert (await wire.frame())["type"] == "response.created"


@pytest.mark.parametrize(
    ("text", "code", "lane"),
    [
        ("{", "invalid_json", None),
        ("[]", "invalid_json", None),
        ('{"input":"hi"}', "missing_field", None),
        ('{"type":"session.update","stream_id":"a"}', "unknown_frame", "a"),
        ('{"type":["x"]}', "unknown_frame", None),
        ('{"type":"response.create","stream_id":"a"}', "missing_field", "a"),
        ('{"type":"response.create","input":"hi","stream_id":"a b"}', "invalid_stream_id", None),
        ('{"type":"parley:ping"}', "unknown_frame", None),
        ('{"type":"' + "x" * MOST_BYTES + '"}', "message_too_large", None),
    ],
)
async def test_bad_frames_are_answered(text: str, code: str, lane: str | None) -> None:
    """A frame that cannot be served gets an error event in its lane; the socket lives on."""
    async with connected(World()) as wire:
        wire.send_text(text)
        frame = await wire.frame()
        assert (frame["error"]["code"], frame.get("stream_id")) == (code, lane)
        wire.send(**HI)
        assert (await wire.frame())["type"] == "response.created"


async def test_steering_is_declined() -> None:
    """A `response.steer` is answered by `response.steer.failed`."""
    async with connected(World()) as wire:
        wire.send(type="response.steer", previous_response_id="resp_1", input="x")
        frame = await wire.frame()
        assert (frame["type"], frame["error"]["code"]) == ("response.steer.failed", "steering_not_supported")
        assert frame["steer"] == {"previous_response_id": "resp_1", "input": "x"}


async def test_a_slow_client_gets_joined_deltas() -> None:
    """While a send waits, nothing queues: what came in the meantime is one delta with the last number."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI)
        await wire.frames(2)
        live = world.turns.lives["resp_1"]
        wire.reading.clear()
        live.add(opening(live.turn)[1:])
        await quiet()
        for delta in deltas([str(number % 10) for number in range(1000)]):
            live.add([delta])
            await asyncio.sleep(0)
        wire.reading.set()
        frames = await wire.frames(3)
        assert (frames[2]["delta"], frames[2]["sequence_number"]) == ("0123456789" * 100, 1003)
        assert wire.silent


async def test_a_client_that_stops_reading_is_closed() -> None:
    """A send that does not end in time closes the socket with 1013; the turn goes on."""
    world = World()
    async with connected(world, patience=Patience(send=0.01)) as wire:
        wire.reading.clear()
        deserted = asyncio.Event()

        def accept(request: TurnRequest) -> LiveTurn:
            live = world.turns.open(request)
            live.on_deserted = deserted.set
            return live

        world.turns.accept = accept
        wire.send(**HI)
        await deserted.wait()
        wire.reading.set()
        assert await wire.closed() == (1013, "slow_consumer")
        assert not world.turns.lives["resp_1"].ended


async def test_binary_frames_close_the_socket() -> None:
    """A binary frame closes with 1003."""
    async with connected(World()) as wire:
        wire.send_bytes(b"x")
        assert (await wire.closed())[0] == 1003


async def test_hanging_up_leaves_turns_and_abandons_what_waits() -> None:
    """At a disconnect the socket follows nothing more, and what had not begun is given up."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI)
        wire.send(**HI)
        await wire.frames(2)
        live = world.turns.lives["resp_1"]
        wire.hang_up()
        await quiet()
        assert live.followers == 0
        assert [claim.request.items for claim in world.turns.abandoned] == [world.turns.requests[0].items]
        assert len(world.turns.requests) == 1


async def test_a_turn_that_begins_after_the_hang_up_is_left_at_once() -> None:
    """A turn whose start outlasts the socket hears that its last follower has left."""
    world = World()
    deserted: list[bool] = []
    gate = asyncio.Event()
    start = world.turns.start

    async def slow_start(claim: Any) -> Any:
        await gate.wait()
        started = await start(claim)
        started.turn.on_deserted = lambda: deserted.append(True)
        return started

    world.turns.start = slow_start  # type: ignore[method-assign]
    async with connected(world) as wire:
        wire.send(**HI)
        await quiet()
        wire.hang_up()
        await quiet()
        gate.set()
    assert deserted == [True]


async def test_a_lost_turn_ends_its_lane_with_an_error() -> None:
    """If this process can say no more about a turn, its lane gets an error frame and goes on."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI, stream_id="a")
        await wire.frames(2)
        world.turns.lives["resp_1"].lose(RuntimeError("disk"))
        frame = await wire.frame()
        assert (frame["error"]["code"], frame["stream_id"]) == ("storage_unavailable", "a")
        wire.send(**HI, stream_id="a")
        assert (await wire.frame())["type"] == "response.created"


async def test_an_old_socket_is_closed() -> None:
    """After its lifetime a socket gets `websocket_connection_limit_reached` and 1001."""
    async with connected(World(), patience=Patience(lifetime=0.0)) as wire:
        assert (await wire.frame())["error"]["code"] == "websocket_connection_limit_reached"
        assert (await wire.closed())[0] == 1001


@pytest.mark.parametrize(("code", "close"), [("invalid_api_key", 4401), ("user_suspended", 4403)])
async def test_a_key_is_looked_at_for_every_request(code: str, close: int) -> None:
    """A key that is revoked while the socket is open ends it at the next create."""

    async def who() -> Actor:
        raise Refused(code, "No longer.")

    async with connected(World(), who=who) as wire:
        wire.send(**HI)
        assert (await wire.frame())["error"]["code"] == code
        assert (await wire.closed())[0] == close


async def test_draining_lets_answers_end() -> None:
    """A drained socket refuses what has not begun and what comes, finishes what runs, and closes with 1012."""
    world = World()
    async with connected(world, extended=True) as wire:
        wire.send(**HI)
        wire.send(**HI)
        await wire.frames(2)
        drained = asyncio.ensure_future(world.services.sockets.drain(60.0))
        assert (await wire.frame())["type"] == "parley:draining"
        assert (await wire.frame())["error"]["code"] == "draining"
        wire.send(**HI)
        assert (await wire.frame())["error"]["code"] == "draining"
        assert not drained.done()
        tell(world.turns.lives["resp_1"], "x")
        assert (await wire.frames(7))[-1]["type"] == "response.completed"
        assert (await wire.frame())["type"] == "parley:usage"
        assert (await wire.closed())[0] == 1012
        await drained


async def test_draining_does_not_wait_for_ever() -> None:
    """When the time is over, sockets are closed with 1012 whatever runs."""
    world = World()
    async with connected(world) as wire:
        wire.send(**HI)
        await wire.frames(2)
        await world.services.sockets.drain(0.0)
        assert (await wire.closed())[0] == 1012


async def test_draining_does_not_wait_for_a_client_that_does_not_read() -> None:
    """A send that is stuck is given up when the time of draining is over."""
    world = World()
    async with connected(world) as wire:
        wire.reading.clear()
        wire.send(**HI)
        await quiet()
        drained = asyncio.ensure_future(world.services.sockets.drain(0.0))
        await quiet()
        wire.reading.set()
        assert (await wire.closed())[0] == 1012
        await drained


async def test_extensions_are_for_those_who_opted_in() -> None:
    """An opted-in client is told who answers instead, and its usage after the turn."""
    world = World()
    served = ServedBy("gpt-4", "local", "usage_cap_reached")
    world.turns.accept = lambda _: told(["x"], turn=a_turn("1", served_by=served))
    async with connected(world, extended=True) as wire:
        wire.send(**HI, stream_id="a")
        frames = await wire.frames(11)
        assert [frame["type"] for frame in frames[:4]] == [
            "response.created",
            "response.in_progress",
            "parley:served_by",
            "response.output_item.added",
        ]
        assert (frames[2]["asked"], frames[2]["served"], frames[2]["stream_id"]) == ("gpt-4", "local", "a")
        assert (frames[-1]["type"], frames[-1]["tier"]) == ("parley:usage", "plus")
    async with connected(world) as wire:
        wire.send(**HI)
        assert not any(frame["type"].startswith("parley:") for frame in await wire.frames(9))
        await quiet()
        assert wire.silent


async def test_ping_and_cancel() -> None:
    """A ping is answered with its id; a cancel reaches the engine, and one that finds nothing is an error."""
    world = World()
    async with connected(world, extended=True) as wire:
        wire.send(type="parley:ping", id=7)
        assert await wire.frame() == {"type": "parley:pong", "id": 7}
        wire.send(**HI)
        await wire.frames(2)
        wire.send(type="parley:cancel", response_id="resp_1")
        wire.send(type="parley:cancel", response_id="resp_9")
        assert (await wire.frame())["error"]["code"] == "response_not_found"
        assert world.turns.cancelled == ["resp_1"]
        live = world.turns.lives["resp_1"]
        live.add(ending(2, an_outcome(TurnStatus.CANCELLED))[1:])
        assert (await wire.frame())["response"]["status"] == "cancelled"


async def test_a_ping_with_a_long_id() -> None:
    """What would be repeated to a client, which may not be reading, is bounded; the socket lives on."""
    async with connected(World(), extended=True) as wire:
        wire.send(type="parley:ping", id="x" * 254)
        refused = (await wire.frame())["error"]
        assert (refused["code"], refused["param"]) == ("invalid_value", "id")
        wire.send(type="parley:ping", id="x" * 253)
        assert await wire.frame() == {"type": "parley:pong", "id": "x" * 253}


@pytest.mark.parametrize("extended", [True, False])
async def test_an_idle_socket_tells_of_other_caps(extended: bool) -> None:  # noqa: FBT001  a parameter of the test
    """A client with the extensions on hears how full its caps are without having asked; others hear nothing."""
    world = World()
    async with connected(world, extended=extended) as wire:
        await quiet()
        world.services.sockets.tell_usage()
        await quiet()
        assert wire.silent is not extended
        assert not extended or (await wire.frame())["type"] == "parley:usage"
