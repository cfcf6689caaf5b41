"""Conversations that a socket follows."""

from dataclasses import replace
from typing import Any

import pytest

from server.chat.live import LiveTurn
from server.core.errors import CLOSE_SLOW
from server.core.events import Opened
from server.core.records import Conversation, Message, TextPart, TurnStatus
from server.edge import completions_ws
from server.edge.follows import MOST_FOLLOWED, MOST_UNTOLD
from tests.unit.server.edge.doors import HI, World, connected, quiet, tell
from tests.unit.server.edge.stories import NOW, a_turn, an_outcome, deltas, ending, opening
from tests.unit.server.edge.wires import Wire

ASK = Message(id="msg_ask", role="user", parts=(TextPart("Why?"),), created_at=NOW, parent_id="msg_0", turn_id="resp_5")

pytestmark = pytest.mark.usefixtures("way_out")


def a_world() -> World:
    """Return a world with a conversation of Ana's and one of Bo's."""
    world = World()
    world.store.kept = [
        Conversation(id="conv_1", user_id="ana", created_at=0, updated_at=0, title="Sky", leaf_id="msg_0"),
        Conversation(id="conv_2", user_id="bo", created_at=0, updated_at=0),
    ]
    world.store.said = [ASK]
    return world


def begin(world: World, name: str = "5", *, told: bool = True, **changes: Any) -> LiveTurn:
    """Let a turn begin in the conversation, on another device."""
    facts = {"conversation_id": "conv_1", "input_ids": ("msg_ask",), "parent_id": "msg_0"}
    live = LiveTurn(a_turn(name, **(facts | changes)), [Opened(0)])
    world.turns.lives[live.turn.id] = live
    if told:
        world.following.changed("conv_1")
    return live


def change(world: World, **changes: Any) -> None:
    """Change the conversation, on another device."""
    world.store.kept[0] = replace(world.store.kept[0], **changes)
    world.following.changed("conv_1")


async def followed(wire: Wire, **frame: Any) -> Any:
    """Follow the conversation and return the answer."""
    wire.send(type="parley:follow", conversation="conv_1", **frame)
    return await wire.frame()


async def test_a_turn_of_another_device_is_seen() -> None:
    """Its message is told, then its events come in a lane of their own, to the end; then the new leaf."""
    world = a_world()
    async with world.following, connected(world, extended=True) as wire:
        assert await followed(wire) == {
            "type": "parley:conversation",
            "conversation": "conv_1",
            "event": "followed",
            "title": "Sky",
            "leaf": "msg_0",
            "running": [],
        }
        live = begin(world)
        turn = await wire.frame()
        assert (turn["event"], turn["response_id"], turn["stream_id"]) == ("turn", "resp_5", "resp_5")
        assert (turn["parent"], turn["model"], turn["persona"]) == ("msg_0", "gpt-4", "assistant")
        assert [(one["id"], one["parent_id"], one["content"][0]["text"]) for one in turn["input"]] == [
            ("msg_ask", "msg_0", "Why?")
        ]
        tell(live, "Be", "cause")
        frames = await wire.frames(9)
        assert {frame["stream_id"] for frame in frames} == {"resp_5"}
        assert (frames[0]["type"], frames[4]["delta"], frames[-1]["type"]) == (
            "response.created",
            "Because",
            "response.completed",
        )
        assert (await wire.frame())["type"] == "parley:usage"
        change(world, leaf_id="msg_5")
        leaf = await wire.frame()
        assert (leaf["event"], leaf["leaf"]) == ("leaf", "msg_5")
        assert live.followers == 0


async def test_joining_in_the_middle() -> None:
    """A turn that runs already is told of too: the text so far, then the rest."""
    world = a_world()
    live = begin(world)
    live.add([*opening(live.turn)[1:], *deltas(["Be", "ca"])])
    async with world.following, connected(world, extended=True) as wire:
        assert (await followed(wire))["running"] == ["resp_5"]
        frames = await wire.frames(6)
        assert (frames[0]["event"], frames[5]["delta"]) == ("turn", "Beca")
        live.add(deltas(["use"], 6))
        assert (await wire.frame())["delta"] == "use"


async def test_titles_cancel_and_deletion_are_seen() -> None:
    """What any device does with the conversation is told to whoever follows it; after the deletion nothing more."""
    world = a_world()
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        change(world, title="Blue sky")
        assert (await wire.frame())["title"] == "Blue sky"
        live = begin(world)
        await wire.frames(3)
        live.add(ending(2, an_outcome(TurnStatus.CANCELLED))[1:])
        assert (await wire.frame())["response"]["status"] == "cancelled"
        assert (await wire.frame())["type"] == "parley:usage"
        another = begin(world, "6")
        await wire.frames(3)
        world.store.kept.pop(0)
        world.following.changed("conv_1")
        assert (await wire.frame())["event"] == "deleted"
        tell(another, "x")
        await quiet()
        assert wire.silent
        assert another.followers == 0


async def test_a_turn_asked_for_here_is_not_shown_twice() -> None:
    """A socket that follows the conversation of its own turn gets that turn in the lane of its request only."""
    world = a_world()
    world.turns.accept = lambda _: begin(world)
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        wire.send(**HI, conversation="conv_1", stream_id="a")
        assert {frame["stream_id"] for frame in await wire.frames(2)} == {"a"}
        tell(world.turns.lives["resp_5"], "x")
        assert {frame["stream_id"] for frame in await wire.frames(7)} == {"a"}
        world.following.changed("conv_1")
        assert (await wire.frame())["type"] == "parley:usage"
        await quiet()
        assert wire.silent


async def test_a_followed_turn_that_is_resumed_moves_to_its_lane() -> None:
    """From then on its events come there, from the position that was named."""
    world = a_world()
    live = begin(world)
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        await wire.frames(3)
        wire.send(type="parley:resume", response_id="resp_5", starting_after=1, stream_id="a")
        await quiet()
        live.add(opening(live.turn)[1:])
        assert [frame["stream_id"] for frame in await wire.frames(2)] == ["a", "a"]
        assert live.followers == 1


async def test_unfollowing() -> None:
    """It is answered, ends the lanes of the conversation's turns, and following again begins anew."""
    world = a_world()
    live = begin(world)
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        await wire.frames(3)
        wire.send(type="parley:unfollow", conversation="conv_1")
        assert (await wire.frame())["event"] == "unfollowed"
        tell(live, "x")
        change(world, title="Unseen")
        await quiet()
        assert wire.silent
        assert (await followed(wire))["title"] == "Unseen"


async def test_what_cannot_be_followed() -> None:
    """What does not exist and what is another user's are refused alike, in the lane of the frame."""
    world = a_world()
    async with world.following, connected(world, extended=True) as wire:
        for conversation in ("conv_2", "conv_9"):
            wire.send(type="parley:follow", conversation=conversation, stream_id="a")
            frame = await wire.frame()
            assert (frame["error"]["code"], frame["stream_id"]) == ("conversation_not_found", "a")
        wire.send(type="parley:follow")
        assert (await wire.frame())["error"]["param"] == "conversation"


async def test_a_socket_follows_a_bounded_number_of_conversations() -> None:
    """One more is refused; those that are followed already are answered again."""
    world = a_world()
    world.store.kept += [replace(world.store.kept[0], id=f"conv_{n}") for n in range(10, 10 + MOST_FOLLOWED)]
    async with world.following, connected(world, extended=True) as wire:
        for kept in world.store.kept[2:]:
            wire.send(type="parley:follow", conversation=kept.id)
            assert (await wire.frame())["event"] == "followed"
        wire.send(type="parley:follow", conversation="conv_1")
        assert (await wire.frame())["error"]["code"] == "websocket_follow_limit_reached"
        wire.send(type="parley:follow", conversation="conv_10")
        assert (await wire.frame())["event"] == "followed"


async def test_many_followed_turns_take_no_lanes() -> None:
    """Turns of others run beside the sixteen that a socket may ask for."""
    world = a_world()
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        for number in range(40):
            begin(world, str(number + 100))
            await wire.frames(3)
        wire.send(**HI, stream_id="a")
        assert (await wire.frame())["stream_id"] == "a"


async def test_a_client_that_is_far_behind_is_closed() -> None:
    """Turns do not wait without bound for a client that does not read."""
    world = a_world()
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        wire.reading.clear()
        for number in range(MOST_UNTOLD + 4):
            begin(world, str(number + 100))
            await quiet()
        wire.reading.set()
        while (message := await wire.message())["type"] == "websocket.send":
            pass
        assert message["code"] == CLOSE_SLOW.code


async def test_hanging_up_leaves_everything() -> None:
    """Nothing is watched for a socket that is gone."""
    world = a_world()
    live = begin(world)
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        await wire.frames(3)
        wire.hang_up()
        await quiet()
        assert live.followers == 0
        assert not world.wakeups.heard("conversation:conv_1")


@pytest.mark.parametrize("extended", [True, False])
async def test_on_the_chat_socket(*, extended: bool) -> None:
    """The same frames, and chunks in the turn's lane; only for clients that opted in."""
    world = a_world()
    async with world.following, connected(world, completions_ws.DOOR, extended=extended) as wire:
        frame = await followed(wire)
        if not extended:
            assert frame["error"]["code"] == "missing_field"
            return
        live = begin(world)
        assert (await wire.frame())["event"] == "turn"
        tell(live, "x")
        chunks = await wire.frames(3)
        assert {(chunk["id"], chunk["stream_id"]) for chunk in chunks} == {("chatcmpl-5", "resp_5")}


async def test_titles_do_not_queue_for_a_client_that_does_not_read() -> None:
    """A conversation that is renamed all the time costs the socket nothing until its client reads; it sees the last."""
    world = a_world()
    async with world.following, connected(world, extended=True) as wire:
        await followed(wire)
        wire.reading.clear()
        for number in range(100):
            change(world, title=f"Sky {number}")
            await quiet()
        wire.reading.set()
        titles = [(await wire.frame())["title"]]
        while titles[-1] != "Sky 99":
            titles.append((await wire.frame())["title"])
    assert len(titles) < 5
