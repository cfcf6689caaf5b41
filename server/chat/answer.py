"""One turn while this process owns it: from the upstream's first byte to the stored end."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ratelimit import Price
from server.chat.live import LiveTurn
from server.chat.routing import Routing
from server.chat.writing import Writing
from server.core import charging, items, trail
from server.core.events import Delta, Ended, Event, last_seq
from server.core.happenings import Happening
from server.core.ports import (
    Batch,
    Call,
    Clock,
    Fenced,
    Happened,
    Journal,
    Observer,
    Screen,
    TurnEnd,
    TurnLog,
    UpstreamFailed,
    Verdict,
)
from server.core.records import Message, Outcome, Turn, TurnStatus, Usage, UsageRow

BACKLOG_LIMIT = 8 * 1024 * 1024
"""Bytes that may wait for the disk before answers are read more slowly."""

END_RETRIES = (0.05, 0.2, 1.0, 3.0)
"""Seconds between attempts to store an end; after the last one the turn is left to adoption."""

Stop = Literal["user", "deserted", "leaving", "fenced", "storage"]


class StorageFailed(Exception):  # noqa: N818
    """The log cannot be written. What followers have seen is durable; nothing after it is known to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What one answer needs to begin."""

    call: Call
    screen: Screen
    another: Callable[[], Screen]
    """Makes a screen for each item after the first text."""
    prompt_tokens: int
    """What we count for the prompt, in case the upstream does not say."""
    count: Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An answer that ended, and what it is charged."""

    outcome: Outcome
    charged: dict[str, int]


class Answer:
    """Produces the reply of one turn and stores it. It is the sink of the turn's log."""

    def __init__(
        self,
        turn: Turn,
        *,
        owner: int,
        clock: Clock,
        journal: Journal,
        routing: Routing,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]],
        events: Sequence[Event] = (),
        unlisted_for: int,
        price: Price | None,
    ) -> None:
        self.turn = turn
        self.owner = owner
        self.live = LiveTurn(turn, events)
        self.log: TurnLog
        self.stopped: Stop | None = None
        self._clock = clock
        self._journal = journal
        self._routing = routing
        self._observer = observer
        self._sleep = sleep
        self._unlisted_for = unlisted_for
        self._price = price
        self._scope: asyncio.Timeout | None = None
        self._writing = Writing(turn.message_id, events)
        self._produced: list[str] = [event.text for event in events if isinstance(event, Delta)]
        self._usage: Usage | None = None
        self._adopted = bool(events)

    def committed(self, events: Sequence[Event]) -> None:
        """Show what is durable."""
        self.live.add(events)

    def fenced(self) -> None:
        """Another process has adopted the turn."""
        self.stop("fenced")
        self.live.lose(Fenced())

    def broken(self, why: Exception) -> None:
        """The disk or the database fails."""
        self.stop("storage")
        self.live.lose(StorageFailed(str(why)))

    @property
    def produced_tokens(self) -> int:
        """Roughly how many tokens were produced so far, for the progress of its hold."""
        return sum(map(len, self._produced)) // 4

    def stop(self, why: Stop) -> None:
        """End the answer at what was produced; the first reason counts, unless the log is lost or another's."""
        if self.stopped is None or why == "fenced" or (why == "storage" and self.stopped in {"user", "deserted"}):
            self.stopped = why
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(-1)

    def open(self, event: Event) -> None:
        """Take the turn's first event, which was stored with the turn itself."""
        self._writing.note(event)
        self.live.add([event])

    async def run(self, question: Question) -> Ending | None:
        """Produce and store the answer. None if it was left to another owner, who will end and charge it."""
        outcome = await self._produce(question)
        if self.stopped in {"leaving", "fenced"}:
            return None
        if self.stopped == "storage":
            return await self._end_at_what_is_stored(outcome)
        if outcome.error_code == "internal_error":
            # Whether what the screen holds back may be shown, nobody can tell any more.
            return await self._store(outcome, release=False)
        return await self._store(outcome, release=outcome.reason != "content_filter")

    async def break_off(self, prompt_tokens: int, count: Callable[[str], int]) -> Ending | None:
        """End an adopted turn that nobody can continue."""
        outcome = Outcome(
            status=TurnStatus.INCOMPLETE,
            usage=self._usage_or_estimate(prompt_tokens, count),
            ended_at=self._clock.now(),
        )
        return await self._store(outcome, release=False)

    async def close_unasked(self) -> None:
        """End a turn that asked for no answer."""
        outcome = Outcome(status=TurnStatus.COMPLETED, ended_at=self._clock.now())
        await self._store(outcome, release=False)

    async def _produce(self, question: Question) -> Outcome:
        status, reason, code, message = TurnStatus.COMPLETED, None, None, None
        try:
            async with asyncio.timeout(None) as self._scope:
                if self.stopped:
                    self._scope.reschedule(-1)
                reason = await self._stream(question)
                if reason is not None:
                    status = TurnStatus.INCOMPLETE
        except TimeoutError:
            status = TurnStatus.CANCELLED
        except UpstreamFailed as failed:
            status, code, message = TurnStatus.FAILED, failed.code, failed.message
        except Exception as fault:  # noqa: BLE001  whatever fails here, the turn has to end
            self._observer.saw(
                Happened(name=Happening.TURN_CRASHED, labels={"turn": self.turn.id, "error": repr(fault)})
            )
            status, code, message = TurnStatus.FAILED, "internal_error", "Something failed here; ask again."
        finally:
            self._scope = None
        usage = self._usage_or_estimate(question.prompt_tokens, question.count)
        return Outcome(
            status=status,
            reason=reason,
            error_code=code,
            error_message=message,
            usage=usage,
            ended_at=self._clock.now(),
        )

    async def _stream(self, question: Question) -> str | None:
        """Read the upstream to its end; return why the answer is incomplete, if it is."""
        reason: str | None = None
        self._writing.begin(question.screen, question.another)
        async with self._routing.answer(question.call) as batches:
            async for batch in batches:
                verdict = self._take(batch)
                if verdict is not None:
                    return "content_filter"
                if batch.finish is not None:
                    reason = {"stop": None, "length": "max_output_tokens"}.get(batch.finish, "content_filter")
                while self._journal.backlog() > BACKLOG_LIMIT:
                    await self._sleep(0.005)
        return reason

    def _take(self, batch: Batch) -> Verdict | None:
        if batch.usage is not None:
            self._usage = batch.usage
        if not (batch.text or batch.asides):
            return None
        if not self._produced:
            waited = (self._clock.now() - self.turn.created_at) / 1_000_000
            self._observer.saw(Happened(name=Happening.FIRST_TOKEN, labels={"model": self.turn.model}, value=waited))
        if batch.asides:
            return self._take_all(batch)
        self._produced.append(batch.text)
        return self._log(self._writing.text(batch.text, batch.tokens))

    def _take_all(self, batch: Batch) -> Verdict | None:
        """Take what is more than text, in its order."""
        thought = [aside for aside in batch.asides if aside.kind == "reasoning"]
        rest = [aside for aside in batch.asides if aside.kind != "reasoning"]
        self._produced += [*(aside.name + aside.text for aside in batch.asides), batch.text]
        verdict: Verdict | None = None
        for aside in thought:
            verdict = verdict or self._log(self._writing.aside(aside))
        if verdict is None and batch.text:
            verdict = self._log(self._writing.text(batch.text, batch.tokens))
        for aside in rest:
            verdict = verdict or self._log(self._writing.aside(aside))
        return verdict

    def _log(self, said: tuple[list[Event], Verdict | None]) -> Verdict | None:
        events, verdict = said
        for event in events:
            self.log.append(event)
        return verdict

    async def _end_at_what_is_stored(self, outcome: Outcome) -> Ending | None:
        """End the turn where its log broke; what came after it was never shown.

        A commit whose outcome was not heard may have taken place, and then other nodes have shown it.
        """
        stored = await self._stored()
        if stored is None:
            return None
        more = bool(stored) and last_seq(stored[-1]) > self.live.position
        self._writing = Writing(self.turn.message_id, stored if more else self.live.events)
        failed = Outcome(
            status=TurnStatus.FAILED,
            error_code="storage_unavailable",
            error_message="The store could not be written.",
            usage=outcome.usage,
            ended_at=outcome.ended_at,
        )
        return await self._store(failed, release=False)

    async def _store(self, outcome: Outcome, *, release: bool) -> Ending | None:
        """Store the end; `release` says whether what is held back may be shown now."""
        status: Literal["completed", "incomplete"] = (
            "completed" if outcome.status is TurnStatus.COMPLETED else "incomplete"
        )
        last, verdict = self._writing.close(status, release=release)
        if verdict is not None:
            outcome = Outcome(
                status=TurnStatus.INCOMPLETE, reason="content_filter", usage=outcome.usage, ended_at=outcome.ended_at
            )
        last.append(self._writing.note(Ended(self._writing.next_seq, outcome)))
        usage = outcome.usage
        price = self._price
        cost = price.cost(prompt=usage.input_tokens, answer=usage.output_tokens) if price else None
        charged = dict(charging.charge(outcome, produced=bool(self._produced), cost=cost))
        if not await self._write(self._turn_end(outcome, last, charged)):
            return None
        if last[0].seq == self.live.position + 1:
            # Else the log broke, and who follows here is told to come back.
            self.live.add(last)
        return Ending(outcome=outcome, charged=charged)

    def _turn_end(self, outcome: Outcome, last: Sequence[Event], charged: dict[str, int]) -> TurnEnd:
        turn = self.turn
        listed = turn.store or turn.conversation_id is not None
        return TurnEnd(
            turn_id=turn.id,
            owner=self.owner,
            outcome=outcome,
            events=last,
            trail=trail.pack(self._writing.events),
            reply=self._reply(outcome),
            usage=UsageRow(
                turn_id=turn.id,
                user_id=turn.user_id,
                asked=turn.asked,
                model=turn.model,
                persona=turn.persona,
                revision=turn.revision,
                status=outcome.status.value,
                usage=outcome.usage,
                hold_id=turn.hold_id,
                charged=charged,
                created_at=turn.created_at,
                ended_at=outcome.ended_at,
            ),
            conversation_id=turn.conversation_id,
            moves_leaf=turn.previous_id is None,
            keep_until=None if listed else outcome.ended_at + self._unlisted_for,
        )

    def _reply(self, outcome: Outcome) -> Message | None:
        parts = items.parts(self._writing.events)
        if not parts:
            return None
        return Message(
            id=self.turn.message_id,
            role="assistant",
            parts=parts,
            created_at=outcome.ended_at,
            parent_id=self.turn.newest_id,
            turn_id=self.turn.id,
            status="completed" if outcome.status is TurnStatus.COMPLETED else "incomplete",
        )

    async def _stored(self) -> Sequence[Event] | None:
        """Return what the store has of the log, None if it cannot be asked: then the turn is left to adoption."""
        for pause in (*END_RETRIES, None):
            try:
                return (await self._journal.read(self.turn.id, 0))[0]
            except Exception:  # noqa: BLE001  whatever the store raises, it is asked again
                if pause is not None:
                    await self._sleep(pause)
        return None

    async def _write(self, end: TurnEnd) -> bool:
        for pause in (*END_RETRIES, None):
            try:
                await self.log.end(end)
            except Fenced as fenced:
                self.live.lose(fenced)
                return False
            except Exception as failed:  # noqa: BLE001  whatever the store raises, the end is tried again
                if pause is None:
                    self.live.lose(StorageFailed(str(failed)))
                    return False
                await self._sleep(pause)
            else:
                return True
        return False

    def _usage_or_estimate(self, prompt_tokens: int, count: Callable[[str], int]) -> Usage:
        # What the upstream reports of an adopted turn counts the prefix as prompt, which is not the user's to pay.
        if self._usage is not None and not self._adopted:
            return self._usage
        if not self._produced:
            return Usage()
        return Usage(input_tokens=prompt_tokens, output_tokens=count("".join(self._produced)), estimated=True)
