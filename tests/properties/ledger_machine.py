"""The definition of a rolling window, and a machine that holds a ledger against it."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ratelimit.ledger import (
    Charge,
    Demand,
    Full,
    Held,
    HoldRequest,
    Journal,
    JournalEntry,
    Ledger,
    Settled,
    StoredHold,
    Taken,
)
from ratelimit.meter import Level

CAPS: Mapping[str, int] = {"messages": 3, "tokens": 100, "concurrent-requests": 2}
WINDOWS: Mapping[str, int] = {"messages": 1_000, "tokens": 2_000, "concurrent-requests": 0}
UNITS = sorted(CAPS)
LEASE = 300


class Restorable(Ledger, Protocol):
    """A ledger that can be rebuilt from a journal."""

    def restore(self, holds: Iterable[StoredHold], now: int) -> None:
        """Take back what a journal kept."""


Opener = Callable[[Callable[[], int], Journal], Restorable]


T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine returns that never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a decision in memory must not wait")


def demand(unit: str, amount: int) -> Demand:
    """Ask for an amount of the only counter of a unit."""
    return Demand(charge=Charge(key=f"ana|{unit}", unit=unit, amount=amount, window_us=WINDOWS[unit]), cap=CAPS[unit])


@dataclass
class Past:
    """One hold, as the definition remembers it."""

    at: int
    amounts: dict[str, int]
    deadline: int
    progress: int = 0
    final: dict[str, int] | None = None
    late: bool = False
    """Whether the truth came after the lease had ended, when others may have been let in instead."""

    def counts(self, unit: str, now: int) -> tuple[int, bool]:
        """Return the units and whether they are in flight."""
        if self.final is not None:
            return self.final.get(unit, 0), False
        if self.deadline > now:
            return self.amounts.get(unit, 0), True
        return (self.progress if unit == "tokens" and unit in self.amounts else 0), False

    def beyond(self, unit: str, now: int) -> int:
        """Return the units that count now and that nobody could know of when the hold was taken."""
        amount, _ = self.counts(unit, now)
        return amount if self.late else max(0, amount - self.amounts.get(unit, 0))


@dataclass
class Definition:
    """All holds that were ever taken; a level is a sum over them."""

    holds: dict[str, Past] = field(default_factory=dict)

    def level(self, unit: str, now: int) -> tuple[int, int]:
        """Return the units settled within the window, and those in flight."""
        used = held = 0
        for past in self.holds.values():
            amount, in_flight = past.counts(unit, now)
            if in_flight:
                held += amount
            elif past.at > now - WINDOWS[unit]:
                used += amount
        return used, held

    def fits(self, unit: str, amount: int, now: int) -> bool:
        """Return whether the amount fits under the cap."""
        return sum(self.level(unit, now)) + amount <= CAPS[unit]

    def overfull(self, unit: str, now: int) -> list[int]:
        """Return the ends of windows in which more was admitted than the cap, less what was not known then."""
        window = WINDOWS[unit]
        found = []
        for end in {past.at for past in self.holds.values()}:
            inside = [past for past in self.holds.values() if end - window < past.at <= end]
            total = sum(past.counts(unit, now)[0] for past in inside)
            if total > CAPS[unit] + sum(past.beyond(unit, now) for past in inside):
                found.append(end)
        return found

    def edges(self) -> list[int]:
        """Return every moment at which a level may change by itself."""
        times = {past.at + window for past in self.holds.values() for window in WINDOWS.values()}
        return sorted(times | {past.deadline for past in self.holds.values()})


class LedgerMachine(RuleBasedStateMachine):
    """Calls the ledger and the definition with the same arguments."""

    opener: Opener
    restarts: bool

    @initialize()
    def start(self) -> None:
        """Begin with nothing."""
        self.wall = self.now = 10_000
        self.names = 0
        self.entries: list[JournalEntry] = []
        self.truth = Definition()
        self.ledger = self.open()

    def open(self) -> Restorable:
        """Open an empty ledger."""
        return type(self).opener(lambda: self.wall, self)

    def record(self, entry: JournalEntry) -> None:
        """Be the journal."""
        self.entries.append(entry)

    @rule(step=st.integers(-500, 700))
    def set_the_clock(self, step: int) -> None:
        """Move the wall clock, which may go back."""
        self.wall += step
        self.now = max(self.now, self.wall)

    @rule(which=st.integers(0, 3), off=st.sampled_from([-1, 0, 1]))
    def jump_to_an_edge(self, which: int, off: int) -> None:
        """Move exactly to, just before or just after a moment at which something ends."""
        edges = [edge + off for edge in self.truth.edges() if edge + off >= self.now]
        if edges:
            self.wall = self.now = edges[min(which, len(edges) - 1)]

    @rule(tokens=st.integers(1, 110), units=st.sets(st.sampled_from(UNITS), min_size=1), again=st.integers(0, 9))
    def take(self, tokens: int, units: set[str], again: int) -> None:
        """Ask for some units under a new id, and now and then under an old one."""
        known = list(self.truth.holds)
        self.names += 1
        hold_id = known[-1] if known and again == 0 else f"h{self.names}"
        amounts = {unit: tokens if unit == "tokens" else 1 for unit in sorted(units)}
        request = HoldRequest(
            hold_id=hold_id,
            subject="ana",
            model="gpt-4",
            demands=tuple(demand(unit, amount) for unit, amount in amounts.items()),
            lease_us=LEASE,
        )
        answer = run(self.ledger.take(request))
        if hold_id in self.truth.holds:
            assert isinstance(answer, Taken)
            assert answer.at_us == self.truth.holds[hold_id].at
            return
        failing = {unit for unit, amount in amounts.items() if not self.truth.fits(unit, amount, self.now)}
        if failing:
            assert isinstance(answer, Full)
            assert set(answer.failing) == {f"ana|{unit}" for unit in failing}
            for unit in failing:
                self.check_next_time(unit, amounts[unit], answer.levels[f"ana|{unit}"])
        else:
            assert isinstance(answer, Taken)
            assert answer.at_us == self.now
            self.truth.holds[hold_id] = Past(self.now, amounts, self.now + LEASE)

    def check_next_time(self, unit: str, amount: int, level: Level) -> None:
        """With nothing in flight the next time is the first one; otherwise it is marked as the latest."""
        if amount > CAPS[unit]:
            assert level.next_at is None
            return
        assert level.next_at is not None
        assert level.next_at > self.now
        assert level.at_most == (self.truth.level(unit, self.now)[1] > 0)
        if not level.at_most:
            assert self.truth.fits(unit, amount, level.next_at)
            assert not self.truth.fits(unit, amount, level.next_at - 1)

    def pick(self, which: int) -> tuple[str, Past] | None:
        """Return one of the latest holds, if there is any."""
        holds = list(self.truth.holds.items())
        return holds[-1 - min(which, len(holds) - 1)] if holds else None

    @rule(which=st.integers(0, 5), tokens=st.none() | st.integers(0, 150), message=st.none() | st.integers(0, 1))
    def settle(self, which: int, tokens: int | None, message: int | None) -> None:
        """Settle a hold in any state with any truth."""
        if (picked := self.pick(which)) is None:
            return
        hold_id, past = picked
        named = {"tokens": tokens, "messages": message}
        actual = {unit: amount for unit, amount in named.items() if amount is not None}
        assert run(self.ledger.settle(hold_id, actual)) == (past.final is None)
        if past.final is None:
            past.late = past.deadline <= self.now
            past.final = {unit: actual.get(unit, amount) for unit, amount in past.amounts.items() if WINDOWS[unit]}

    @rule(which=st.integers(0, 5))
    def release(self, which: int) -> None:
        """Release a hold in any state."""
        if (picked := self.pick(which)) is None:
            return
        hold_id, past = picked
        assert run(self.ledger.release(hold_id)) == (past.final is None)
        past.final = past.final if past.final is not None else {}

    @rule(which=st.integers(0, 5), lease=st.integers(1, LEASE), progress=st.integers(0, 120))
    def renew(self, which: int, lease: int, progress: int) -> None:
        """Renew a hold in any state."""
        if (picked := self.pick(which)) is None:
            return
        hold_id, past = picked
        alive = past.final is None and past.deadline > self.now
        renewed = run(self.ledger.renew([hold_id], {hold_id: {"tokens": progress}}, lease_us=lease))
        assert renewed == ({hold_id} if alive else set())
        if alive:
            past.deadline = max(past.deadline, self.now + lease)
            past.progress = progress

    @rule(which=st.integers(0, 1), progress=st.integers(1, 120))
    def abandon(self, which: int, progress: int) -> None:
        """Leave a hold, after some progress, until its lease has ended."""
        if (picked := self.pick(which)) is not None and picked[1].final is None:
            self.renew(which, LEASE, progress)
            self.wall = self.now = max(self.now, picked[1].deadline)

    @precondition(lambda self: self.restarts)
    @rule()
    def restart(self) -> None:
        """Rebuild the ledger from its journal; only progress may be lost."""
        stored: dict[str, StoredHold] = {}
        for entry in self.entries:
            if isinstance(entry, Held):
                stored[entry.hold_id] = StoredHold(
                    hold_id=entry.hold_id,
                    subject=entry.subject,
                    model=entry.model,
                    charges=entry.charges,
                    at_us=entry.at_us,
                    state="held",
                    deadline_us=self.truth.holds[entry.hold_id].deadline,
                )
            elif isinstance(entry, Settled):
                held = stored[entry.hold_id]
                stored[entry.hold_id] = StoredHold(
                    hold_id=held.hold_id,
                    subject=held.subject,
                    model=held.model,
                    charges=tuple(
                        Charge(key=one.key, unit=one.unit, amount=amount, window_us=one.window_us)
                        for one in held.charges
                        if (amount := entry.amounts.get(one.unit, 0))
                    ),
                    at_us=held.at_us,
                    state="settled",
                    deadline_us=held.deadline_us,
                )
            else:
                del stored[entry.hold_id]
                self.truth.holds.pop(entry.hold_id, None)
        self.entries = [entry for entry in self.entries if entry.hold_id in stored]
        for past in self.truth.holds.values():
            past.progress = 0
        self.ledger = self.open()
        self.ledger.restore(stored.values(), self.now)

    @invariant()
    def levels_equal_the_definition(self) -> None:
        """Every level is what the definition says, and in flight never exceeds what the cap admits."""
        reading = run(self.ledger.levels([demand(unit, 1) for unit in UNITS]))
        assert reading.at_us == self.now
        for unit in UNITS:
            level = reading.levels[f"ana|{unit}"]
            assert (level.used, level.held) == self.truth.level(unit, self.now), unit
        assert reading.levels["ana|concurrent-requests"].held <= CAPS["concurrent-requests"]

    @invariant()
    def no_window_holds_more_than_its_cap(self) -> None:
        """Wherever a window is laid, what was admitted in it fits the cap, but for what estimates did not foresee."""
        for unit in UNITS:
            assert not WINDOWS[unit] or self.truth.overfull(unit, self.now) == [], unit


def check(opener: Opener, *, examples: int, shrink: bool = True, restarts: bool = True) -> None:
    """Run the machine on one kind of ledger."""
    machine = type("Machine", (LedgerMachine,), {"opener": staticmethod(opener), "restarts": restarts})
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
