"""Turns that another process owns, as they can be followed here.

A mirror reads the turn's log from the store. The owner's hints bring most events sooner; a hint that does not join what
is known, and silence, make the mirror read again. So a mirror is right however hints are lost, doubled or late.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self

from server.chat.live import LiveTurn
from server.core import items, trail
from server.core.errors import Refused
from server.core.events import Event, last_seq
from server.core.happenings import Happening
from server.core.ports import Happened, Journal, Observer, Wakeups
from server.core.ports import Turns as StoredTurns
from server.core.records import Turn
from server.core.wakes import FOLLOWED, STOP, owner_topic, read_events, turn_topic

LOOK_SECONDS: Final = 1.0
"""How long a mirror waits for a hint before it looks into the store."""

FOLLOWED_LOOKS: Final = 30
"""Looks after which the owner is told again that somebody follows, well within its patience."""

IDLE_LOOKS: Final = 5
"""Looks without a follower after which a mirror rests."""

STOP_LOOKS: Final = 60
"""Looks for which a stop is said again; an owner that died meanwhile has long been replaced."""


class _Mirror:
    """One turn, as it is known here."""

    def __init__(self, turn: Turn) -> None:
        self.live = LiveTurn(turn)
        self.news = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.stops = 0
        """Looks for which its user's stop is still said."""
        self.segment = 0

    def hear(self, hint: bytes) -> None:
        """Take the events of a hint if they join what is known, else look into the store."""
        with suppress(ValueError):
            events = read_events(hint)
            if events and events[0].seq == self.next_seq and not self.live.ended:
                self.live.add(events)
                if self.live.ended:
                    self.news.set()
                return
        self.news.set()

    @property
    def next_seq(self) -> int:
        """The number that the next event has, if none is missing."""
        return last_seq(self.live.events[-1]) + 1 if self.live.events else 0

    def add(self, events: Sequence[Event]) -> None:
        """Take what is new among `events`."""
        new = [event for event in events if event.seq >= self.next_seq]
        if new and not self.live.ended:
            self.live.add(new)

    def end(self, kept: trail.Kept) -> None:
        """Take the log of the turn, which has ended."""
        if not self.live.ended:
            self.live.close(kept)


class Mirrors:
    """The mirrors of this process, one for each turn however many follow it. A context manager."""

    def __init__(
        self,
        *,
        journal: Journal,
        stored: StoredTurns,
        wakeups: Wakeups,
        observer: Observer,
        wait: Callable[[Awaitable[object], float], Awaitable[object]] = asyncio.wait_for,
    ) -> None:
        self._journal = journal
        self._stored = stored
        self._wakeups = wakeups
        self._observer = observer
        self._wait = wait
        self._mirrors: dict[str, _Mirror] = {}
        self._stack = AsyncExitStack()
        self._closed = False

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._closed = True
        for mirror in self._mirrors.values():
            mirror.news.set()
        await self._stack.__aexit__(kind, exc, tb)

    async def of(self, turn: Turn) -> LiveTurn:
        """Return the turn as it stands now, to be followed here."""
        mirror = self._mirrors.get(turn.id)
        if mirror is None:
            mirror = _Mirror(turn)
            await self._look(mirror)
            if mirror.live.ended:
                # It ended just now: nobody has to look any more, and nobody would forget it.
                return mirror.live
            mirror = self._mirrors.setdefault(turn.id, mirror)
            mirror.live.on_followed = lambda: self._wake(mirror)
            self._wake(mirror)
        return mirror.live

    async def refresh(self, live: LiveTurn) -> bool:
        """Read what is new of a turn that is followed here; return whether it is as new as the store."""
        mirror = self._mirrors.get(live.turn.id)
        return mirror is None or await self._look(mirror)

    def stop(self, live: LiveTurn) -> None:
        """Have the owner stop the turn; said again until it has ended, as an owner may be changing."""
        mirror = self._mirrors.get(live.turn.id)
        if mirror is not None:
            mirror.stops = STOP_LOOKS
            self._wake(mirror)
            mirror.news.set()

    def _wake(self, mirror: _Mirror) -> None:
        """See to it that somebody looks; a mirror that rested goes on where it was."""
        if mirror.task is None and not mirror.live.ended and not self._closed:
            self._mirrors[mirror.live.turn.id] = mirror
            mirror.task = self._tasks.create_task(self._run(mirror))

    async def _run(self, mirror: _Mirror) -> None:
        live, turn_id = mirror.live, mirror.live.turn.id
        leave = self._wakeups.subscribe(turn_topic(turn_id), mirror.hear)
        looks = idle = 0
        try:
            while not (live.ended or self._closed) and idle < IDLE_LOOKS:
                await self._look(mirror)
                self._tell_owner(mirror, looks)
                if not live.ended:
                    with suppress(TimeoutError):
                        await self._wait(mirror.news.wait(), LOOK_SECONDS)
                    mirror.news.clear()
                looks += 1
                idle = 0 if live.followers or mirror.stops else idle + 1
        except Exception as failed:  # noqa: BLE001  the group would cancel every other mirror
            self._observer.saw(Happened(name=Happening.MIRROR_FAILED, labels={"turn": turn_id, "error": repr(failed)}))
            live.lose(failed)
        finally:
            leave()
            mirror.task = None
            if self._mirrors.get(turn_id) is mirror:
                del self._mirrors[turn_id]

    def _tell_owner(self, mirror: _Mirror, looks: int) -> None:
        """Pass on what the clients here do."""
        topic = owner_topic(mirror.live.turn.id)
        if mirror.live.followers and looks % FOLLOWED_LOOKS == 0:
            self._wakeups.publish(topic, FOLLOWED)
        if mirror.stops:
            mirror.stops -= 1
            self._wakeups.publish(topic, STOP)

    async def _look(self, mirror: _Mirror) -> bool:
        """Read from the store what is new; return whether it could be read.

        The end is read after the log: once it is there, the log may be gone.
        """
        turn = mirror.live.turn
        try:
            events, mirror.segment = await self._journal.read(turn.id, mirror.segment)
            mirror.add(events)
            stored = await self._stored.turn(turn.id, turn.user_id)
        except OSError as failed:
            self._observer.saw(Happened(name=Happening.MIRROR_FAILED, labels={"turn": turn.id, "error": repr(failed)}))
            return False
        if stored is not None and stored.outcome is not None:
            mirror.end(trail.Kept(stored.trail, items.texts(stored.reply)))
        elif stored is None:
            gone = f"Response with id '{turn.id}' was deleted."
            mirror.live.lose(Refused("response_not_found", gone, param="response_id"))
        return True
