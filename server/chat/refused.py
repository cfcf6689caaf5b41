"""Remember what users were refused, so that "why was I refused?" has an answer later."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from server.core.errors import Refused
from server.core.happenings import Happening
from server.core.moments import micros
from server.core.ports import Clock, Happened, Observer
from server.core.ports_operator import Refusal, Refusals
from server.core.records import Actor
from server.core.rounds import attempt, every

SECOND: Final = 1.0
KEEP_US: Final = 30 * 86_400_000_000
"""How long a refusal is kept."""
MOST: Final = 10_000
"""Refusals of different users, models or reasons that may wait for the store; more of them are not remembered."""
LONGEST: Final = 255
FORGET_EVERY: Final = 3_600.0
"""Seconds between two looks for refusals that are older."""


class Remembering:
    """A context manager within which refusals are gathered, and written once a second.

    A client that is refused a thousand times a second costs one row a minute.
    """

    def __init__(
        self,
        *,
        refusals: Refusals,
        clock: Clock,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._refusals, self._clock, self._observer, self._sleep = refusals, clock, observer, sleep
        self._waiting: dict[tuple[str, ...], Refusal] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        for seconds, work in ((SECOND, self._write), (FORGET_EVERY, self._forget)):
            rounds = every(seconds, work, sleep=self._sleep, failed=self._lost)
            self._stack.callback(tasks.create_task(rounds).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)
        await attempt(self._write, self._lost)

    def note(self, actor: Actor, model: str | None, refused: Refused) -> None:
        """Remember that the actor was refused. Never waits and never raises."""
        limit: Any = refused.extra.get("limit")
        next_at = refused.extra.get("next_at")
        at = self._clock.now()
        new = Refusal(
            user_id=actor.user_id,
            code=refused.code,
            model=(model or "")[:LONGEST],
            cap=limit["id"] if limit else "",
            count=1,
            last_at=at,
            next_at=None if next_at is None else micros(next_at),
        )
        key = (new.user_id, new.code, new.model, new.cap)
        known = self._waiting.get(key)
        if known is not None:
            self._waiting[key] = replace(new, count=known.count + 1)
        elif len(self._waiting) < MOST:
            self._waiting[key] = new

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if waiting:
            await self._refusals.add(list(waiting.values()))

    async def _forget(self) -> None:
        await self._refusals.forget(self._clock.now() - KEEP_US)

    def _lost(self, failed: Exception) -> None:
        # They are an extra, and the store is told of elsewhere.
        self._observer.saw(Happened(name=Happening.REFUSALS_LOST, labels={"error": repr(failed)}))
