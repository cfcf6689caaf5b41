"""What a socket says when something fails that is nobody's request."""

from server.chat.live import LiveTurn
from server.core.ports import StoreAway
from server.core.requests import TurnRequest
from tests.unit.server.edge.doors import HI, World, connected


async def test_a_database_that_is_away_is_an_error_frame() -> None:
    """The client learns that the same may succeed later, and the socket lives on."""
    world = World()

    def fail(request: TurnRequest) -> LiveTurn:
        raise StoreAway("gone")

    world.turns.accept = fail
    async with connected(world) as wire:
        wire.send(**HI)
        frame = await wire.frame()
        assert (frame["status"], frame["error"]["code"]) == (503, "storage_unavailable")
        world.turns.accept = world.turns.open
        wire.send(**HI)
        assert (await wire.frame())["type"] == "response.created"
