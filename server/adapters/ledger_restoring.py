"""A shared ledger that may lose all that it keeps, made whole again from what the journal has.

Each hold is written down with the turn that it is for, and each turn's usage row says what became of it. So the live
entries of the ledger can be put back at any moment, by any node, as often as one likes: what is there stays as it is.
"""
# ruff: noqa: D102  # what the methods promise is in `ratelimit.ledger`

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import ratelimit
from ratelimit.ledger import (
    Demand,
    Entry,
    Full,
    Held,
    HoldRequest,
    JournalEntry,
    LedgerEmptied,
    Reading,
    Released,
    StoredHold,
    Taken,
)

_T = TypeVar("_T")


class Emptiable(ratelimit.Ledger, Protocol):
    """A ledger that raises `LedgerEmptied` when it has lost everything, until it is restored."""

    async def restore(self, holds: Iterable[StoredHold]) -> None:
        """Put back every hold that is not there; what is there stays as it is."""


class Holds(Protocol):
    """Where holds are written down."""

    def record(self, entry: JournalEntry) -> None:
        """Take `entry` for the next commit, without waiting."""

    async def stored_holds(self, hold_ids: Collection[str] | None = None) -> Sequence[StoredHold]:
        """Return the holds that are committed, or those of them with these ids, oldest first."""


class RestoringLedger:
    """A `Ledger`. Belongs to one event loop."""

    def __init__(self, *, ledger: Emptiable, holds: Holds) -> None:
        self._ledger = ledger
        self._holds = holds
        self._one_at_a_time = asyncio.Lock()
        self._restored = 0

    async def take(self, hold: HoldRequest) -> Taken | Full:
        taken = await self._whole(lambda: self._ledger.take(hold))
        if isinstance(taken, Taken):
            self._holds.record(
                Held(
                    hold_id=hold.hold_id,
                    subject=hold.subject,
                    model=taken.model,
                    charges=taken.charges,
                    at_us=taken.at_us,
                    deadline_us=taken.deadline_us,
                )
            )
        return taken

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        settled = await self._whole(lambda: self._ledger.settle(hold_id, actual))
        if not settled:
            # It was settled before, or was taken just before the ledger was emptied and is not known to it. Then the
            # usage row, which is written before anybody settles, is what goes back.
            await self.put_back([hold_id])
            # Another one may just have put it back as it was before the row was written.
            settled = await self._ledger.settle(hold_id, actual)
        return settled

    async def release(self, hold_id: str) -> bool:
        self._holds.record(Released(hold_id=hold_id))
        return await self._whole(lambda: self._ledger.release(hold_id))

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        async def renew() -> frozenset[str]:
            return await self._ledger.renew(hold_ids, progress, lease_us=lease_us)

        renewed = await self._whole(renew)
        if missing := set(hold_ids) - renewed:
            # Taken just before the ledger was emptied, and committed after it was restored.
            await self.put_back(missing)
        return renewed

    async def levels(self, demands: Sequence[Demand]) -> Reading:
        return await self._whole(lambda: self._ledger.levels(demands))

    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        return await self._whole(lambda: self._ledger.entries(key, window_us=window_us))

    async def _whole(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call; if the ledger has been emptied, restore it, once for all who find it so, and call again."""
        seen = self._restored
        try:
            return await call()
        except LedgerEmptied:
            async with self._one_at_a_time:
                if self._restored == seen:
                    await self._ledger.restore(await self._holds.stored_holds())
                    self._restored += 1
        return await call()

    async def put_back(self, hold_ids: Collection[str]) -> None:
        """Put these holds back, as they are written down, where they are missing; the ledger has been found whole."""
        if stored := await self._holds.stored_holds(hold_ids):
            await self._ledger.restore(stored)
