"""The door to the engine: accept a request or join what it made before, find and cancel turns, on whichever node.

The path of a turn is `Accepting.accept`, then `Turns._store`, then `Answer.run`; docs/architecture.md draws it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

import ratelimit
from server.chat.accepting import Accepted, Accepting
from server.chat.answer import Answer
from server.chat.binding import told_apart
from server.chat.claims import Abandoned, Claim, Claims, Started, conflict
from server.chat.live import LiveTurn
from server.chat.mirrors import Mirrors
from server.chat.observing import refused
from server.chat.owning import Owning
from server.chat.pictures import Pictures
from server.chat.refusals import draining, position_lost
from server.chat.tidying import tidy
from server.chat.titling import Titling
from server.core import items, trail
from server.core.errors import Refused
from server.core.events import Opened
from server.core.happenings import Happening
from server.core.ports import (
    Clock,
    DuplicateRequest,
    Happened,
    Journal,
    NewTurn,
    Observer,
    StoreAway,
    StoredTurn,
    TurnLog,
)
from server.core.ports import Turns as StoredTurns
from server.core.records import Actor
from server.core.requests import TurnRequest


class Turns:
    """The turns of this deployment, as this process sees them. A context manager."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        stored: StoredTurns,
        accepting: Accepting,
        limiter: ratelimit.Limits,
        owning: Owning,
        mirrors: Mirrors,
        pictures: Pictures,
        titling: Titling,
        observer: Observer,
        remember: Callable[[Actor, str | None, Refused], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._stored = stored
        self._accepting = accepting
        self._limiter = limiter
        self._owning = owning
        self._mirrors = mirrors
        self._pictures = pictures
        self._titling = titling
        self._observer = observer
        self._remember = remember
        self._sleep = sleep
        self._claims = Claims()
        self._stack = AsyncExitStack()
        self._draining = False

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._owning)
        await self._stack.enter_async_context(self._mirrors)
        tidying = tidy(turns=self._stored, clock=self._clock, observer=self._observer, sleep=self._sleep)
        self._stack.callback(self._owning.spawn(tidying).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._draining = True
        await self._stack.__aexit__(kind, exc, tb)

    @property
    def running(self) -> int:
        """How many turns this process is answering."""
        return len(self._owning)

    async def drain(self, seconds: float) -> None:
        """Accept and adopt nothing more; let what runs go on for `seconds`, then hand it over to other processes."""
        self._draining = True
        self._owning.retire()
        until = self._clock.monotonic() + seconds
        while self.running and self._clock.monotonic() < until:
            await self._sleep(0.05)
        await self._owning.hand_over()

    def receive(self, actor: Actor, request: TurnRequest) -> Claim:
        """Claim the request's id at receipt. Raises `Refused` if the id is in use with another body."""
        return self._claims.receive(actor, told_apart(actor, request))

    def abandon(self, claim: Claim) -> None:
        """Give up a claim that will not be started."""
        self._claims.abandon(claim)

    async def start(self, claim: Claim) -> Started:
        """Accept the request and begin its answer, or join the turn that its id has made. Raises `Refused`."""
        while True:
            if claim.owner and not claim.begun:
                if self._draining:
                    self._claims.abandon(claim)
                    leaving = draining()
                    self._observer.saw(refused(leaving))
                    raise leaving
                claim.begun = True
                # Not in the caller's task: what is half stored must not be left when a socket goes away.
                self._owning.spawn(self._serve(claim))
            try:
                started = await asyncio.shield(claim.fate)
            except Abandoned:
                claim = self._claims.receive(claim.actor, claim.request)
                continue
            return started if claim.owner else replace(started, replayed=True)

    async def measure(self, actor: Actor, request: TurnRequest) -> int:
        """Return the tokens of the prompt that the request would make; nothing is stored. Raises `Refused`."""
        return await self._accepting.measure(actor, request)

    async def find(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Return a turn of the actor, running or stored. Raises `Refused("response_not_found")`."""
        live = self._owning.live(turn_id)
        if live is not None and live.turn.user_id == actor.user_id:
            return live
        stored = None if live is not None else await self._stored.turn(turn_id, actor.user_id)
        if stored is None:
            raise Refused("response_not_found", f"Response with id '{turn_id}' not found.", param="response_id")
        return await self._view(stored)

    async def resume(self, actor: Actor, turn_id: str, position: int) -> LiveTurn:
        """Return a turn of the actor, to be shown after `position`. Raises `Refused` if there is nothing such."""
        live = await self.find(actor, turn_id)
        # What is known here of another node's turn may be older than what the client has seen there.
        if position > live.position and await self._mirrors.refresh(live) and position > live.position:
            raise position_lost(live, position)
        return live

    async def cancel(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Stop the turn at what was produced; one that has ended stays as it is. Raises `Refused`."""
        live = await self.find(actor, turn_id)
        if not self._owning.stop(turn_id) and not live.ended:
            self._mirrors.stop(live)
        return live

    async def _serve(self, claim: Claim) -> None:
        """Decide the fate of a claim; a refusal of one request must not touch the others."""
        try:
            claim.fate.set_result(await self._start(claim))
        except Exception as failed:  # noqa: BLE001  whoever waits gets it
            if isinstance(failed, Refused):
                self._observer.saw(refused(failed))
                self._remember(claim.actor, claim.request.model, failed)
            claim.fate.set_exception(failed)
        except BaseException:
            claim.fate.cancel()
            raise

    async def _start(self, claim: Claim) -> Started:
        actor, request = claim.actor, claim.request
        earlier = await self._earlier(actor, request)
        if earlier is not None:
            return earlier
        accepted = await self._accepting.accept(actor, request, waiting=claim.waiting)
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
        return Started(await self._view(stored), replayed=True)

    async def _view(self, stored: StoredTurn) -> LiveTurn:
        """Return the turn to be followed: as it runs here or elsewhere, or as it was stored at its end."""
        live = self._owning.live(stored.turn.id)
        if live is not None:
            return live
        if stored.outcome is None:
            return await self._mirrors.of(stored.turn)
        return LiveTurn(stored.turn, kept=trail.Kept(stored.trail, items.texts(stored.reply)))

    async def _store(self, accepted: Accepted) -> Started:
        """Make the turn durable and begin its answer; on any failure the hold is released."""
        opened = Opened(0)
        answer = self._owning.answer(accepted.turn)
        new = NewTurn(
            turn=accepted.turn,
            messages=accepted.thread.inputs,
            opened=opened,
            conversation=accepted.thread.conversation if accepted.thread.begins else None,
            owner=answer.owner,
            lease_until=self._owning.lease_until(),
        )
        try:
            await self._pictures.keep(accepted.turn, new.messages, accepted.pictures)
            answer.log = await self._begun(new, answer)
        except BaseException as failed:
            if accepted.question is not None:
                # A ledger that cannot be reached gives it back when its lease ends.
                with suppress(ratelimit.LedgerAway):
                    await self._limiter.release(accepted.turn.hold_id)
            if isinstance(failed, OSError):
                self._observer.saw(Happened(name=Happening.STORAGE_FAILED, labels={"error": repr(failed)}))
                raise Refused(
                    "storage_unavailable", "The store cannot be written now. Nothing was charged."
                ) from failed
            raise
        answer.open(opened)
        if accepted.question is None:
            await answer.close_unasked()
            self._owning.announce(accepted.turn)
            return Started(answer.live)
        self._owning.begin(answer, accepted.question)
        if new.conversation is not None:
            self._owning.spawn(self._titling.title(new.conversation, accepted.thread.newest))
        self._owning.announce(accepted.turn)
        return Started(answer.live, accepted.headers)

    async def _begun(self, new: NewTurn, answer: Answer) -> TurnLog:
        try:
            return await self._journal.begin(new, answer)
        except BaseException:
            with suppress(StoreAway):
                await self._pictures.drop(new.turn, new.messages)
            raise
