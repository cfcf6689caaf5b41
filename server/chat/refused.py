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

SECOND: Final = 1.0
KEEP_US: Final = 30 * 86_400_000_000
"""How long a refusal is kept."""
MOST: Final = 10_000
"""Refusals of different users, models or reasons that may wait for the store; more of them are not remembered."""
LONGEST: Final = 255
FORGET_EVERY: Final = 3_600


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
        self._stack.callback(tasks.create_task(self._write_on()).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)
        await self._write()

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

    async def _write_on(self) -> None:
        seconds = 0
        while True:
            await self._sleep(SECOND)
            await self._write()
            seconds += 1
            if seconds % FORGET_EVERY == 0:
                await self._refusals.forget(self._clock.now() - KEEP_US)

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            await self._refusals.add(list(waiting.values()))
        except Exception as failed:  # noqa: BLE001  they are an extra, and the store is told of elsewhere
            self._observer.saw(Happened(name=Happening.REFUSALS_LOST, labels={"error": repr(failed)}))
