"""What followers of one turn share."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from server.chat.live import LiveTurn
from server.core import trail
from server.core.events import Event, Opened
from server.edge import responses_ws
from server.edge.answers import Cursor
from server.edge.asked import Delivery
from server.edge.showing import MOST_SHARED, news_of
from tests.unit.server.edge.doors import World, connected, quiet, tell
from tests.unit.server.edge.stories import a_turn, deltas, opening, told


async def test_followers_at_one_place_share_their_frames() -> None:
    """What many followers of one turn are sent is rendered once, and each gets all of it."""
    rendered: list[int] = []

    def show(live: LiveTurn, events: Sequence[Event], after: int, delivery: Delivery) -> list[str]:
        rendered.append(after)
        return responses_ws.DOOR.show(live, events, after, delivery)

    world, door = World(), replace(responses_ws.DOOR, show=show)
    live = world.turns.lives["resp_0"] = LiveTurn(a_turn("0"), [Opened(0)])
    async with connected(world, door, extended=True) as one, connected(world, door, extended=True) as other:
        for wire in (one, other):
            wire.send(type="parley:resume", response_id="resp_0")
            await wire.frames(2)
        rendered.clear()
        tell(live, "Hel", "lo")
        frames = await one.frames(7)
        assert await other.frames(7) == frames
        assert len(rendered) == 1


def stored(words: int, number: str = "0") -> LiveTurn:
    """Return an answer of so many deltas as it comes from the store."""
    log = told([" word"] * words)
    return LiveTurn(a_turn(number), kept=trail.Kept(trail.pack(log.events), [log.text]))


async def test_a_long_finished_answer_comes_in_nine_frames_and_one_write() -> None:
    """To resume an answer of 10,000 deltas costs what its text costs, and nothing for each delta."""
    world = World()
    world.turns.lives["resp_0"] = stored(10_000)
    async with connected(world, extended=True, encoded=True) as wire:
        wire.send(type="parley:resume", response_id="resp_0")
        frames = await wire.frames(9)
        assert len(wire.writes) == 1
    assert [frame["type"] for frame in frames][-1] == "response.completed"
    assert frames[4]["delta"] == " word" * 10_000


async def test_many_long_answers_do_not_pile_up_before_a_slow_client() -> None:
    """A client that asks for many answers and takes none makes the server render few of them, and gets all in time."""
    world = World()
    for number in range(8):
        world.turns.lives[f"resp_{number}"] = stored(40_000, str(number))
    async with connected(world, extended=True, encoded=True) as wire:
        await quiet()
        wire.reading.clear()
        for number in range(8):
            wire.send(type="parley:resume", response_id=f"resp_{number}", stream_id=str(number))
        await quiet()
        assert wire.writes == []
        wire.reading.set()
        ends = [frame for frame in await wire.frames(8 * 9) if frame["type"] == "response.completed"]
    assert {frame["stream_id"] for frame in ends} == {str(number) for number in range(8)}
    assert len([size for size in wire.writes if size > 200_000]) == 8


async def test_what_is_shared_of_an_answer_that_stands_is_bounded() -> None:
    """A user who asks for one answer from each of its positions, while it says nothing, fills no memory with copies."""
    world = World()
    live = world.turns.lives["resp_0"] = LiveTurn(a_turn("0"), [Opened(0)])
    live.add([*opening(live.turn)[1:], *deltas(["word "] * 200)])
    for _ in range(2):
        live.follow(lambda: None)
    for position in range(200):
        assert news_of(Cursor(Delivery(), live, position), responses_ws.DOOR.show, extended=True) is not None
    assert 0 < len(live.rendered) <= MOST_SHARED


async def test_a_fault_with_one_follower_harms_no_other() -> None:
    """A socket whose frames cannot be made ends; who follows the same answer elsewhere sees it whole."""

    def show(live: LiveTurn, events: Sequence[Event], after: int, delivery: Delivery) -> list[str]:
        if after > 0:
            raise ZeroDivisionError
        return responses_ws.DOOR.show(live, events, after, delivery)

    world = World()
    live = world.turns.lives["resp_0"] = LiveTurn(a_turn("0"), [Opened(0)])
    with suppress(ExceptionGroup):
        async with connected(world, replace(responses_ws.DOOR, show=show), extended=True, encoded=True) as broken:
            broken.send(type="parley:resume", response_id="resp_0")
            await broken.frames(2)
            async with connected(world, extended=True, encoded=True) as wire:
                wire.send(type="parley:resume", response_id="resp_0")
                await wire.frames(2)
                live.add(opening(live.turn)[1:])
                live.add(deltas(["Hello"]))
                frames = await wire.frames(3)
    assert frames[-1]["delta"] == "Hello"
    assert live.followers == 0
