"""The turns that this process owns: answer them, keep their leases, adopt orphans, settle."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Final, Self

import ratelimit
from server.chat.adopting import Adopting
from server.chat.answer import Answer, Ending, Question
from server.chat.lingering import Lingering
from server.chat.live import LiveTurn
from server.chat.refusals import draining
from server.chat.routing import Routing
from server.chat.settling import Settling
from server.core import items
from server.core.estimates import Lengths
from server.core.events import Event
from server.core.happenings import Happening
from server.core.ports import Clock, Conversations, Happened, Journal, Observer, Orphan, Wakeups
from server.core.records import Turn
from server.core.rounds import attempt, every
from server.core.wakes import FOLLOWED, ORPHANS, STOP, conversation_topic, owner_topic, turn_topic, write_events

SECOND: Final = 1_000_000

LASTS: Final = 0.6
"""How long what is written as a lease lasts, of `Pace.lease`; the rest is for finding the turn and going on with it."""

BEATS: Final = 6
"""How often in a lease its owner renews it and all others look for orphans."""

HAND_OVER_SECONDS: Final = 5.0
"""How long answers that are let go may take to leave their upstreams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things last, in seconds."""

    lease: float = 10.0
    """After the death of its owner a turn goes on elsewhere within this time."""
    linger: float = 600.0
    keep_unlisted: float = 86_400.0


class Owning:
    """As a context manager: entered it keeps leases and adopts, left it lets go of what runs, for others to adopt."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        conversations: Conversations,
        adopting: Adopting,
        limiter: ratelimit.Limits,
        settling: Settling,
        routing: Routing,
        observer: Observer,
        wakeups: Wakeups,
        pace: Pace,
        lengths: Mapping[str, Lengths],
        prices: Mapping[str, ratelimit.Price],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._conversations = conversations
        self._adopting = adopting
        self._limiter = limiter
        self._settling = settling
        self._routing = routing
        self._observer = observer
        self._wakeups = wakeups
        self._pace = pace
        self._lengths = lengths
        self._prices = prices
        self._sleep = sleep
        self._answers: dict[str, Answer] = {}
        self._leaves: dict[str, Callable[[], None]] = {}
        self._lingering = Lingering(seconds=pace.linger)
        self._reached_at: float | None = None
        """When the log was last asked for orphans, of the monotonic clock."""
        self._stack = AsyncExitStack()
        self._adopts = True
        self._leaving = False
        self._let_go_of = asyncio.Event()
        """Set when a turn is owned here no longer."""

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._stack.callback(self._wakeups.subscribe(ORPHANS, lambda _: self._hear_of_orphans()))
        self._beating = [
            self.spawn(every(self._pace.lease / BEATS, work, sleep=self._sleep, failed=self._beat_failed))
            for work in (self._keep_leases, self._tell_ledger)
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.retire()
        for beating in self._beating:
            beating.cancel()
        await self.hand_over()
        await self._stack.__aexit__(kind, exc, tb)
        with suppress(OSError):
            # What is not noted is told again, and changes nothing then.
            await self._settling.note()

    def __len__(self) -> int:
        return len(self._answers)

    def retire(self) -> None:
        """Adopt nothing more."""
        self._adopts = False

    async def hand_over(self) -> None:
        """Let go of what runs, for other processes to adopt at once; all that was made so far is durable first.

        Whoever follows here is told to come back.
        """
        self._leaving = True
        left = dict(self._answers)
        if not left:
            return
        for answer in left.values():
            answer.stop("leaving")
        with suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_SECONDS):
                while left.keys() & self._answers.keys():
                    self._let_go_of.clear()
                    await self._let_go_of.wait()
        with suppress(OSError):
            # They need not wait for their leases to end.
            await self._journal.renew({id_: one.owner for id_, one in left.items()}, self._clock.now())
        self._wakeups.publish(ORPHANS, b"")
        for answer in left.values():
            if not answer.live.ended:
                answer.live.lose(draining())

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run `work`, which must not raise, until it ends or this is left."""
        return self._tasks.create_task(work)

    def live(self, turn_id: str) -> LiveTurn | None:
        """Return the turn, if it is owned here."""
        answer = self._answers.get(turn_id)
        return answer.live if answer else None

    def stop(self, turn_id: str) -> bool:
        """Stop the turn for its user; False if it is not owned here."""
        answer = self._answers.get(turn_id)
        if answer is None:
            return False
        answer.stop("user")
        return True

    def lease_until(self) -> int:
        """Return when a lease that is given now ends."""
        return self._clock.now() + round(self._pace.lease * LASTS * SECOND)

    def answer(self, turn: Turn, orphan: Orphan | None = None) -> Answer:
        """Return what will answer `turn`; it is not owned yet."""
        return Answer(
            turn,
            owner=orphan.owner if orphan else 1,
            events=orphan.events if orphan else (),
            clock=self._clock,
            journal=self._journal,
            routing=self._routing,
            observer=self._observer,
            sleep=self._sleep,
            unlisted_for=round(self._pace.keep_unlisted * SECOND),
            price=self._prices.get(turn.model),
        )

    def begin(self, answer: Answer, question: Question) -> None:
        """Own the turn and answer it."""
        self._observer.saw(Happened(name=Happening.TURN_STARTED, labels=_labels(answer.turn)))
        self._own(answer)
        self.spawn(self._run(answer, answer.run(question)))

    def announce(self, turn: Turn) -> None:
        """Tell whoever follows the turn's conversation that it has begun or ended."""
        if turn.conversation_id is not None:
            topic = conversation_topic(turn.conversation_id)
            if self._wakeups.heard(topic):
                self._wakeups.publish(topic, b"")

    async def adopt(self, *, everyone: bool = False) -> set[str]:
        """Take over the turns whose owner is gone (all that have not ended, if `everyone`); return their hold ids."""
        if not self._adopts:
            return set()
        # For as long as the log could not be reached from here, others may not have renewed their leases either: they
        # are given a beat.
        late = self._reached_at is not None and self._clock.monotonic() - self._reached_at > self._pace.lease * LASTS
        ended_before = 0 if late else self._clock.now()
        orphans = await self._journal.adopt(ended_before, self.lease_until(), everyone=everyone)
        self._reached_at = self._clock.monotonic()
        for orphan in orphans:
            self.spawn(self._continue(orphan))
        return {orphan.turn.hold_id for orphan in orphans}

    def _own(self, answer: Answer) -> None:
        turn_id = answer.turn.id
        earlier = self._answers.get(turn_id)
        if earlier is not None:
            # Its lease had ended before it was renewed, and we were the first to see.
            self._let_go(earlier)
            earlier.fenced()
        self._answers[turn_id] = answer
        answer.live.on_added = lambda events: self._publish(turn_id, events)
        self._leaves[turn_id] = self._wakeups.subscribe(owner_topic(turn_id), lambda hint: self._hear(answer, hint))
        if self._leaving:
            # It was being accepted when the others were told to stop.
            answer.stop("leaving")
        self._lingering.watch(answer)

    def _publish(self, turn_id: str, events: Sequence[Event]) -> None:
        topic = turn_topic(turn_id)
        if self._wakeups.heard(topic):
            self._wakeups.publish(topic, write_events(events))

    def _hear(self, answer: Answer, hint: bytes) -> None:
        """Another process passes on what its clients do."""
        if hint == STOP:
            answer.stop("user")
        elif hint == FOLLOWED:
            self._lingering.begin_again(answer)

    def _hear_of_orphans(self) -> None:
        """Another process has left turns: adopt them without waiting for the next beat."""

        async def adopt() -> None:
            await attempt(self.adopt, self._beat_failed)

        if self._adopts:
            self.spawn(adopt())

    async def _run(self, answer: Answer, ending: Awaitable[Ending | None]) -> None:
        """See the answer through to its settled hold; whatever fails here must not touch other turns."""
        try:
            ended = await ending
        except Exception as failed:  # noqa: BLE001  the group would cancel every other turn
            self._observer.saw(
                Happened(name=Happening.TURN_CRASHED, labels={"turn": answer.turn.id, "error": repr(failed)})
            )
            answer.live.lose(failed)
            ended = None
        finally:
            self._let_go(answer)
        if ended is not None:
            self.announce(answer.turn)
            again = not self._leaving  # what was not told is told by another process, or at the next start
            await self._settling.settle(answer.turn.id, answer.turn.hold_id, ended.charged, again=again)
            self._tell(answer.turn, ended)

    def _let_go(self, answer: Answer) -> None:
        turn_id = answer.turn.id
        self._lingering.let_go(answer)
        if self._answers.get(turn_id) is not answer:
            # It was adopted here under its first owner, which is this process too.
            return
        del self._answers[turn_id]
        self._leaves.pop(turn_id, lambda: None)()
        self._let_go_of.set()

    def _tell(self, turn: Turn, ended: Ending) -> None:
        usage = ended.outcome.usage
        if turn.model in self._lengths and usage.output_tokens:
            self._lengths[turn.model].add(usage.output_tokens)
        labels = _labels(turn)
        took = (ended.outcome.ended_at - turn.created_at) / SECOND
        status = {"status": ended.outcome.status.value}
        self._observer.saw(Happened(name=Happening.TURN_ENDED, labels=labels | status, value=took))
        for name, tokens in (
            (Happening.INPUT_TOKENS, usage.input_tokens),
            (Happening.OUTPUT_TOKENS, usage.output_tokens),
        ):
            self._observer.saw(Happened(name=name, labels=labels, value=tokens))

    async def _keep_leases(self) -> None:
        """Renew the leases of turns and look for orphans. Waits for nothing but the log: a lease waits for nobody."""
        # What is ours is renewed first, so that only what nobody renews is adopted.
        for work in (self._renew, self.adopt):
            await attempt(work, self._beat_failed)

    async def _tell_ledger(self) -> None:
        """Renew the leases of holds and tell the charges that were not told."""
        for work in (self._renew_holds, self._settling.catch_up):
            await attempt(work, self._beat_failed)

    def _beat_failed(self, why: Exception) -> None:
        # The next beat tries again, within the lease.
        self._observer.saw(Happened(name=Happening.BEAT_FAILED, labels={"error": repr(why)}))

    async def _renew(self) -> None:
        owners = {turn_id: answer.owner for turn_id, answer in self._answers.items()}
        if not owners:
            return
        for turn_id in await self._journal.renew(owners, self.lease_until()):
            answer = self._answers.get(turn_id)
            # It may have ended, or have been adopted here, while we asked.
            if answer is not None and answer.owner == owners[turn_id] and not answer.live.ended:
                answer.fenced()

    async def _renew_holds(self) -> None:
        progress = {one.turn.hold_id: {"tokens": one.produced_tokens} for one in self._answers.values()}
        if progress:
            await self._limiter.renew(progress.keys(), progress)

    async def _continue(self, orphan: Orphan) -> None:
        """Go on from the stored prefix where the alias can, else end the turn as incomplete."""
        answer = self.answer(orphan.turn, orphan)
        answer.log = self._journal.resume(orphan, answer)
        self._own(answer)
        self._observer.saw(Happened(name=Happening.TURN_ADOPTED, labels=_labels(orphan.turn)))
        await self._run(answer, self._ending_of(answer))

    async def _ending_of(self, answer: Answer) -> Ending | None:
        turn = answer.turn
        if not turn.hold_id:
            # It asked for no answer, and only its end is missing.
            await answer.close_unasked()
            return None
        path = await self._conversations.path(turn.newest_id, turn.user_id) if turn.newest_id else ()
        shown = items.unfinished(answer.live.events)
        question = None if shown is None else await self._adopting.question_again(turn, path, shown)
        if question is not None:
            return await answer.run(question)
        return await answer.break_off(self._adopting.estimate(turn, path), partial(self._adopting.count, turn))


def _labels(turn: Turn) -> dict[str, str]:
    return {"model": turn.model, "persona": turn.persona, "door": turn.door}
