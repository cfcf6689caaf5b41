"""A ledger in the memory of one process, with a journal for what must survive a restart.

No decision awaits anything, so each is atomic on one event loop.
"""
# ruff: noqa: D102  # what the methods promise is in `ratelimit.ledger`

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from heapq import heappop, heappush

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
)
from ratelimit.ledgers.outcomes import entries_of
from ratelimit.meter import Level, Meter

REMEMBER_US = 3_600_000_000
_SWEEP = 32
"""How many idle counters and ended holds one decision looks at: work stays bounded however many users have left."""


class _State(Enum):
    HELD = auto()
    LAPSED = auto()
    ENDED = auto()


@dataclass(slots=True)
class _Hold:
    outcome: Taken
    deadline: int
    state: _State = _State.HELD
    forget_at: int = 0
    progress: Mapping[str, int] = field(default_factory=dict)

    def lapsed_amount(self, unit: str) -> int:
        """Return what stays charged of `unit` when the lease ends."""
        return 0 if unit in GIVEN_BACK else self.progress.get(unit, 0)


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
        if not all(self._fits(demand, now) for demand in hold.demands):
            return Full(at_us=now, levels=self._read(hold.demands, now))
        charges = tuple(demand.dated(now, self._newest(demand)) for demand in hold.demands)
        deadline = now + hold.lease_us
        if self._journal is not None:
            held = Held(
                hold_id=hold.hold_id,
                subject=hold.subject,
                model=hold.model,
                charges=charges,
                at_us=now,
                deadline_us=deadline,
            )
            self._journal.record(held)
        self._hold(hold.hold_id, charges, at=now, deadline=deadline)
        levels = self._read(hold.demands, now, one_more=True)
        taken = Taken(at_us=now, deadline_us=deadline, model=hold.model, charges=charges, levels=levels)
        self._holds[hold.hold_id] = _Hold(taken, deadline)
        return taken

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        self._advance()
        if any(amount < 0 for amount in actual.values()):
            raise ValueError("a hold cannot settle below zero")
        hold = self._holds.get(hold_id)
        if hold is None or hold.state is _State.ENDED:
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
        if hold is None or hold.state is _State.ENDED:
            return False
        if self._journal is not None:
            self._journal.record(Released(hold_id=hold_id))
        self._end(hold_id, hold, {})
        return True

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        if any(amount < 0 for amounts in progress.values() for amount in amounts.values()):
            raise ValueError("a hold cannot progress below zero")
        now = self._advance()
        renewed = set()
        for hold_id in hold_ids:
            hold = self._holds.get(hold_id)
            if hold is None or hold.state is not _State.HELD:
                continue
            hold.deadline = max(hold.deadline, now + lease_us)
            hold.progress = {**hold.progress, **progress.get(hold_id, {})}
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

    def _fits(self, demand: Demand, now: int) -> bool:
        charge = demand.charge
        meter = self._meters.get(charge.key, _EMPTY)
        return meter.fits(now=now, cap=demand.cap, amount=charge.amount, window=charge.window_us)

    def _newest(self, demand: Demand) -> int | None:
        return self._meters.get(demand.charge.key, _EMPTY).newest

    def _read(self, demands: Sequence[Demand], now: int, *, one_more: bool = False) -> dict[str, Level]:
        return {
            demand.charge.key: self._meters.get(demand.charge.key, _EMPTY).level(
                now=now,
                cap=demand.cap,
                amount=1 if one_more else demand.charge.amount,
                window=demand.charge.window_us,
            )
            for demand in demands
        }

    def _meter(self, charge: Charge) -> Meter:
        meter = self._meters.get(charge.key)
        if meter is None:
            meter = self._meters[charge.key] = Meter()
            heappush(self._idle, (self._now + charge.window_us, charge.key))
        meter.prune(self._now)
        return meter

    def _hold(self, hold_id: str, charges: Sequence[Charge], *, at: int, deadline: int) -> None:
        for charge in charges:
            self._meter(charge).hold(
                hold_id, at=charge.since(at), amount=charge.amount, window=charge.window_us, deadline=deadline
            )
        heappush(self._leases, (deadline, hold_id))

    def _end(self, hold_id: str, hold: _Hold, amounts: Mapping[str, int]) -> None:
        """Charge `amounts` in place of what is charged now, for good."""
        self._charge(hold_id, hold, amounts)
        self._remember(hold_id, hold, since=self._now)

    def _charge(self, hold_id: str, hold: _Hold, amounts: Mapping[str, int]) -> None:
        """Put `amounts` by unit in place of what is charged now; those not named go to zero, as do places in flight."""
        for charge in hold.outcome.charges:
            self._meter(charge).settle(
                hold_id,
                at=charge.since(hold.outcome.at_us),
                amount=amounts.get(charge.unit, 0) if charge.window_us else 0,
                window=charge.window_us,
                counted=hold.lapsed_amount(charge.unit) if hold.state is _State.LAPSED else 0,
            )

    def _remember(self, hold_id: str, hold: _Hold, *, since: int) -> None:
        if hold.state is _State.HELD:
            heappush(self._ended, (since + REMEMBER_US, hold_id))
        hold.state, hold.forget_at = _State.ENDED, since + REMEMBER_US

    def _advance(self) -> int:
        """Return the time, which never goes back, after what it has ended."""
        now = self._now = max(self._now, self._clock())
        while self._leases and self._leases[0][0] <= now:
            _, hold_id = heappop(self._leases)
            hold = self._holds.get(hold_id)
            if hold is None or hold.state is not _State.HELD:
                continue
            if hold.deadline > now:
                heappush(self._leases, (hold.deadline, hold_id))
            else:
                self._lapse(hold_id, hold)
        self._sweep(now)
        return now

    def _lapse(self, hold_id: str, hold: _Hold) -> None:
        charges = hold.outcome.charges
        self._charge(hold_id, hold, {charge.unit: hold.lapsed_amount(charge.unit) for charge in charges})
        # The truth may still come for as long as it would count somewhere.
        last = max((charge.leaves(hold.outcome.at_us) for charge in charges), default=0)
        hold.state, hold.forget_at = _State.LAPSED, max(last, self._now + REMEMBER_US)
        heappush(self._ended, (hold.forget_at, hold_id))

    def _sweep(self, now: int) -> None:
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
        for _ in range(_SWEEP):
            if not self._ended or self._ended[0][0] > now:
                break
            _, hold_id = heappop(self._ended)
            if self._holds[hold_id].forget_at <= now:
                del self._holds[hold_id]
            else:
                heappush(self._ended, (self._holds[hold_id].forget_at, hold_id))


_EMPTY = Meter()
