"""Which upstream answers."""

from collections.abc import AsyncIterator, Iterable, Sequence
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


class Watch:
    """Hears how calls went; asks `last` last."""

    def __init__(self, last: str = "") -> None:
        self.last = last
        self.heard: list[tuple[object, ...]] = []

    def order(self, model: str, upstreams: Iterable[str]) -> Sequence[str]:
        return sorted(upstreams, key=lambda name: name == self.last)

    def asked(self, upstream: str, model: str) -> None:
        self.heard.append(("asked", upstream, model))

    def answered(self, upstream: str, model: str, waited_us: int) -> None:
        self.heard.append(("answered", upstream, waited_us))

    def dropped(self, upstream: str, model: str, retry_after_us: int | None) -> None:
        self.heard.append(("dropped", upstream, retry_after_us))

    def ended(self, upstream: str, model: str) -> None:
        self.heard.append(("ended", upstream, model))


class Stopwatch:
    """A second passes each time that it is looked at."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return 0

    def monotonic(self) -> float:
        self.seconds += 1
        return self.seconds


async def said(*providers: Provider, ears: Ears, watch: Watch | None = None) -> str:
    routing = Routing({one.name: one for one in providers}, ears, capacity=watch or Watch(), clock=Stopwatch())
    async with routing.answer(CALL) as batches:
        return "".join([batch.text async for batch in batches])


def failed(code: str, *, elsewhere: bool, retry_after: float | None = None) -> UpstreamFailed:
    return UpstreamFailed(code, "No.", elsewhere=elsewhere, retry_after=retry_after)


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


async def test_what_upstreams_do_is_heard() -> None:
    """A call begins and ends at each upstream that is asked, and in between is refused or answered."""
    watch = Watch()
    busy = Provider("first", failed("upstream_rate_limited", elsewhere=True, retry_after=1.5))
    await said(busy, Provider("second"), ears=Ears(), watch=watch)
    assert watch.heard == [
        ("asked", "first", "m"),
        ("ended", "first", "m"),
        ("dropped", "first", 1_500_000),
        ("asked", "second", "m"),
        ("answered", "second", 1_000_000),
        ("ended", "second", "m"),
    ]


async def test_what_is_wrong_with_a_call_is_no_want_of_room() -> None:
    """A call that the provider rejects says nothing of how many it takes."""
    watch = Watch()
    with pytest.raises(UpstreamFailed):
        await said(Provider("first", failed("upstream_rejected", elsewhere=False)), ears=Ears(), watch=watch)
    assert [what for what, *_ in watch.heard] == ["asked", "ended"]


async def test_an_upstream_without_room_is_asked_last() -> None:
    """The order is that of the capacity."""
    assert await said(Provider("first"), Provider("second"), ears=Ears(), watch=Watch(last="first")) == "second"
