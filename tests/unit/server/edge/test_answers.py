"""Answers on a socket: where they begin."""

from server.chat.live import LiveTurn
from tests.unit.server.edge.doors import World, connected
from tests.unit.server.edge.stories import a_turn, deltas, ending, opening


async def test_resuming_after_the_end_shows_the_end_again() -> None:
    """Whoever has seen all of an answer is told so, and waits for nothing; what is after the end is no position."""
    world = World()
    turn = a_turn("5")
    world.turns.lives["resp_5"] = LiveTurn(turn, [*opening(turn), *deltas(["Hel", "lo"]), *ending(6)])
    async with connected(world, extended=True) as wire:
        for seen, shown in ((9, "response.completed"), (10, "error"), (1_000_000, "error")):
            wire.send(type="parley:resume", response_id="resp_5", starting_after=seen, stream_id="a")
            frame = await wire.frame()
            while frame["type"] == "parley:usage":
                frame = await wire.frame()
            assert (frame["type"], frame["stream_id"]) == (shown, "a")
