"""The turns of this process: accept and answer them, outlive their sockets, adopt what was orphaned.

The path of a turn is `Accepting.accept`, then `Turns._store`, then `Answer.run`; docs/architecture.md draws it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import ratelimit
from server.chat.accepting import Accepted, Accepting
from server.chat.answer import Answer, Ending
from server.chat.claims import Abandoned, Claim, Claims, Started, conflict
from server.chat.live import LiveTurn
from server.chat.refusals import draining
from server.chat.routing import Routing
from server.core import trail
from server.core.errors import Refused
from server.core.estimates import Lengths
from server.core.events import Opened
from server.core.ports import (
    Clock,
    Conversations,
    DuplicateRequest,
    Happened,
    Journal,
    NewTurn,
    Observer,
    Orphan,
    StoredTurn,
)
from server.core.ports import Turns as StoredTurns
from server.core.records import Actor, Turn
from server.core.requests import TurnRequest

SECOND = 1_000_000
TIDY_SECONDS = 30.0
TIDY_TURNS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things last, in seconds."""

    lease: float = 10.0
    linger: float = 600.0
    keep_unlisted: float = 86_400.0


class Turns:
    """Every turn that this process owns. As a context manager: entered it beats, left it lets go of what runs."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        stored: StoredTurns,
        conversations: Conversations,
        accepting: Accepting,
        limiter: ratelimit.Limiter,
        routing: Routing,
        observer: Observer,
        pace: Pace,
        lengths: Mapping[str, Lengths],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._stored = stored
        self._conversations = conversations
        self._accepting = accepting
        self._limiter = limiter
        self._routing = routing
        self._observer = observer
        self._pace = pace
        self._lengths = lengths
        self._sleep = sleep
        self._claims = Claims()
        self._answers: dict[str, Answer] = {}
        self._lingering: dict[str, asyncio.TimerHandle] = {}
        self._stack = AsyncExitStack()
        self._draining = False

    async def __aenter__(self) -> Self:
        self._tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._steady = [self._tasks.create_task(self._beat()), self._tasks.create_task(self._tidy())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._draining = True
        for task in self._steady:
            task.cancel()
        for timer in self._lingering.values():
            timer.cancel()
        for answer in list(self._answers.values()):
            answer.stop("leaving")
        await self._stack.__aexit__(kind, exc, tb)

    @property
    def running(self) -> int:
        """How many turns this process is answering."""
        return len(self._answers)

    async def drain(self, seconds: float) -> None:
        """Accept nothing more and wait, at most `seconds`, for what runs to end."""
        self._draining = True
        until = self._clock.monotonic() + seconds
        while self._answers and self._clock.monotonic() < until:
            await self._sleep(0.05)

    # What doors call

    def receive(self, actor: Actor, request: TurnRequest) -> Claim:
        """Claim the request's id at receipt. Raises `Refused` if the id is in use with another body."""
        return self._claims.receive(actor, request)

    def abandon(self, claim: Claim) -> None:
        """Give up a claim that will not be started."""
        self._claims.abandon(claim)

    async def start(self, claim: Claim) -> Started:
        """Accept the request and begin its answer, or join the turn that its id has made. Raises `Refused`."""
        while True:
            if claim.owner and not claim.begun:
                if self._draining:
                    self._claims.abandon(claim)
                    raise draining()
                claim.begun = True
                # Not in the caller's task: what is half stored must not be left when a socket goes away.
                self._tasks.create_task(self._serve(claim))
            try:
                started = await asyncio.shield(claim.fate)
            except Abandoned:
                claim = self._claims.receive(claim.actor, claim.request)
                continue
            return started if claim.owner else replace(started, replayed=True)

    async def find(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Return a turn of the actor, running or stored. Raises `Refused("response_not_found")`."""
        answer = self._answers.get(turn_id)
        if answer is not None and answer.turn.user_id == actor.user_id:
            return answer.live
        stored = None if answer is not None else await self._stored.turn(turn_id, actor.user_id)
        if stored is None:
            raise Refused("response_not_found", f"Response with id '{turn_id}' not found.", param="response_id")
        return self._view(stored)

    async def cancel(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Stop the turn at what was produced; one that has ended stays as it is. Raises `Refused`."""
        live = await self.find(actor, turn_id)
        if turn_id in self._answers:
            self._answers[turn_id].stop("user")
        return live

    async def adopt(self) -> set[str]:
        """Take over every turn that has not ended and return their hold ids; only the sole process of a store may."""
        until = self._clock.now() + round(self._pace.lease * SECOND)
        orphans = await self._journal.adopt(self._clock.now(), until, everyone=True)
        for orphan in orphans:
            self._tasks.create_task(self._continue(orphan))
        return {orphan.turn.hold_id for orphan in orphans}

    # A new turn

    async def _serve(self, claim: Claim) -> None:
        """Decide the fate of a claim; a refusal of one request must not touch the others."""
        try:
            claim.fate.set_result(await self._start(claim.actor, claim.request))
        except Exception as failed:  # noqa: BLE001  whoever waits gets it
            claim.fate.set_exception(failed)
        except BaseException:
            claim.fate.cancel()
            raise

    async def _start(self, actor: Actor, request: TurnRequest) -> Started:
        earlier = await self._earlier(actor, request)
        if earlier is not None:
            return earlier
        accepted = await self._accepting.accept(actor, request)
        try:
            return await self._store(accepted)
        except DuplicateRequest:
            # Another process stored the same id after we had looked.
            earlier = await self._earlier(actor, request)
            if earlier is None:
                raise
            return earlier

    async def _earlier(self, actor: Actor, request: TurnRequest) -> Started | None:
        if request.client_request_id is None:
            return None
        stored = await self._stored.by_request(actor.user_id, request.client_request_id)
        if stored is None:
            return None
        if stored.turn.body_digest != request.body_digest:
            raise conflict(request.client_request_id)
        return Started(self._view(stored), replayed=True)

    def _view(self, stored: StoredTurn) -> LiveTurn:
        answer = self._answers.get(stored.turn.id)
        if answer is not None:
            return answer.live
        return LiveTurn(stored.turn, trail.unpack(stored.trail, stored.reply.text if stored.reply else ""))

    async def _store(self, accepted: Accepted) -> Started:
        """Make the turn durable and begin its answer; on any failure the hold is released."""
        opened = Opened(0)
        answer = self._answer(accepted.turn)
        new = NewTurn(
            turn=accepted.turn,
            messages=accepted.thread.inputs,
            opened=opened,
            conversation=accepted.thread.conversation if accepted.thread.begins else None,
            owner=answer.owner,
            lease_until=self._lease_until(),
        )
        try:
            answer.log = await self._journal.begin(new, answer)
        except BaseException as failed:
            if accepted.question is not None:
                await self._limiter.release(accepted.turn.hold_id)
            if isinstance(failed, OSError):
                raise Refused(
                    "storage_unavailable", "The store cannot be written now. Nothing was charged."
                ) from failed
            raise
        answer.open(opened)
        if accepted.question is None:
            await answer.close_unasked()
            return Started(answer.live)
        self._observer.saw(Happened(name="turn_started", labels=_labels(accepted.turn)))
        self._own(answer)
        self._tasks.create_task(self._run(answer, answer.run(accepted.question)))
        return Started(answer.live, accepted.headers)

    def _answer(self, turn: Turn, orphan: Orphan | None = None) -> Answer:
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
        )

    # A turn while it runs

    def _own(self, answer: Answer) -> None:
        self._answers[answer.turn.id] = answer
        answer.live.on_deserted = lambda: self._deserted(answer)
        # Nobody follows yet, and if nobody ever does the answer must not go on for ever.
        self._linger(answer)

    async def _run(self, answer: Answer, ending: Awaitable[Ending | None]) -> None:
        """See the answer through to its settled hold; whatever fails here must not touch other turns."""
        try:
            ended = await ending
        except Exception as failed:  # noqa: BLE001  the group would cancel every other turn
            self._observer.saw(Happened(name="turn_crashed", labels={"turn": answer.turn.id, "error": repr(failed)}))
            answer.live.lose(failed)
            ended = None
        finally:
            self._answers.pop(answer.turn.id, None)
            timer = self._lingering.pop(answer.turn.id, None)
            if timer is not None:
                timer.cancel()
        if ended is not None:
            await self._settle(answer.turn, ended)

    async def _settle(self, turn: Turn, ended: Ending) -> None:
        if ended.charged:
            await self._limiter.settle(turn.hold_id, ended.charged)
        else:
            await self._limiter.release(turn.hold_id)
        labels = _labels(turn) | {"status": ended.outcome.status.value}
        took = (ended.outcome.ended_at - turn.created_at) / SECOND
        self._observer.saw(Happened(name="turn_ended", labels=labels, value=took))
        usage = ended.outcome.usage
        if turn.model in self._lengths and usage.output_tokens:
            self._lengths[turn.model].add(usage.output_tokens)
        for name, tokens in (("input_tokens", usage.input_tokens), ("output_tokens", usage.output_tokens)):
            self._observer.saw(Happened(name=name, labels=_labels(turn), value=tokens))

    def _deserted(self, answer: Answer) -> None:
        """Nobody follows any more: stop at once if nobody could come back, else after a while."""
        if not answer.live.delivered and answer.turn.client_request_id is None:
            answer.stop("deserted")
            return

        self._linger(answer)

    def _linger(self, answer: Answer) -> None:
        """Stop the answer after a while, if nobody follows it then."""

        def look() -> None:
            self._lingering.pop(answer.turn.id, None)
            if not answer.live.followers:
                answer.stop("deserted")

        earlier = self._lingering.pop(answer.turn.id, None)
        if earlier is not None:
            earlier.cancel()
        if not answer.live.ended:
            later = asyncio.get_running_loop().call_later(self._pace.linger, look)
            self._lingering[answer.turn.id] = later

    async def _beat(self) -> None:
        """Renew the leases of turns and holds, three times in a lease."""
        while True:
            await self._sleep(self._pace.lease / 3)
            owners = {turn_id: answer.owner for turn_id, answer in self._answers.items()}
            if not owners:
                continue
            try:
                lost = await self._journal.renew(owners, self._lease_until())
                progress = {one.turn.hold_id: {"tokens": one.produced_tokens} for one in self._answers.values()}
                await self._limiter.renew(progress.keys(), progress)
            except Exception as failed:  # noqa: BLE001  the next beat tries again, within the lease
                self._observer.saw(Happened(name="beat_failed", labels={"error": repr(failed)}))
                continue
            for turn_id in lost:
                if turn_id in self._answers:
                    self._answers[turn_id].fenced()

    async def _tidy(self) -> None:
        """Forget unlisted turns whose time has passed, a few at a time."""
        while True:
            await self._sleep(TIDY_SECONDS)
            try:
                await self._stored.forget(self._clock.now(), TIDY_TURNS)
            except Exception as failed:  # noqa: BLE001  the next round tries again
                self._observer.saw(Happened(name="tidy_failed", labels={"error": repr(failed)}))

    def _lease_until(self) -> int:
        return self._clock.now() + round(self._pace.lease * SECOND)

    # A turn that lost its owner

    async def _continue(self, orphan: Orphan) -> None:
        """Go on from the stored prefix where the alias can, else end the turn as incomplete."""
        turn = orphan.turn
        answer = self._answer(turn, orphan)
        answer.log = self._journal.resume(orphan, answer)
        self._own(answer)
        await self._run(answer, self._ending_of(answer))
        self._observer.saw(Happened(name="turn_adopted", labels=_labels(turn)))

    async def _ending_of(self, answer: Answer) -> Ending | None:
        turn = answer.turn
        path = await self._conversations.path(turn.input_ids[-1], turn.user_id)
        question = await self._accepting.question_again(turn, path, answer.live.text)
        if question is not None:
            return await answer.run(question)
        return await answer.break_off(self._accepting.estimate(turn, path), self._accepting.counter(turn))


def _labels(turn: Turn) -> dict[str, str]:
    return {"model": turn.model, "persona": turn.persona, "door": turn.door}
