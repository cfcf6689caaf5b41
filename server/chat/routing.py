"""Ask the upstreams of an alias, in order, until one answers."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from server.core.happenings import Happening
from server.core.ports import Batch, Call, Happened, Observer, Upstream, UpstreamFailed


class Routing:
    """All configured upstreams by name; those that are switched off are absent."""

    def __init__(self, upstreams: Mapping[str, Upstream], observer: Observer) -> None:
        self._upstreams = upstreams
        self._observer = observer

    @asynccontextmanager
    async def answer(self, call: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        """Give the answer of the first upstream that accepts `call`.

        The next one is asked on 429, 5xx, time-out or no connection, before the first token only. Raises
        `UpstreamFailed`.
        """
        async with AsyncExitStack() as stack:
            yield await self._first(call, stack)

    async def _first(self, call: Call, stack: AsyncExitStack) -> AsyncIterator[Batch]:
        failure = UpstreamFailed("upstream_unavailable", "No upstream of this model is configured.", elsewhere=False)
        for name in call.model.upstreams:
            if name not in self._upstreams:
                continue
            try:
                return await stack.enter_async_context(self._upstreams[name].answer(call))
            except UpstreamFailed as failed:
                self._observer.saw(
                    Happened(name=Happening.UPSTREAM_FAILED, labels={"upstream": name, "code": failed.code})
                )
                failure = failed
                if not failed.elsewhere:
                    break
        raise failure
