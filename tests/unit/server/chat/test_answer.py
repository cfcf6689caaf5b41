"""One answer, from the upstream's first text to its stored end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import cast

import pytest

from server.chat.answer import END_RETRIES, Answer, Ending, Question, StorageFailed
from server.chat.routing import Routing
from server.core.events import Delta, Event, ItemOpened, Opened
from server.core.ports import Batch, Call, Fenced, Happened, Journal, TurnEnd, UpstreamFailed, Verdict
from server.core.records import Model, Sampling, TurnStatus
from tests.contracts.turn_records import a_turn
from tests.unit.server.chat.cast import unwatched

MODEL = Model(alias="gpt-4", upstreams=("mock",), upstream_id="m", context=1000)
HELD_BACK = " (held back)"
WHOLE = (Batch("Hello"), Batch(" there", finish="stop"))


class Clock:
    """Time that stands."""

    def now(self) -> int:
        return 2_000

    def monotonic(self) -> float:
        return 0.0


class Provider:
    """Says what it was given, and raises what is among it."""

    def __init__(self, says: tuple[Batch | Exception, ...]) -> None:
        self._says = says

    @asynccontextmanager
    async def answer(self, _: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        yield self._batches()

    async def _batches(self) -> AsyncIterator[Batch]:
        for one in self._says:
            await asyncio.sleep(0)
            if isinstance(one, Exception):
                raise one
            yield one


class Screen:
    """Shows what `feed` makes of a text, and at the end what it held back."""

    def __init__(self, feed: Callable[[str], str]) -> None:
        self._feed = feed
        self._held = ""

    def feed(self, text: str) -> tuple[str, Verdict | None]:
        self._held = HELD_BACK
        return self._feed(text), None

    def close(self) -> tuple[str, Verdict | None]:
        return self._held, None


class Stage:
    """An answer and what stands around it: a log in which all is durable at once, and ears for what happens."""

    def __init__(self, *says: Batch | Exception, feed: Callable[[str], str] = str) -> None:
        self.ends: list[TurnEnd] = []
        self.happened: list[str] = []
        self.slept: list[float] = []
        self.fails_to_end: list[Exception] = []
        self.commits = True
        self.stored: list[Event] = [Opened(0)]
        self.unheard: list[Event] = []
        """What the store has, where it is more than anybody was told."""
        self.answer = Answer(
            a_turn(),
            owner=1,
            clock=Clock(),
            journal=cast(Journal, self),
            routing=Routing({"mock": Provider(says)}, self, capacity=unwatched(), clock=Clock()),
            observer=self,
            sleep=self.sleep,
            unlisted_for=0,
            price=None,
        )
        self.answer.log = self
        self.answer.open(Opened(0))
        self._screen = Screen(feed)

    async def run(self) -> Ending | None:
        call = Call(model=MODEL, messages=(), sampling=Sampling())
        return await self.answer.run(
            Question(call=call, screen=self._screen, another=lambda: Screen(str), prompt_tokens=3, count=len)
        )

    def saw(self, happened: Happened) -> None:
        self.happened.append(happened.name)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def backlog(self) -> int:
        return 0

    async def read(self, _turn_id: str, _after: int) -> tuple[Sequence[Event], int]:
        return self.unheard or self.stored, 1

    def append(self, event: Event) -> None:
        if self.commits:
            self.stored.append(event)
            self.answer.committed([event])

    async def end(self, end: TurnEnd) -> None:
        if self.fails_to_end:
            raise self.fails_to_end.pop(0)
        self.ends.append(end)


async def test_a_whole_answer_is_stored_with_what_was_held_back() -> None:
    """The reply is all that was shown, and it costs one message and its tokens."""
    stage = Stage(*WHOLE)
    ending = await stage.run()
    assert ending is not None
    assert (ending.outcome.status, ending.charged) == (TurnStatus.COMPLETED, {"messages": 1, "tokens": 3 + 11})
    (end,) = stage.ends
    assert end.reply is not None
    assert end.reply.text == stage.answer.live.text == "Hello there" + HELD_BACK


async def test_a_provider_that_fails_gives_the_message_back() -> None:
    """What arrived is stored, and the turn says with which code it failed."""
    stage = Stage(Batch("Hel"), UpstreamFailed("upstream_broke_off", "It broke off.", elsewhere=False))
    ending = await stage.run()
    assert ending is not None
    assert (ending.outcome.error_code, ending.charged["messages"]) == ("upstream_broke_off", 0)
    assert stage.answer.live.text == "Hel" + HELD_BACK


async def test_a_fault_of_ours_still_ends_the_turn() -> None:
    """An exception that nobody promised is reported and stored as `internal_error`, not left without an end."""
    stage = Stage(Batch("Hel"), KeyError("odd"))
    ending = await stage.run()
    assert ending is not None
    assert (ending.outcome.status, ending.outcome.error_code) == (TurnStatus.FAILED, "internal_error")
    assert (ending.charged["messages"], stage.happened) == (0, ["first_token", "turn_crashed"])
    assert stage.answer.live.outcome == ending.outcome


async def test_a_screen_that_fails_shows_nothing_more() -> None:
    """What a broken screen held back stays back: it may be what it was to stop."""

    def feed(text: str) -> str:
        if text == " there":
            raise RuntimeError
        return text

    stage = Stage(*WHOLE, feed=feed)
    await stage.run()
    assert stage.answer.live.text == "Hello"


async def test_a_stop_before_the_first_text_costs_nothing() -> None:
    """A turn that is stopped before it produced anything ends as cancelled, without a reply."""
    stage = Stage(*WHOLE)
    stage.answer.stop("user")
    ending = await stage.run()
    assert ending is not None
    assert (ending.outcome.status, ending.charged, stage.ends[0].reply) == (TurnStatus.CANCELLED, {}, None)


async def test_a_leaving_process_writes_no_end() -> None:
    """The next owner ends the turn and charges it."""
    stage = Stage(*WHOLE)
    stage.answer.stop("leaving")
    assert (await stage.run(), stage.ends) == (None, [])


async def test_a_disk_that_recovers_gets_the_end() -> None:
    """The end is tried again after a while."""
    stage = Stage(*WHOLE)
    stage.fails_to_end = [OSError("full"), OSError("full")]
    assert await stage.run() is not None
    assert (len(stage.ends), stage.slept) == (1, list(END_RETRIES[:2]))


@pytest.mark.parametrize(
    ("failures", "lost"),
    [([Fenced("resp_1")], Fenced), ([OSError("full")] * (len(END_RETRIES) + 1), StorageFailed)],
)
async def test_an_end_that_cannot_be_written_is_never_shown(failures: list[Exception], lost: type[Exception]) -> None:
    """Who follows hears that the turn is lost here, and nobody is told that it was charged."""
    stage = Stage(*WHOLE)
    stage.fails_to_end = failures
    assert await stage.run() is None
    assert isinstance(stage.answer.live.lost, lost)
    assert stage.answer.live.outcome is None


class Breaking(Stage):
    """A log that breaks after the first word, in the moment in which the user presses stop."""

    def __init__(self) -> None:
        super().__init__(Batch("one "), Batch("two "), Batch("three ", finish="stop"))

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, Delta) and not self.commits:
            self.answer.stop("user")
            self.answer.broken(OSError("no disk"))
        self.commits = not isinstance(event, Delta)


async def test_a_log_that_breaks_while_the_user_stops_ends_where_it_broke() -> None:
    """What was not committed is neither shown nor stored, so that nobody has a gap before the end."""
    stage = Breaking()
    ending = await stage.run()
    assert ending is not None
    assert (ending.outcome.error_code, ending.charged["messages"]) == ("storage_unavailable", 0)
    (end,) = stage.ends
    assert end.reply is not None
    assert end.reply.text == stage.answer.live.text == "one "


async def test_what_other_nodes_may_have_shown_stays() -> None:
    """A commit of which nothing was heard may have taken place; the end comes after what it wrote."""
    stage = Breaking()
    stage.unheard = [Opened(0), ItemOpened(2, 0, "msg_1", "message"), Delta(4, 0, "one "), Delta(5, 0, "two ")]
    ending = await stage.run()
    assert ending is not None
    (end,) = stage.ends
    assert end.reply is not None
    assert end.reply.text == "one two "
    assert [event.seq for event in end.events] == [6, 9]
