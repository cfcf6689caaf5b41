"""Conversations as they are followed here, whatever becomes of hints."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from server.chat.live import LiveTurn
from server.chat.live_conversations import LiveConversations
from server.core.errors import Refused
from server.core.events import Ended, Opened
from server.core.happenings import Happening
from server.core.records import Actor, Conversation, Outcome, TurnStatus
from server.core.wakes import conversation_topic
from tests.unit.server.edge.doors import ANA, FakeClock, World, quiet
from tests.unit.server.edge.stories import a_turn

TOPIC = conversation_topic("conv_1")


class Beats:
    """A sleep that lasts until the test says so."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    async def sleep(self, _: float) -> None:
        await self._next.wait()

    async def beat(self) -> None:
        await quiet()
        self._next.set()
        self._next = asyncio.Event()
        await quiet()


class Follower:
    """Somebody who follows, and the ids of the turns they were told of."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.heard = 0

    def hear(self, begun: Sequence[LiveTurn]) -> None:
        self.told += [live.turn.id for live in begun]
        self.heard += 1


class Scene(World):
    """A world with one conversation, whose followed conversations look when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.store.kept = [Conversation(id="conv_1", user_id="ana", created_at=0, updated_at=0)]
        self.beats = Beats()
        self.following = LiveConversations(
            store=self.store,
            find=self.turns.find,
            wakeups=self.wakeups,
            clock=FakeClock(),
            observer=self,
            look_seconds=3.0,
            sleep=self.beats.sleep,
        )

    def begin(self, name: str, *, ended: bool = False) -> LiveTurn:
        live = LiveTurn(a_turn(name, conversation_id="conv_1"), [Opened(0)])
        if ended:
            live.add([Ended(2, Outcome(status=TurnStatus.COMPLETED))])
        self.turns.lives[live.turn.id] = live
        return live


@asynccontextmanager
async def scene() -> AsyncIterator[tuple[Scene, Follower]]:
    one = Scene()
    async with one.following:
        yield one, Follower()


async def test_without_hints_the_store_is_enough() -> None:
    """A turn whose hint is lost is found at the next look, also if it has ended by then, and told once."""
    async with scene() as (world, ana):
        world.begin("1", ended=True)
        live, _ = await world.following.follow(ANA, "conv_1", ana.hear)
        world.begin("2")
        world.begin("3", ended=True)
        await quiet()
        assert ana.told == []
        await world.beats.beat()
        assert sorted(ana.told) == ["resp_2", "resp_3"]
        await world.beats.beat()
        assert (sorted(ana.told), ana.heard) == (["resp_2", "resp_3"], 1)
        assert [one.turn.id for one in live.running] == ["resp_2"]


async def test_hints_that_come_twice_tell_once() -> None:
    """However many hints there are, each turn is told of once, to every follower."""
    async with scene() as (world, ana):
        bo = Follower()
        await world.following.follow(ANA, "conv_1", ana.hear)
        await world.following.follow(ANA, "conv_1", bo.hear)
        world.begin("1")
        for _ in range(3):
            world.following.changed("conv_1")
            await quiet()
        assert (ana.told, bo.told) == (["resp_1"], ["resp_1"])


async def test_a_look_that_fails_is_said_and_made_again() -> None:
    """Nothing is lost while the store is away."""
    async with scene() as (world, ana):
        await world.following.follow(ANA, "conv_1", ana.hear)
        world.begin("1")
        standings = world.store.standings

        async def away(conversation_ids: Sequence[str], since: int) -> object:
            raise OSError("away")

        world.store.standings = away  # type: ignore[method-assign, assignment]
        await world.beats.beat()
        assert [one.name for one in world.happened] == [Happening.FOLLOW_FAILED]
        world.store.standings = standings  # type: ignore[method-assign]
        await world.beats.beat()
        assert ana.told == ["resp_1"]


async def test_nothing_is_watched_when_nobody_follows() -> None:
    """The last follower's leaving ends the looking; a new one finds how things stand then."""
    async with scene() as (world, ana):
        _, leave = await world.following.follow(ANA, "conv_1", ana.hear)
        _, leave_too = await world.following.follow(ANA, "conv_1", ana.hear)
        leave()
        assert world.wakeups.heard(TOPIC)
        leave_too()
        assert not world.wakeups.heard(TOPIC)
        world.store.kept[0] = replace(world.store.kept[0], title="Later")
        live, _ = await world.following.follow(ANA, "conv_1", ana.hear)
        assert live.conversation.title == "Later"


async def test_anothers_conversation_is_not_watched() -> None:
    """It is refused, and nothing is left behind."""
    async with scene() as (world, ana):
        with pytest.raises(Refused, match="conversation_not_found"):
            await world.following.follow(Actor("bo", "Bo", "plus"), "conv_1", ana.hear)
        assert not world.wakeups.heard(TOPIC)


async def test_a_deletion_is_told() -> None:
    """Followers of a conversation that goes are told once."""
    async with scene() as (world, ana):
        live, _ = await world.following.follow(ANA, "conv_1", ana.hear)
        world.store.kept.clear()
        await world.beats.beat()
        await world.beats.beat()
        assert (live.deleted, ana.heard) == (True, 1)
