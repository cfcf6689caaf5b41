"""Conversations that nobody has used for long are deleted, where the configuration says after how long."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

from server.chat.live_conversations import LiveConversations
from server.core.happenings import Happening
from server.core.ports import Clock, Conversations, Happened, Observer
from server.core.ports_conversations import Keeping

EVERY: Final = 600.0
"""Seconds between two rounds."""
AT_ONCE: Final = 100
"""Conversations that are looked for together."""


class Retaining:
    """A context manager within which old conversations go. `keep` is in microseconds; None keeps them for ever."""

    def __init__(
        self,
        *,
        keep: int | None,
        keeping: Keeping,
        store: Conversations,
        live: LiveConversations,
        clock: Clock,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._keep, self._keeping, self._store, self._live = keep, keeping, store, live
        self._clock, self._observer, self._sleep = clock, observer, sleep
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._keep is not None:
            tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
            self._stack.callback(tasks.create_task(self._on(self._keep)).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)

    async def _on(self, keep: int) -> None:
        while True:
            try:
                await self._round(self._clock.now() - keep)
            except Exception as failed:  # noqa: BLE001  the next round tries again
                self._observer.saw(Happened(name=Happening.TIDY_FAILED, labels={"error": repr(failed)}))
            await self._sleep(EVERY)

    async def _round(self, before: int) -> None:
        while old := await self._keeping.unused(before, AT_ONCE):
            for conversation_id, user_id in old:
                await self._store.delete(conversation_id, user_id)
                self._live.changed(conversation_id)
