"""What followers of one turn share."""

from collections.abc import Sequence
from dataclasses import replace

from server.chat.live import LiveTurn
from server.core.events import Event, Opened
from server.edge import responses_ws
from server.edge.asked import Delivery
from tests.unit.server.edge.doors import World, connected, tell
from tests.unit.server.edge.stories import a_turn


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
