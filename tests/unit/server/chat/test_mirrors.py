"""Turns that another process owns, as they are followed here."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters.wakeups_memory import MemoryWakeups
from server.chat.live import LiveTurn
from server.chat.mirrors import IDLE_LOOKS, Mirrors
from server.core import trail
from server.core.errors import Refused
from server.core.events import Delta, Ended, Event, ItemClosed, ItemOpened, Opened
from server.core.ports import Happened, StoredTurn
from server.core.records import Message, Outcome, TextPart, TurnStatus
from server.core.wakes import FOLLOWED, STOP, owner_topic, turn_topic, write_events
from tests.unit.server.chat.test_live import TURN

BEGINNING: tuple[Event, ...] = (Opened(0), ItemOpened(2, 0, "msg_1"))


class Store:
    """What the owner has committed: a log, then an end instead of it."""

    def __init__(self) -> None:
        self.segments: list[Sequence[Event]] = [BEGINNING]
        self.stored: StoredTurn | None = StoredTurn(turn=TURN, outcome=None, reply=None, trail=b"")
        self.looks = 0

    async def read(self, turn_id: str, after: int) -> tuple[Sequence[Event], int]:
        self.looks += 1
        return [event for events in self.segments[after:] for event in events], len(self.segments)

    async def turn(self, turn_id: str, user_id: str) -> StoredTurn | None:
        return self.stored

    def end(self) -> list[Event]:
        """End the turn: its log is gone and its trail is there. Return the last events."""
        said = [event for events in self.segments for event in events]
        number = said[-1].seq + (2 if isinstance(said[-1], ItemOpened) else 1)
        last: list[Event] = [ItemClosed(number, 0), Ended(number + 3, Outcome(status=TurnStatus.COMPLETED))]
        text = "".join(event.text for event in said if isinstance(event, Delta))
        reply = Message(id="msg_1", role="assistant", parts=(TextPart(text),), created_at=0)
        outcome = Outcome(status=TurnStatus.COMPLETED)
        self.stored = StoredTurn(turn=TURN, outcome=outcome, reply=reply, trail=trail.pack([*said, *last]))
        self.segments = []
        return last


class Silent:
    def saw(self, happened: Happened) -> None:
        pass


async def no_patience(news: Awaitable[object], seconds: float) -> None:
    """Wait for one turn of the event loop, in the place of a second."""
    asyncio.ensure_future(news).cancel()
    await asyncio.sleep(0)
    raise TimeoutError


@asynccontextmanager
async def mirrors(
    store: Store, wakeups: MemoryWakeups, wait: Callable[[Awaitable[object], float], Awaitable[object]] = no_patience
) -> AsyncIterator[Mirrors]:
    async with Mirrors(journal=store, stored=store, wakeups=wakeups, observer=Silent(), wait=wait) as made:  # type: ignore[arg-type]
        yield made


async def until(true: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110  any turn of the loop may bring it about
            await asyncio.sleep(0)


def follow(live: LiveTurn) -> Callable[[], None]:
    return live.follow(lambda: None)


async def test_a_mirror_shows_at_once_what_is_stored() -> None:
    """Who asks for the turn gets what is committed by then, without waiting."""
    store = Store()
    store.segments.append([Delta(4, 0, "Hel")])
    async with mirrors(store, MemoryWakeups()) as made:
        assert (await made.of(TURN)).text == "Hel"


async def test_without_hints_the_store_is_enough() -> None:
    """If every hint is lost, the mirror finds the rest and the end in the store."""
    store = Store()
    async with mirrors(store, MemoryWakeups()) as made:
        live = await made.of(TURN)
        follow(live)
        store.segments.append([Delta(4, 0, "Hello")])
        await until(lambda: live.text == "Hello")
        store.end()
        await until(lambda: live.ended)
    assert live.outcome is not None
    assert live.text == "Hello"


@given(
    st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=20),
)
async def test_hints_in_any_order_make_no_gap_and_no_repeat(texts: list[str], said: list[tuple[int, bool]]) -> None:
    """Whichever hints come, late, doubled or never, a follower ends with the text, its numbers always rising."""
    store, wakeups = Store(), MemoryWakeups()
    batches: list[Sequence[Event]] = [[Delta(4 + at, 0, text)] for at, text in enumerate(texts)]
    async with mirrors(store, wakeups) as made:
        live = await made.of(TURN)
        follow(live)
        for which, commits in said:
            if commits and len(store.segments) <= len(batches):
                store.segments.append(batches[len(store.segments) - 1])
            elif which < len(store.segments) - 1:
                wakeups.publish(turn_topic(TURN.id), write_events(batches[which]))
            await asyncio.sleep(0)
        store.segments[1:] = batches
        wakeups.publish(turn_topic(TURN.id), write_events(store.end()))
        await until(lambda: live.ended)
    assert live.text == "".join(texts)
    numbers = [event.seq for event in live.events]
    assert numbers == sorted(set(numbers))


async def test_a_mirror_can_be_made_as_new_as_the_store() -> None:
    """What a client has seen at the owner is known here as soon as it is asked for; a store that is away is said."""
    store = Store()
    async with mirrors(store, MemoryWakeups(), wait=asyncio.wait_for) as made:
        live = await made.of(TURN)
        store.segments.append([Delta(4, 0, "Hello")])
        assert await made.refresh(live)
        assert (live.position, live.text) == (4, "Hello")

        async def away(turn_id: str, after: int) -> tuple[Sequence[Event], int]:
            raise OSError("away")

        store.read = away  # type: ignore[method-assign]
        assert not await made.refresh(live)


async def test_a_mirror_without_followers_rests_and_wakes() -> None:
    """Nobody is looked for for ever; whoever follows the turn later still gets all of it."""
    store = Store()
    async with mirrors(store, MemoryWakeups()) as made:
        live = await made.of(TURN)
        await until(lambda: store.looks > IDLE_LOOKS)
        for _ in range(20):
            await asyncio.sleep(0)
        looks = store.looks
        for _ in range(20):
            await asyncio.sleep(0)
        assert store.looks == looks
        leave = follow(live)
        store.segments.append([Delta(4, 0, "Hello")])
        await until(lambda: live.text == "Hello")
        leave()


async def test_the_owner_hears_of_followers_and_of_nobody() -> None:
    """The owner is told that somebody follows elsewhere, and not told so when nobody does."""
    store, wakeups = Store(), MemoryWakeups()
    heard: list[bytes] = []
    wakeups.subscribe(owner_topic(TURN.id), heard.append)
    async with mirrors(store, wakeups) as made:
        live = await made.of(TURN)
        await until(lambda: store.looks > IDLE_LOOKS)
        assert heard == []
        follow(live)
        await until(lambda: heard == [FOLLOWED])


async def test_a_stop_is_said_until_the_turn_has_ended() -> None:
    """A lost stop is said again, though nobody follows the turn here."""
    store, wakeups = Store(), MemoryWakeups()
    heard: list[bytes] = []
    wakeups.subscribe(owner_topic(TURN.id), heard.append)
    async with mirrors(store, wakeups) as made:
        live = await made.of(TURN)
        made.stop(live)
        await until(lambda: heard.count(STOP) > IDLE_LOOKS + 2)
        store.end()
        await until(lambda: live.ended)
        said = heard.count(STOP)
        for _ in range(20):
            await asyncio.sleep(0)
        assert heard.count(STOP) <= said + 1


async def test_a_deleted_turn_is_lost_in_words() -> None:
    """If the turn is deleted while it is followed, the follower is told that there is none."""
    store = Store()
    async with mirrors(store, MemoryWakeups()) as made:
        live = await made.of(TURN)
        follow(live)
        store.stored = None
        await until(lambda: live.ended)
    with pytest.raises(Refused, match="response_not_found"):
        raise live.lost or LookupError


@pytest.mark.parametrize("known", [0, 1, 2])
async def test_an_ended_turn_is_gone_on_with_from_any_position(known: int) -> None:
    """Who has seen more than the mirror knows, from another node, is shown the rest and nothing twice."""
    store = Store()
    said = [Delta(4, 0, "a"), Delta(5, 0, "b"), Delta(6, 0, "c"), Delta(7, 0, "d")]
    store.segments.append(said[:known])
    async with mirrors(store, MemoryWakeups()) as made:
        live = await made.of(TURN) if known else None
        store.segments[1:] = [said]
        store.end()
        live = live or await made.of(TURN)
        follow(live)
        await until(lambda: live.ended)
    assert live.text == "abcd"
    rest = [live.after(position) for position in (3, 4, 5, 6, 7)]
    assert ["".join(event.text for event in events if isinstance(event, Delta)) for events in rest] == [
        "abcd",
        "bcd",
        "cd",
        "d",
        "",
    ]


async def test_a_turn_that_ended_as_it_was_asked_for_is_not_kept() -> None:
    """Its end is shown, and nothing of it stays in memory beyond those who look at it."""
    store = Store()
    async with mirrors(store, MemoryWakeups()) as made:
        store.end()
        live = await made.of(TURN)
        assert live.outcome is not None
        gone = weakref.ref(live)
        del live
        gc.collect()
        assert gone() is None
