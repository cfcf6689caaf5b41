"""Tells the caps ledger what turns have cost, until it has heard; a charge is lost with no process and no ledger.

A usage row is written with the end of its turn, so what is to be told is known to every process. Whoever ended the turn
tells it at once; what nobody has noted as told within a lease is told again, by any process. A ledger settles a hold
once, however often it is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import ratelimit
from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer
from server.core.ports_charges import Charges

RETRIES: Final = (0.1, 1.0, 5.0)
"""Seconds between attempts to settle a hold; after the last one it is left to `catch_up`."""

AT_ONCE: Final = 500
"""Charges that are told again in one go, not counting those that the ledger does not take."""

PAGES: Final = 20
"""How often so many are looked at in one go, if the ledger takes none of them."""


class Settling:
    """Belongs to one event loop. For `patience` microseconds a charge is left to the process that made it."""

    def __init__(
        self,
        *,
        clock: Clock,
        limiter: ratelimit.Limits,
        charges: Charges,
        observer: Observer,
        patience: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._limiter = limiter
        self._charges = charges
        self._observer = observer
        self._patience = patience
        self._sleep = sleep
        self._told: list[str] = []
        """Turns whose charge the ledger has heard, which is not noted yet."""

    async def settle(self, turn_id: str, hold_id: str, charged: Mapping[str, int], *, again: bool = True) -> None:
        """Tell the ledger what a turn cost, nothing if `charged` is empty; `again` if it fails. Never raises."""
        for pause in (*(RETRIES if again else ()), None):
            try:
                await self._tell(turn_id, hold_id, charged)
            except Exception as failed:  # noqa: BLE001  the ledger may be away; it is told again
                self._failed(turn_id, failed)
                if pause is not None:
                    await self._sleep(pause)
            else:
                return

    async def catch_up(self) -> None:
        """Note what the ledger has heard, and tell it again what nobody has noted. Raises `OSError`."""
        await self.note()
        before, last = self._clock.now() - self._patience, None
        for _ in range(PAGES):
            rows = await self._charges.unsettled(before, AT_ONCE, last)
            for last in rows:
                try:
                    await self._tell(last.turn_id, last.hold_id, last.charged)
                except OSError:
                    raise
                except Exception as failed:  # noqa: BLE001  one charge must not be in the way of the others
                    self._failed(last.turn_id, failed)
            if self._told or len(rows) < AT_ONCE:
                break
        await self.note()

    async def note(self) -> None:
        """Write down what the ledger has heard. Raises `OSError`; then it is written the next time."""
        told = self._told[:]
        if told:
            await self._charges.settled(told, self._clock.now())
            del self._told[: len(told)]

    async def _tell(self, turn_id: str, hold_id: str, charged: Mapping[str, int]) -> None:
        if charged:
            await self._limiter.settle(hold_id, charged)
        else:
            await self._limiter.release(hold_id)
        self._told.append(turn_id)

    def _failed(self, turn_id: str, why: Exception) -> None:
        self._observer.saw(Happened(name=Happening.SETTLE_FAILED, labels={"turn": turn_id, "error": repr(why)}))
