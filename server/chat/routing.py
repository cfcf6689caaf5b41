"""Ask the upstreams of an alias, in order, until one answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from server.core.happenings import Happening
from server.core.ports import Batch, Call, Clock, Happened, Observer, Upstream, UpstreamFailed
from server.core.ports_capacity import Capacity

OVERLOADED: Final = frozenset({"upstream_rate_limited", "upstream_unavailable", "upstream_timeout"})
"""Failures that tell of an upstream that takes less than it is asked."""


class Routing:
    """All configured upstreams by name; those that are switched off are absent."""

    def __init__(
        self, upstreams: Mapping[str, Upstream], observer: Observer, *, capacity: Capacity, clock: Clock
    ) -> None:
        self._upstreams = upstreams
        self._observer = observer
        self._capacity = capacity
        self._clock = clock

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        """Give the answer of the first upstream that accepts `call`.

        Those without room are asked last. The next one is asked on 429, 5xx, time-out or no connection, before the
        first token only. Raises `UpstreamFailed`.
        """
        async with AsyncExitStack() as stack:
            yield await self._first(call, stack)

    async def _first(self, call: Call, stack: AsyncExitStack) -> AsyncIterator[Batch]:
        failure = UpstreamFailed("upstream_unavailable", "No upstream of this model is configured.", elsewhere=False)
        alias = call.model.alias
        for name in self._capacity.order(alias, call.model.upstreams):
            if name not in self._upstreams:
                continue
            try:
                return await self._asked(name, call, stack)
            except UpstreamFailed as failed:
                if failed.code in OVERLOADED:
                    rest = None if failed.retry_after is None else round(failed.retry_after * 1_000_000)
                    self._capacity.dropped(name, alias, rest)
                self._observer.saw(
                    Happened(name=Happening.UPSTREAM_FAILED, labels={"upstream": name, "code": failed.code})
                )
                failure = failed
                if not failed.elsewhere:
                    break
        raise failure

    async def _asked(self, name: str, call: Call, stack: AsyncExitStack) -> AsyncIterator[Batch]:
        """Ask one upstream; what it has begun is over when `stack` is left, or at once if it fails."""
        alias, since = call.model.alias, self._clock.monotonic()
        self._capacity.asked(name, alias)
        async with AsyncExitStack() as own:
            own.callback(self._capacity.ended, name, alias)
            batches = await own.enter_async_context(self._upstreams[name].answer(call))
            self._capacity.answered(name, alias, round((self._clock.monotonic() - since) * 1_000_000))
            stack.push_async_exit(own.pop_all())
        return batches
