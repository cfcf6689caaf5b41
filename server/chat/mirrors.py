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
from server.core import trail
from server.core.events import Event, last_seq
from server.core.ports import Happened, Journal, Observer, Wakeups
from server.core.ports import Turns as StoredTurns
from server.core.records import Turn
from server.core.wakes import FOLLOWED, STOP, owner_topic, read_events, turn_topic

LOOK_SECONDS: Final = 1.0
"""How long a mirror waits for a hint before it looks into the store."""

FOLLOWED_LOOKS: Final = 30
"""Looks after which the owner is told again that somebody follows, well within its patience."""


class _Mirror:
    """One turn, read from the store until it has ended or nobody follows it here."""

    def __init__(self, turn: Turn) -> None:
        self.live = LiveTurn(turn)
        self.live.on_deserted = self._leave
        self.news = asyncio.Event()
        self.left = False
        self.stops = False
        """Whether its user wants it stopped."""
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

    def _leave(self) -> None:
        self.left = True
        self.news.set()


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

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for mirror in self._mirrors.values():
            mirror.left = True
            mirror.news.set()
        await self._stack.__aexit__(kind, exc, tb)

    def of(self, turn: Turn) -> LiveTurn:
        """Return the turn to be followed here."""
        mirror = self._mirrors.get(turn.id)
        if mirror is None or mirror.left:
            mirror = self._mirrors[turn.id] = _Mirror(turn)
            self._tasks.create_task(self._run(mirror))
        return mirror.live

    def stop(self, live: LiveTurn) -> None:
        """Have the owner stop the turn; said again until it has ended, as an owner may be changing."""
        mirror = self._mirrors.get(live.turn.id)
        if mirror is not None:
            mirror.stops = True
            mirror.news.set()

    async def _run(self, mirror: _Mirror) -> None:
        turn_id = mirror.live.turn.id
        leave = self._wakeups.subscribe(turn_topic(turn_id), mirror.hear)
        looks = 0
        try:
            while not mirror.live.ended and (mirror.stops or not mirror.left):
                if looks % FOLLOWED_LOOKS == 0:
                    self._wakeups.publish(owner_topic(turn_id), FOLLOWED)
                if mirror.stops:
                    self._wakeups.publish(owner_topic(turn_id), STOP)
                await self._look(mirror)
                looks += 1
                if not mirror.live.ended:
                    with suppress(TimeoutError):
                        await self._wait(mirror.news.wait(), LOOK_SECONDS)
                    mirror.news.clear()
        except Exception as failed:  # noqa: BLE001  the group would cancel every other mirror
            self._observer.saw(Happened(name="mirror_failed", labels={"turn": turn_id, "error": repr(failed)}))
            mirror.live.lose(failed)
        finally:
            leave()
            if self._mirrors.get(turn_id) is mirror:
                del self._mirrors[turn_id]

    async def _look(self, mirror: _Mirror) -> None:
        """Read from the store what is new. The end is read after the log: once it is there, the log may be gone."""
        turn = mirror.live.turn
        try:
            events, mirror.segment = await self._journal.read(turn.id, mirror.segment)
            mirror.add(events)
            stored = await self._stored.turn(turn.id, turn.user_id)
        except OSError as failed:
            self._observer.saw(Happened(name="mirror_failed", labels={"turn": turn.id, "error": repr(failed)}))
            return
        if stored is not None and stored.outcome is not None:
            mirror.add(trail.unpack(stored.trail, stored.reply.text if stored.reply else ""))
        elif stored is None:
            mirror.live.lose(LookupError("the turn was deleted"))
