"""A ledger in the memory of one process, with a journal for what must survive a restart.

No decision awaits anything, so each is atomic on one event loop.
"""
# ruff: noqa: D102  # what the methods promise is in `ratelimit.ledger`

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal

from ratelimit.ledger import (
    GIVEN_BACK,
    Charge,
    Demand,
    Entry,
    Full,
    Held,
    HoldRequest,
    Journal,
    Reading,
    Released,
    Settled,
    StoredHold,
    Taken,
    check,
)
from ratelimit.ledgers.outcomes import entries_of
from ratelimit.meter import Level, Meter

REMEMBER_US = 3_600_000_000
_SWEEP = 32
"""How many idle counters and ended holds one decision looks at: work stays bounded however many users have left."""


_State = Literal["held", "lapsed", "ended"]


@dataclass(slots=True)
class _Hold:
    outcome: Taken
    deadline: int
    state: _State = "held"
    forget_at: int = 0
    progress: Mapping[str, int] | None = None

    def lapsed_amount(self, unit: str) -> int:
        """Return what stays charged of `unit` when the lease ends."""
        return 0 if unit in GIVEN_BACK or self.progress is None else self.progress.get(unit, 0)


class MemoryLedger:
    """Keeps levels in memory; see `Ledger` for what it promises.

    `clock` returns wall time in microseconds. Idle counters are dropped when nothing is left in them, live ones never.
    A decision costs the counters it names, the leases that just ended and a bounded share of the sweeping.
    """

    def __init__(self, *, clock: Callable[[], int], journal: Journal | None = None) -> None:
        self._clock = clock
        self._journal = journal
        self._now = 0
        self._meters: dict[str, Meter] = {}
        self._holds: dict[str, _Hold] = {}
        self._leases: list[tuple[int, str]] = []
        """One per hold that is held; the time may be that of a deadline since renewed."""
        self._idle: list[tuple[int, str]] = []
        """One per counter: when it may be empty."""
        self._ended: list[tuple[int, str]] = []
        """One per hold that is not held; the time may be before it can be forgotten."""

    async def take(self, hold: HoldRequest) -> Taken | Full:
        now = self._advance()
        if known := self._holds.get(hold.hold_id):
            return known.outcome
        dated = []
        for demand in hold.demands:
            charge = demand.charge
            meter = self._meters.get(charge.key, _EMPTY)
            if not meter.fits(now=now, cap=demand.cap, amount=charge.amount, window=charge.window_us):
                return Full(at_us=now, levels=self._read(hold.demands, now))
            rolls = demand.opens == "rolling" and not demand.ends_us
            dated.append(charge if rolls else demand.dated(now, meter.newest))
        charges, deadline = tuple(dated), now + hold.lease_us
        if self._journal is not None:
            self._journal.record(Held(hold.hold_id, hold.subject, hold.model, charges, now, deadline))
        self._hold(hold.hold_id, charges, at=now, deadline=deadline)
        taken = Taken(now, deadline, hold.model, charges, self._read(hold.demands, now, one_more=True))
        self._holds[hold.hold_id] = _Hold(taken, deadline)
        return taken

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        self._advance()
        check(actual)
        hold = self._holds.get(hold_id)
        if hold is None or hold.state == "ended":
            return False
        amounts = {
            charge.unit: actual.get(charge.unit, charge.amount) for charge in hold.outcome.charges if charge.window_us
        }
        if self._journal is not None:
            self._journal.record(Settled(hold_id=hold_id, amounts=amounts))
        self._end(hold_id, hold, amounts)
        return True

    async def release(self, hold_id: str) -> bool:
        self._advance()
        hold = self._holds.get(hold_id)
        if hold is None or hold.state == "ended":
            return False
        if self._journal is not None:
            self._journal.record(Released(hold_id=hold_id))
        self._end(hold_id, hold, {})
        return True

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        for amounts in progress.values():
            check(amounts)
        now = self._advance()
        renewed = set()
        for hold_id in hold_ids:
            hold = self._holds.get(hold_id)
            if hold is None or hold.state != "held":
                continue
            hold.deadline = max(hold.deadline, now + lease_us)
            hold.progress = {**(hold.progress or {}), **progress.get(hold_id, {})}
            for charge in hold.outcome.charges:
                self._meters[charge.key].renew(hold_id, hold.deadline)
            renewed.add(hold_id)
        return frozenset(renewed)

    async def levels(self, demands: Sequence[Demand]) -> Reading:
        now = self._advance()
        return Reading(at_us=now, levels=self._read(demands, now))

    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        now = self._advance()
        return entries_of(self._meters.get(key, _EMPTY), now, window_us)

    def restore(self, holds: Iterable[StoredHold], now: int) -> None:
        """Take back what a journal kept, before the first request.

        For all that is still in its window the state is as before, but for progress, which no journal keeps, and for
        the ids of settled holds taken more than an hour ago, which are not remembered.
        """
        self._now = max(self._now, now)
        for stored in holds:
            self._now = max(self._now, stored.at_us)
            outcome = Taken(
                at_us=stored.at_us,
                deadline_us=stored.deadline_us,
                model=stored.model,
                charges=stored.charges,
                levels={},
            )
            hold = _Hold(outcome, stored.deadline_us)
            if stored.state == "held":
                self._holds[stored.hold_id] = hold
                self._hold(stored.hold_id, stored.charges, at=stored.at_us, deadline=stored.deadline_us)
                continue
            self._charge(stored.hold_id, hold, {charge.unit: charge.amount for charge in stored.charges})
            if stored.at_us + REMEMBER_US > now:
                self._holds[stored.hold_id] = hold
                self._remember(stored.hold_id, hold, since=stored.at_us)

    def __len__(self) -> int:
        """Return how many counters are kept."""
        return len(self._meters)

    def _read(self, demands: Sequence[Demand], now: int, *, one_more: bool = False) -> dict[str, Level]:
        levels = {}
        for demand in demands:
            charge = demand.charge
            amount = 1 if one_more else charge.amount
            meter = self._meters.get(charge.key, _EMPTY)
            levels[charge.key] = meter.level(now=now, cap=demand.cap, amount=amount, window=charge.window_us)
        return levels

    def _meter(self, charge: Charge) -> Meter:
        meter = self._meters.get(charge.key)
        if meter is None:
            meter = self._meters[charge.key] = Meter()
            heappush(self._idle, (self._now + charge.window_us, charge.key))
        return meter

    def _hold(self, hold_id: str, charges: Sequence[Charge], *, at: int, deadline: int) -> None:
        for charge in charges:
            since = at if charge.since_us is None else charge.since_us
            self._meter(charge).hold(
                hold_id, at=since, amount=charge.amount, window=charge.window_us, deadline=deadline
            )
        heappush(self._leases, (deadline, hold_id))

    def _end(self, hold_id: str, hold: _Hold, amounts: Mapping[str, int]) -> None:
        """Charge `amounts` in place of what is charged now, for good."""
        self._charge(hold_id, hold, amounts)
        self._remember(hold_id, hold, since=self._now)

    def _charge(self, hold_id: str, hold: _Hold, amounts: Mapping[str, int]) -> None:
        """Put `amounts` by unit in place of what is charged now; those not named go to zero, as do places in flight."""
        lapsed = hold.state == "lapsed"
        for charge in hold.outcome.charges:
            meter = self._meter(charge)
            meter.prune(self._now)
            meter.settle(
                hold_id,
                at=hold.outcome.at_us if charge.since_us is None else charge.since_us,
                amount=amounts.get(charge.unit, 0) if charge.window_us else 0,
                window=charge.window_us,
                counted=hold.lapsed_amount(charge.unit) if lapsed else 0,
            )

    def _remember(self, hold_id: str, hold: _Hold, *, since: int) -> None:
        if hold.state == "held":
            heappush(self._ended, (since + REMEMBER_US, hold_id))
        hold.state, hold.forget_at = "ended", since + REMEMBER_US

    def _advance(self) -> int:
        """Return the time, which never goes back, after what it has ended."""
        now = self._now = max(self._now, self._clock())
        if self._leases and self._leases[0][0] <= now:
            self._end_leases(now)
        if self._idle and self._idle[0][0] <= now:
            self._drop_idle(now)
        if self._ended and self._ended[0][0] <= now:
            self._forget(now)
        return now

    def _end_leases(self, now: int) -> None:
        while self._leases and self._leases[0][0] <= now:
            _, hold_id = heappop(self._leases)
            hold = self._holds.get(hold_id)
            if hold is None or hold.state != "held":
                continue
            if hold.deadline > now:
                heappush(self._leases, (hold.deadline, hold_id))
            else:
                self._lapse(hold_id, hold)

    def _lapse(self, hold_id: str, hold: _Hold) -> None:
        charges = hold.outcome.charges
        self._charge(hold_id, hold, {charge.unit: hold.lapsed_amount(charge.unit) for charge in charges})
        # The truth may still come for as long as it would count somewhere.
        last = max((charge.leaves(hold.outcome.at_us) for charge in charges), default=0)
        hold.state, hold.forget_at = "lapsed", max(last, self._now + REMEMBER_US)
        heappush(self._ended, (hold.forget_at, hold_id))

    def _drop_idle(self, now: int) -> None:
        for _ in range(_SWEEP):
            if not self._idle or self._idle[0][0] > now:
                break
            _, key = heappop(self._idle)
            meter = self._meters[key]
            meter.prune(now)
            if len(meter):
                heappush(self._idle, (max(now + 1, meter.empty_at()), key))
            else:
                del self._meters[key]

    def _forget(self, now: int) -> None:
        for _ in range(_SWEEP):
            if not self._ended or self._ended[0][0] > now:
                break
            _, hold_id = heappop(self._ended)
            if self._holds[hold_id].forget_at <= now:
                del self._holds[hold_id]
            else:
                heappush(self._ended, (self._holds[hold_id].forget_at, hold_id))


_EMPTY = Meter()
