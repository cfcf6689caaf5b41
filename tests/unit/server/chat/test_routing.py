"""Which upstream answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.chat.routing import Routing
from server.core.ports import Batch, Call, Happened, UpstreamFailed
from server.core.records import Model, Sampling

CALL = Call(
    model=Model(alias="m", upstreams=("off", "first", "second"), upstream_id="m", context=1000),
    messages=(),
    sampling=Sampling(),
)


class Provider:
    """Says its name, or fails."""

    def __init__(self, name: str, failure: UpstreamFailed | None = None) -> None:
        self.name, self.failure = name, failure

    @asynccontextmanager
    async def answer(self, _: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        if self.failure:
            raise self.failure
        yield self._batches()

    async def _batches(self) -> AsyncIterator[Batch]:
        yield Batch(self.name, finish="stop")


class Ears:
    """Remembers which upstreams failed."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def saw(self, happened: Happened) -> None:
        self.heard.append((happened.labels["upstream"], happened.labels["code"]))


async def said(*providers: Provider, ears: Ears) -> str:
    async with Routing({one.name: one for one in providers}, ears).answer(CALL) as batches:
        return "".join([batch.text async for batch in batches])


def failed(code: str, *, elsewhere: bool) -> UpstreamFailed:
    return UpstreamFailed(code, "No.", elsewhere=elsewhere)


async def test_the_first_that_is_there_answers() -> None:
    """An upstream that is switched off is passed over, and nobody hears of it."""
    ears = Ears()
    assert await said(Provider("first"), Provider("second"), ears=ears) == "first"
    assert ears.heard == []


async def test_the_next_answers_where_the_first_cannot() -> None:
    """A failure that another upstream may not have moves the call on, and is told."""
    ears = Ears()
    busy = Provider("first", failed("upstream_rate_limited", elsewhere=True))
    assert await said(busy, Provider("second"), ears=ears) == "second"
    assert ears.heard == [("first", "upstream_rate_limited")]


async def test_a_call_that_is_wrong_is_wrong_everywhere() -> None:
    """What the provider refuses for the call's own sake is asked of nobody else."""
    ears = Ears()
    with pytest.raises(UpstreamFailed) as failure:
        await said(Provider("first", failed("upstream_rejected", elsewhere=False)), Provider("second"), ears=ears)
    assert (failure.value.code, ears.heard) == ("upstream_rejected", [("first", "upstream_rejected")])


async def test_the_last_failure_is_told() -> None:
    """Where all fail, the last one is the reason; where none is there, that is."""
    with pytest.raises(UpstreamFailed) as failure:
        await said(
            Provider("first", failed("upstream_timeout", elsewhere=True)),
            Provider("second", failed("upstream_unavailable", elsewhere=True)),
            ears=Ears(),
        )
    assert failure.value.code == "upstream_unavailable"
    with pytest.raises(UpstreamFailed, match="No upstream of this model is configured"):
        await said(ears=Ears())
