"""The ledger in memory against the definition of a rolling window, whatever calls, clock steps and restarts come."""

from collections.abc import Mapping

import pytest

from ratelimit.ledger import Full, HoldRequest, Taken
from ratelimit.ledgers import memory
from ratelimit.ledgers.memory import MemoryLedger
from ratelimit.meter import Level, Meter
from tests.properties.ledger_machine import LEASE, check


def test_the_ledger_is_the_definition() -> None:
    """Every decision, level and next time is the definition's, whatever is called in whatever order."""
    check(lambda clock, journal: MemoryLedger(clock=clock, journal=journal), examples=150)


MOST = 3_000
"""Examples in which a mistake has to be found. Most are found in some hundreds; which ones come differs by process."""


class LateEdge(Meter):
    """Lets charges go one microsecond late."""

    def level(self, *, now: int, cap: int, amount: int, window: int) -> Level:
        """Return the level of just before."""
        return super().level(now=now - 1, cap=cap, amount=amount, window=window)


class EarlyEdge(Meter):
    """Lets charges go one microsecond early."""

    def level(self, *, now: int, cap: int, amount: int, window: int) -> Level:
        """Return the level of just after."""
        return super().level(now=now + 1, cap=cap, amount=amount, window=window)


class BlindToHeld(Meter):
    """Lets what is in flight age out."""

    def hold(self, hold_id: str, *, at: int, amount: int, window: int, deadline: int) -> None:
        """Settle at once."""
        super().settle(hold_id, at=at, amount=amount, window=window)


class SettlesNow(Meter):
    """Forgets, of late truths, what the progress had counted."""

    def settle(self, hold_id: str, *, at: int, amount: int, window: int, counted: int = 0) -> None:
        """Count the progress twice."""
        super().settle(hold_id, at=at, amount=amount, window=window)


class SettlesTwice(MemoryLedger):
    """Takes a second end for a first one."""

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        """Settle, and stay open."""
        done = await super().settle(hold_id, actual)
        if hold := self._holds.get(hold_id):
            hold.state = "lapsed"
        return done


class KeepsPlaces(MemoryLedger):
    """Forgets, on release, to free the place in flight."""

    async def release(self, hold_id: str) -> bool:
        """Release, and take the place again."""
        done = await super().release(hold_id)
        hold = self._holds.get(hold_id)
        if done and hold is not None:
            places = [charge for charge in hold.outcome.charges if charge.window_us == 0]
            self._hold(f"{hold_id} again", places, at=self._now, deadline=self._now + LEASE)
        return done


class FollowsTheClock(MemoryLedger):
    """Lets time go back."""

    def _advance(self) -> int:
        self._now = 0
        return super()._advance()


class ForgetsProgress(MemoryLedger):
    """Gives everything back when a lease ends."""

    def _lapse(self, hold_id: str, hold: memory._Hold) -> None:
        hold.progress = {}
        super()._lapse(hold_id, hold)


class ChargesRefusals(MemoryLedger):
    """Charges the first counter of a refused request."""

    async def take(self, hold: HoldRequest) -> Taken | Full:
        """Refuse, but not for free."""
        answer = await super().take(hold)
        if isinstance(answer, Full):
            self._hold(f"refused{self._now}", [hold.demands[0].charge], at=self._now, deadline=self._now + LEASE)
        return answer


@pytest.mark.parametrize("mutant", [LateEdge, EarlyEdge, BlindToHeld, SettlesNow])
def test_a_wrong_meter_is_found(mutant: type[Meter], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine finds each of these mistakes in the arithmetic."""
    monkeypatch.setattr(memory, "Meter", mutant)
    with pytest.raises(AssertionError):
        check(lambda clock, journal: MemoryLedger(clock=clock, journal=journal), examples=MOST, shrink=False)


@pytest.mark.parametrize("mutant", [SettlesTwice, KeepsPlaces, FollowsTheClock, ForgetsProgress, ChargesRefusals])
def test_a_wrong_ledger_is_found(mutant: type[MemoryLedger]) -> None:
    """The machine finds each of these mistakes in the keeping of holds."""
    with pytest.raises(AssertionError):
        check(lambda clock, journal: mutant(clock=clock, journal=journal), examples=MOST, shrink=False)
