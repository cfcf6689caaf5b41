"""Conversations as doors follow them: how each stands, the turns that run in it, and a way to hear of more.

What is told is read from the store, when a hint says that something has changed and now and then without one. So it is
right however hints are lost, and however many nodes there are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from server.chat.live import LiveTurn
from server.chat.refusals import no_conversation
from server.core.errors import Refused
from server.core.happenings import Happening
from server.core.ports import Clock, Conversations, Happened, Observer, Standing, Wakeups
from server.core.records import Actor, Conversation
from server.core.wakes import conversation_topic

LOOK_AT_ONCE: Final = 500
"""Conversations that one look into the store asks for."""

LATELY: Final = 60_000_000
"""Microseconds for which a turn that has ended can still be found. The clocks of nodes may differ by as much."""

Hear = Callable[[Sequence[LiveTurn]], None]


class LiveConversation:
    """One conversation while somebody follows it here. Belongs to one event loop."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.deleted = False
        self.running: list[LiveTurn] = []
        """Oldest first."""
        self._hear: dict[int, Hear] = {}
        self._next_key = 0

    @property
    def followers(self) -> int:
        """How many follow now."""
        return len(self._hear)

    def add(self, begun: Sequence[LiveTurn]) -> None:
        """Take turns that have begun and tell the followers that something is new."""
        self.running = [live for live in (*self.running, *begun) if not live.ended]
        for hear in list(self._hear.values()):
            hear(begun)

    def follow(self, hear: Hear) -> Callable[[], None]:
        """Call `hear` whenever something is new, with the turns that have begun; return what ends it.

        `hear` must not wait and must not raise.
        """
        key, self._next_key = self._next_key, self._next_key + 1
        self._hear[key] = hear
        return lambda: self._drop(key)

    def _drop(self, key: int) -> None:
        self._hear.pop(key, None)


@dataclass(slots=True, kw_only=True)
class _Watch:
    """One followed conversation, and what is known of its turns."""

    live: LiveConversation
    actor: Actor
    leave: Callable[[], None]
    known: frozenset[str] | None = None
    """Turns that followers were told of, or that had ended before; None before the first look."""


class LiveConversations:
    """The followed conversations of this process, each once however many follow it. A context manager.

    A change is seen after `look_seconds` even if its hint is lost.
    """

    def __init__(
        self,
        *,
        store: Conversations,
        find: Callable[[Actor, str], Awaitable[LiveTurn]],
        wakeups: Wakeups,
        clock: Clock,
        observer: Observer,
        look_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._find = find
        self._wakeups = wakeups
        self._clock = clock
        self._observer = observer
        self._look_seconds = look_seconds
        self._sleep = sleep
        self._watches: dict[str, _Watch] = {}
        self._wanted: dict[str, None] = {}
        self._news = asyncio.Event()
        self._looking = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        for work in (self._run(), self._beat()):
            self._stack.callback(tasks.create_task(work).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)

    def changed(self, conversation_id: str) -> None:
        """Tell whoever follows the conversation, on any node, that there is something to see."""
        self._wakeups.publish(conversation_topic(conversation_id), b"")

    async def follow(
        self, actor: Actor, conversation_id: str, hear: Hear
    ) -> tuple[LiveConversation, Callable[[], None]]:
        """Return the conversation as it stands, and what ends the following. Raises `Refused`."""
        found = await self._store.conversation(conversation_id, actor.user_id)
        if found is None:
            raise no_conversation(conversation_id)
        watch = self._watch(actor, found)
        leave = watch.live.follow(lambda _: None)
        try:
            await self._look([conversation_id])
            if watch.live.deleted:
                raise no_conversation(conversation_id)
            following = watch.live.follow(hear)
        finally:
            leave()
            self._rest(conversation_id)

        def end() -> None:
            following()
            self._rest(conversation_id)

        return watch.live, end

    def _watch(self, actor: Actor, conversation: Conversation) -> _Watch:
        watch = self._watches.get(conversation.id)
        if watch is None:
            leave = self._wakeups.subscribe(
                conversation_topic(conversation.id), lambda _: self._want([conversation.id])
            )
            watch = _Watch(live=LiveConversation(conversation), actor=actor, leave=leave)
            self._watches[conversation.id] = watch
        return watch

    def _rest(self, conversation_id: str) -> None:
        watch = self._watches.get(conversation_id)
        if watch is not None and not watch.live.followers:
            watch.leave()
            del self._watches[conversation_id]

    def _want(self, conversation_ids: Sequence[str]) -> None:
        self._wanted.update(dict.fromkeys(conversation_ids))
        self._news.set()

    async def _beat(self) -> None:
        while True:
            await self._sleep(self._look_seconds)
            if self._watches:
                self._want(list(self._watches))

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            wanted, self._wanted = list(self._wanted), {}
            for begin in range(0, len(wanted), LOOK_AT_ONCE):
                try:
                    await self._look(wanted[begin : begin + LOOK_AT_ONCE])
                except Exception as failed:  # noqa: BLE001  the next look tries again
                    self._observer.saw(Happened(name=Happening.FOLLOW_FAILED, labels={"error": repr(failed)}))

    async def _look(self, conversation_ids: Sequence[str]) -> None:
        """Read from the store what is new. One look at a time, so that none ends with what an earlier one has read."""
        async with self._looking:
            asked = [one for one in conversation_ids if one in self._watches]
            if not asked:
                return
            standings = await self._store.standings(asked, self._clock.now() - LATELY)
            for conversation_id in asked:
                watch = self._watches.get(conversation_id)
                if watch is not None:
                    await self._see(watch, standings.get(conversation_id))

    async def _see(self, watch: _Watch, standing: Standing | None) -> None:
        live = watch.live
        if standing is None:
            if not live.deleted:
                live.deleted = True
                live.add(())
            return
        before = live.conversation
        known = frozenset(standing.ended) if watch.known is None else watch.known
        begun = [
            found
            for turn_id in (*standing.ended, *standing.running)
            if turn_id not in known and (found := await self._turn(watch.actor, turn_id)) is not None
        ]
        watch.known = frozenset((*standing.ended, *standing.running))
        live.conversation = standing.conversation
        if begun or (before.title, before.leaf_id) != (live.conversation.title, live.conversation.leaf_id):
            live.add(begun)

    async def _turn(self, actor: Actor, turn_id: str) -> LiveTurn | None:
        try:
            return await self._find(actor, turn_id)
        except Refused:
            # Its conversation was deleted just now; the next look finds that.
            return None
