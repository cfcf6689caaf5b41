"""Let the live policy hold: find it at start, look for another one twice a second, keep the last that can hold."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Final, Self

from ratelimit import InvalidTiers, Tiers
from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer
from server.core.ports_operator import Policies
from server.core.rounds import every

LOOK_SECONDS: Final = 0.5

Parse = Callable[[Mapping[str, Any]], Tiers]
"""From a policy to its tiers, over the models of this node. Raises `InvalidTiers`."""


def text_of(policy: Mapping[str, Any]) -> str:
    """Return the policy as it is stored. The order of tiers and lines counts, so it is kept."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


class Policing:
    """A context manager within which the live policy holds.

    `own` is the policy of this node's files, which has been checked. A live policy that this node cannot enforce, since
    it names models that are not here, leaves the last one in force and is told.
    """

    def __init__(
        self,
        *,
        own: Mapping[str, Any],
        parse: Parse,
        policies: Policies,
        clock: Clock,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._own, self._parse, self._policies = own, parse, policies
        self._clock, self._observer, self._sleep = clock, observer, sleep
        self._tiers = parse(own)
        self._number: int | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        revision, live = await self._policies.publish_file(text_of(self._own), by="server", now=self._clock.now())
        if live:
            self._number = revision.number
        else:
            self._saw(Happening.POLICY_WAITS, revision=str(revision.number))
        await self.look()
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        rounds = every(LOOK_SECONDS, self.look, sleep=self._sleep, failed=self._failed)
        self._stack.callback(tasks.create_task(rounds).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)

    def tiers(self) -> Tiers:
        """Return the tiers in force."""
        return self._tiers

    async def look(self) -> None:
        """Let the live revision hold, if it is another one than before."""
        number = (await self._policies.labels()).get("live")
        if number is None or number == self._number:
            return
        revision = await self._policies.revision(number)
        if revision is None:
            return
        self._number = number
        try:
            self._tiers = self._parse(json.loads(revision.policy))
        except InvalidTiers as invalid:
            self._saw(Happening.POLICY_REFUSED, revision=str(number), error=str(invalid.errors[0]))
        else:
            self._saw(Happening.POLICY_LIVE, number, revision=str(number))

    def _failed(self, why: Exception) -> None:
        self._saw(Happening.DEMAND_FAILED, error=repr(why))

    def _saw(self, name: Happening, value: float = 1.0, **labels: str) -> None:
        self._observer.saw(Happened(name=name, labels=labels, value=value))
