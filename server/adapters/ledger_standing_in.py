"""Decide for a shared ledger that cannot be reached, by what the journal knows, unit by unit as the operator wishes.

Each hold is written down with the turn that it is for, so that the database knows what all nodes have let in. While the
ledger is away, a ledger in memory is made of that, again and again; what it takes is written down as well, and goes
into the shared ledger when that is back.
"""
# ruff: noqa: D102  # what the methods promise is in `ratelimit.ledger`

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Literal, Protocol, Self, TypeVar

import ratelimit
from ratelimit.ledger import (
    Charge,
    Demand,
    Entry,
    Full,
    Held,
    HoldRequest,
    JournalEntry,
    LedgerAway,
    Reading,
    StoredHold,
    Taken,
)
from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer
from server.core.rounds import attempt

_T = TypeVar("_T")
IfAway = Literal["local", "closed", "open"]
"""What becomes of a unit while the ledger is away: counted by this node, not let in, or let in and counted later."""

_NOBODY: Final = Demand(charge=Charge(key="|", unit="messages", amount=1, window_us=1), cap=1)

LOOK_SECONDS: Final = 1.0
"""Between two attempts to reach the ledger, and at least between two looks at what other nodes have let in."""
SHARE: Final = 10
"""A look may take a tenth of the time at most."""


class Shared(ratelimit.Ledger, Protocol):
    """The ledger that is stood in for."""

    async def put_back(self, hold_ids: Collection[str]) -> None:
        """Put these holds back, as they are written down, where they are missing."""


class Local(ratelimit.Ledger, Protocol):
    """A ledger in memory."""

    def restore(self, holds: Iterable[StoredHold], now: int) -> None:
        """Begin with these holds."""


class Holds(Protocol):
    """Where holds are written down."""

    def record(self, entry: JournalEntry) -> None:
        """Take `entry` for the next commit, without waiting."""

    async def stored_holds(self, hold_ids: Collection[str] | None = None) -> Sequence[StoredHold]:
        """Return the holds that are committed, oldest first."""


class StandingInLedger:
    """A `Ledger`, and an async context manager of one event loop, within which it looks whether `ledger` is back.

    While `ledger` is away, `if_away` says for each unit what happens. What several nodes let in during the same look is
    not seen by the others until the next one; that much a cap may be exceeded. What is settled meanwhile raises
    `LedgerAway` as ever, and is to be told again.
    """

    def __init__(
        self,
        *,
        ledger: Shared,
        holds: Holds,
        local: Callable[[], Local],
        if_away: Mapping[str, IfAway],
        clock: Clock,
        observer: Observer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger, self._holds, self._make, self._if_away = ledger, holds, local, if_away
        self._clock, self._observer, self._sleep = clock, observer, sleep
        self._away = False
        self._local: Local | None = None
        self._taken: dict[str, StoredHold] = {}
        """What was taken here since the ledger went away."""
        self._ended: set[str] = set()
        """What ended here since then."""
        self._look_at = 0.0
        self._one_at_a_time = asyncio.Lock()
        self._went = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._stack.callback(tasks.create_task(self._keep_looking()).cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, exc, tb)

    async def take(self, hold: HoldRequest) -> Taken | Full:
        with suppress(LedgerAway):
            return await self._there(lambda ledger: ledger.take(hold))
        closed = next((one.charge.unit for one in hold.demands if self._if_away[one.charge.unit] == "closed"), None)
        if closed is not None:
            raise LedgerAway(f"the caps on {closed} cannot be checked while their ledger is away")
        return await self._take_here(hold)

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        await self._end_here(hold_id, lambda local: local.settle(hold_id, actual))
        return await self._there(lambda ledger: ledger.settle(hold_id, actual))

    async def release(self, hold_id: str) -> bool:
        await self._end_here(hold_id, lambda local: local.release(hold_id))
        return await self._there(lambda ledger: ledger.release(hold_id))

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        if self._local is not None:
            await self._local.renew(hold_ids, progress, lease_us=lease_us)
        return await self._there(lambda ledger: ledger.renew(hold_ids, progress, lease_us=lease_us))

    async def levels(self, demands: Sequence[Demand]) -> Reading:
        with suppress(LedgerAway):
            return await self._there(lambda ledger: ledger.levels(demands))
        return await (await self._here()).levels(demands)

    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        with suppress(LedgerAway):
            return await self._there(lambda ledger: ledger.entries(key, window_us=window_us))
        return await (await self._here()).entries(key, window_us=window_us)

    async def _there(self, ask: Callable[[Shared], Awaitable[_T]]) -> _T:
        """Ask the shared ledger. While it is away nobody waits for it again but who looks whether it is back."""
        if self._away:
            raise LedgerAway("the server that keeps the caps is away, and looked for")
        try:
            return await ask(self._ledger)
        except LedgerAway:
            self._gone()
            raise

    async def _end_here(self, hold_id: str, end: Callable[[Local], Awaitable[bool]]) -> None:
        if self._away:
            self._ended.add(hold_id)
            if self._local is not None:
                await end(self._local)

    async def _take_here(self, hold: HoldRequest) -> Taken | Full:
        local = await self._here()
        counted = tuple(one for one in hold.demands if self._if_away[one.charge.unit] == "local")
        answer = await local.take(replace(hold, demands=counted))
        if isinstance(answer, Full):
            return answer
        known = self._taken.get(hold.hold_id)
        if known is not None:
            return answer._replace(charges=known.charges)
        dated = {charge.key: charge for charge in answer.charges}
        charges = tuple(dated.get(one.charge.key) or one.dated(answer.at_us, None) for one in hold.demands)
        held = Held(
            hold_id=hold.hold_id,
            subject=hold.subject,
            model=answer.model,
            charges=charges,
            at_us=answer.at_us,
            deadline_us=answer.deadline_us,
        )
        self._holds.record(held)
        self._taken[hold.hold_id] = StoredHold(
            hold_id=held.hold_id,
            subject=held.subject,
            charges=charges,
            at_us=held.at_us,
            state="held",
            deadline_us=held.deadline_us,
            model=held.model,
        )
        return answer._replace(charges=charges)

    async def look(self) -> None:
        """Find out whether the ledger is back; if it is, put into it what was let in here, and ask it from now on."""
        if not self._away:
            return
        # Of somebody who has nothing, so that a ledger that has lost everything is made whole first.
        await self._ledger.levels([_NOBODY])
        await self._ledger.put_back(list(self._taken))
        self._away, self._local = False, None
        self._taken.clear()
        self._ended.clear()
        self._observer.saw(Happened(name=Happening.CAPS_SHARED))

    async def _keep_looking(self) -> None:
        while True:
            await self._went.wait()
            self._went.clear()
            while self._away:
                await self._sleep(LOOK_SECONDS)
                await attempt(self.look, self._failed)

    def _failed(self, why: Exception) -> None:
        if not isinstance(why, OSError):  # it is still away, or the database is
            self._observer.saw(Happened(name=Happening.BEAT_FAILED, labels={"error": repr(why)}))

    def _gone(self) -> None:
        if not self._away:
            self._away, self._look_at = True, 0.0
            self._went.set()
            self._observer.saw(Happened(name=Happening.CAPS_LOCAL))

    async def _here(self) -> Local:
        """Return the ledger in memory, which knows what all nodes have let in until lately."""
        async with self._one_at_a_time:
            began = self._clock.monotonic()
            if self._local is None or began >= self._look_at:
                stored = await self._holds.stored_holds()
                local = self._make()
                known = {hold.hold_id for hold in stored} | self._ended
                # What was taken here a moment ago is on its way to the database.
                mine = [hold for hold in self._taken.values() if hold.hold_id not in known]
                local.restore([*(hold for hold in stored if self._goes_on(hold)), *mine], self._clock.now())
                self._local = local
                now = self._clock.monotonic()
                self._look_at = now + max(LOOK_SECONDS, SHARE * (now - began))
            return self._local

    def _goes_on(self, hold: StoredHold) -> bool:
        """Return whether a stored hold counts: one that was given back may be on its way to the database."""
        return hold.state == "settled" or hold.hold_id not in self._ended
