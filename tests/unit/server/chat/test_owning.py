"""The turns that a process owns: none holds up its leaving, and each gets the end that it asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from ratelimit import Limiter
from server.adapters.wakeups_memory import MemoryWakeups
from server.chat.adopting import Adopting
from server.chat.answer import Answer, Question
from server.chat.owning import Owning, Pace
from server.chat.routing import Routing
from server.chat.settling import RETRIES, Settling
from server.core.errors import Refused
from server.core.events import Event, Opened
from server.core.ports import Batch, Call, Conversations, Fenced, Happened, Journal, LogSink, Orphan, TurnEnd, Verdict
from server.core.ports_charges import Charges
from server.core.records import Message, Model, Sampling, TurnStatus
from server.core.wakes import ORPHANS
from tests.contracts.turn_records import a_turn
from tests.unit.server.chat.cast import unwatched

MODEL = Model(alias="gpt-4", upstreams=("mock",), upstream_id="m", context=1000)


class Clock:
    """Time that stands, unless a test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> int:
        return 2_000

    def monotonic(self) -> float:
        return self.seconds


class Log:
    """A log in which all is durable at once."""

    def __init__(self, sink: LogSink, ends: list[TurnEnd]) -> None:
        self._sink, self._ends = sink, ends

    def append(self, event: Event) -> None:
        self._sink.committed([event])

    async def end(self, end: TurnEnd) -> None:
        self._ends.append(end)


class Screen:
    """Shows everything."""

    def feed(self, text: str) -> tuple[str, Verdict | None]:
        return text, None

    def close(self) -> tuple[str, Verdict | None]:
        return "", None


class Noting:
    """A store that takes note of what the ledger was told."""

    async def settled(self, _turn_ids: Collection[str], _now: int) -> None:
        return None


class Stage:
    """What stands around the owned turns: a model that says hello once `says` is set, a ledger, a journal."""

    def __init__(self, limiter: object = None, *, beats: bool = False) -> None:
        self.clock = Clock()
        self.beats = beats
        self.says = asyncio.Event()
        self.looked: list[int] = []
        self.fails_to_settle: list[Exception] = []
        self.settled: list[str] = []
        self.ends: list[TurnEnd] = []
        self.orphans: list[Orphan] = []
        self.leases: list[tuple[dict[str, int], int]] = []
        self.wakeups = MemoryWakeups()
        self.happened: list[str] = []
        self.owning = Owning(
            clock=self.clock,
            journal=cast(Journal, self),
            conversations=cast(Conversations, self),
            adopting=cast(Adopting, self),
            limiter=cast(Limiter, limiter or self),
            settling=Settling(
                clock=Clock(),
                limiter=cast(Limiter, self),
                charges=cast(Charges, Noting()),
                observer=self,
                patience=0,
                sleep=self.sleep,
            ),
            routing=Routing({"mock": self}, self, capacity=unwatched(), clock=Clock()),
            observer=self,
            wakeups=self.wakeups,
            pace=Pace(),
            lengths={},
            prices={},
            sleep=self.sleep,
        )

    def begin(self, name: str = "1") -> Answer:
        """Let a turn be answered, as if it had just been accepted."""
        answer = self.owning.answer(a_turn(name))
        answer.log = Log(answer, self.ends)
        answer.open(Opened(0))
        self.owning.begin(answer, self.question())
        return answer

    def question(self) -> Question:
        call = Call(model=MODEL, messages=(), sampling=Sampling())
        return Question(call=call, screen=Screen(), another=Screen, prompt_tokens=3, count=len)

    def saw(self, happened: Happened) -> None:
        self.happened.append(happened.name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0 if seconds in RETRIES or self.beats else 3600)

    @asynccontextmanager
    async def answer(self, _: Call) -> AsyncIterator[AsyncIterator[Batch]]:
        yield self._batches()

    async def _batches(self) -> AsyncIterator[Batch]:
        await self.says.wait()
        yield Batch("Hello", finish="stop")

    async def settle(self, hold_id: str, _: Mapping[str, int]) -> bool:
        if self.fails_to_settle:
            raise self.fails_to_settle.pop()
        self.settled.append(hold_id)
        return True

    async def renew(self, owners: Mapping[str, int], until: int) -> Sequence[str]:
        self.leases.append((dict(owners), until))
        return ()

    async def adopt(self, now: int, _until: int, *, everyone: bool) -> Sequence[Orphan]:
        self.looked.append(now)
        return self.orphans

    def resume(self, _: Orphan, sink: LogSink) -> Log:
        return Log(sink, self.ends)

    async def path(self, _leaf_id: str, _user_id: str) -> Sequence[Message]:
        return ()

    async def question_again(self, *_: object) -> Question:
        return self.question()

    def backlog(self) -> int:
        return 0


async def until(holds: Callable[[], bool]) -> None:
    """Let others run until it holds."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  what is waited for tells nobody
            await asyncio.sleep(0)


async def test_a_ledger_that_fails_touches_no_other_turn() -> None:
    """A hold that cannot be settled is reported at each attempt, and the turns beside it are settled."""
    stage = Stage()
    stage.says.set()
    async with stage.owning:
        stage.begin("1")
        await until(lambda: stage.settled == ["hold_1"])
        stage.fails_to_settle = [ValueError("closed") for _ in (*RETRIES, None)]
        stage.begin("2")
        await until(lambda: not stage.fails_to_settle)
        stage.begin("3")
        await until(lambda: stage.settled == ["hold_1", "hold_3"])
    assert stage.happened.count("settle_failed") == len(RETRIES) + 1


async def test_leaving_does_not_wait_for_a_turn_that_was_being_accepted() -> None:
    """A turn that begins after the others were told to stop is left to the next owner, like them."""
    stage = Stage()
    accepted = asyncio.Event()

    async def accept() -> None:
        await accepted.wait()
        stage.begin()

    async with asyncio.timeout(5), stage.owning:
        stage.owning.spawn(accept())
        asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_soon(accepted.set))
    assert stage.happened == ["turn_started"]
    assert stage.ends == []


async def test_an_orphan_that_asked_for_no_answer_gets_none() -> None:
    """A turn that holds nothing was only to be stored, so its adoption ends it without asking a model."""
    stage = Stage()
    stage.says.set()
    stage.orphans = [Orphan(turn=a_turn(hold_id="", input_ids=()), owner=2, events=[Opened(0)])]
    async with stage.owning:
        await stage.owning.adopt(everyone=True)
        await until(lambda: bool(stage.ends))
    (end,) = stage.ends
    assert (end.outcome.status, end.reply, stage.settled) == (TurnStatus.COMPLETED, None, [])


async def test_an_orphan_is_continued_and_settled() -> None:
    """A turn whose owner is gone is answered here, and charged here."""
    stage = Stage()
    stage.says.set()
    stage.orphans = [Orphan(turn=a_turn(), owner=2, events=[Opened(0)])]
    async with stage.owning:
        assert await stage.owning.adopt(everyone=True) == {"hold_1"}
        await until(lambda: bool(stage.settled))
    assert (stage.ends[0].owner, stage.ends[0].reply is not None) == (2, True)


async def test_a_turn_that_is_adopted_where_it_runs_is_answered_once() -> None:
    """The answer whose lease had ended is stopped as by any other owner; the new one is kept, heard and settled."""
    stage = Stage()
    stage.orphans = [Orphan(turn=a_turn(), owner=2, events=[Opened(0)])]
    async with stage.owning:
        first = stage.begin()
        leave = first.live.follow(lambda: None)
        await asyncio.sleep(0)
        await stage.owning.adopt()
        await until(lambda: stage.owning.live("resp_1") is not first.live)
        assert (first.stopped, isinstance(first.live.lost, Fenced)) == ("fenced", True)
        leave()
        for _ in range(10):
            await asyncio.sleep(0)
        second = stage.owning.live("resp_1")
        assert second is not None, "the end of the first answer has let go of the second one"
        stage.says.set()
        await until(lambda: bool(stage.settled))
        assert second.outcome is not None
        assert len(stage.owning) == 0
    assert [end.owner for end in stage.ends] == [2]
    assert stage.settled == ["hold_1"]


async def test_what_runs_is_handed_over() -> None:
    """Its lease ends now, other processes are woken to adopt it, and whoever follows it here is told to come back."""
    stage, woken = Stage(), list[bytes]()
    stage.wakeups.subscribe(ORPHANS, woken.append)
    async with stage.owning:
        answer = stage.begin()
        await asyncio.sleep(0)
        stage.owning.retire()
        await stage.owning.hand_over()
        await until(lambda: bool(woken))
        assert len(stage.owning) == 0
        assert stage.leases == [({"resp_1": 1}, Clock().now())]
        assert isinstance(answer.live.lost, Refused)
        assert answer.live.lost.code == "draining"
    assert stage.ends == []


async def test_turns_that_another_process_left_are_adopted_at_once() -> None:
    """Nobody waits for a beat; a process that leaves itself adopts nothing."""
    stage = Stage()
    stage.says.set()
    stage.orphans = [Orphan(turn=a_turn(), owner=2, events=[Opened(0)])]
    async with stage.owning:
        stage.wakeups.publish(ORPHANS, b"")
        await until(lambda: stage.settled == ["hold_1"])
        stage.owning.retire()
        stage.wakeups.publish(ORPHANS, b"")
        for _ in range(10):
            await asyncio.sleep(0)
        assert await stage.owning.adopt() == set()
    assert stage.settled == ["hold_1"]


async def test_who_could_not_reach_the_log_leaves_others_a_beat_to_renew_their_leases() -> None:
    """While the database was away nobody could renew: who reaches it first must not take what others answer."""
    stage = Stage()
    async with stage.owning:
        for seconds in (0.0, 2.0, 20.0, 21.0):
            stage.clock.seconds = seconds
            await stage.owning.adopt()
    assert stage.looked == [2_000, 2_000, 0, 2_000]


class Mute:
    """A ledger that never answers."""

    async def renew(self, *_: object) -> None:
        await asyncio.Event().wait()


async def test_leases_do_not_wait_for_a_ledger_that_says_nothing() -> None:
    """They are renewed in time, or other nodes would take the turns."""
    stage = Stage(Mute(), beats=True)
    async with stage.owning:
        stage.begin()
        await until(lambda: len(stage.leases) > 3)
