"""Follow demand: end the seconds of the fast loop, think the published caps over, and share them with all nodes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from ratelimit.adaptive import Adaptive, Published
from ratelimit.adaptive.publishing import Signs, step
from ratelimit.adaptive.rules import PERIOD_US
from server.chat.demand import Demand
from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer
from server.core.ports_operator import Document
from server.core.rounds import every

SECOND: Final = 1.0


class Adapting:
    """A context manager within which demand is followed; without rules it does nothing.

    One node thinks over the caps of a period for all of them, by what it saw itself: with the requests spread over the
    nodes each sees the same. What another node or an operator has changed holds here within a second.
    """

    def __init__(
        self,
        *,
        adaptive: Adaptive,
        document: Document,
        clock: Clock,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._adaptive, self._document = adaptive, document
        self._clock, self._observer, self._sleep = clock, observer, sleep
        self._stack = AsyncExitStack()
        self._text: str | None = None
        self._period = clock.now() // PERIOD_US

    async def __aenter__(self) -> Self:
        if self._adaptive.rules:
            await self._look()
            tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
            rounds = every(SECOND, self.beat, sleep=self._sleep, failed=self._failed)
            self._stack.callback(tasks.create_task(rounds).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)

    async def beat(self) -> None:
        """Do what is due each second."""
        self._adaptive.tick()
        for model in self._adaptive.models():
            if model.upstreams:
                self._saw(Happening.LIMIT, model.limit, model=model.model)
        period = self._clock.now() // PERIOD_US
        if period > self._period:
            self._period = period
            signs = self._adaptive.signs()
            await self._document.change(lambda text: self._thought_over(text, signs, period))
        await self._look()

    def _thought_over(self, text: str | None, signs: Mapping[str, Signs], period: int) -> str | None:
        demand = Demand.read(text)
        if demand.period >= period:
            return None
        now = self._clock.now()
        published = {
            name: step(demand.published.get(name, Published()), rule, signs[name], now)
            for name, rule in self._adaptive.rules.items()
        }
        return replace(demand, period=period, published=published).text

    async def _look(self) -> None:
        """Let what all nodes share hold here, and tell of it."""
        text = await self._document.read()
        if text == self._text:
            return
        before = Demand.read(self._text)
        demand = Demand.read(text)
        self._text = text
        self._adaptive.publish(demand.published, demand.pins)
        for rule in self._adaptive.rules.values():
            for tier in rule.tiers:
                part = demand.part(rule, tier)
                if part != before.part(rule, tier):
                    self._saw(Happening.CAP_PUBLISHED, part / 10, rule=rule.name, tier=tier, part=f"{part / 10:g}")

    def _failed(self, why: Exception) -> None:
        # The next second tries again; what was published holds.
        self._saw(Happening.DEMAND_FAILED, 1.0, error=repr(why))

    def _saw(self, name: Happening, value: float, **labels: str) -> None:
        self._observer.saw(Happened(name=name, labels=labels, value=value))
