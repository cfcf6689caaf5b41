"""What is special about a ledger in memory: its bounds, its journal, its restart."""

import os
from collections.abc import Sequence

import pytest

from ratelimit.ledger import (
    Charge,
    Demand,
    Full,
    Held,
    HoldRequest,
    JournalEntry,
    Released,
    Settled,
    StoredHold,
    Taken,
)
from ratelimit.ledgers.memory import REMEMBER_US, MemoryLedger

HOUR = 3_600_000_000
LEASE = 10_000_000
MANY = 1_000_000 if os.environ.get("PARLEY_FAULTS") == "full" else 20_000


class Wall:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.now = 100 * HOUR

    def __call__(self) -> int:
        """Return the time that was set."""
        return self.now


class Notes(list[JournalEntry]):
    """A journal that is a list."""

    def record(self, entry: JournalEntry) -> None:
        """Note the entry."""
        self.append(entry)


class Broken:
    """A journal whose disk is full."""

    def record(self, entry: JournalEntry) -> None:
        """Fail."""
        raise OSError(28, "no space left")


def demand(key: str = "ana|m", *, cap: int = 5, unit: str = "messages", amount: int = 1, window: int = HOUR) -> Demand:
    """Ask for one amount of one counter."""
    return Demand(charge=Charge(key=key, unit=unit, amount=amount, window_us=window), cap=cap)


def request(hold_id: str, *demands: Demand) -> HoldRequest:
    """Ask for all demands under one id."""
    return HoldRequest(hold_id=hold_id, subject="ana", model="gpt-4", demands=demands, lease_us=LEASE)


def stored(hold_id: str, at: int, charges: Sequence[Charge], *, held: bool = False) -> StoredHold:
    """Return a hold as a journal's store would have it."""
    return StoredHold(
        hold_id=hold_id,
        subject="ana",
        model="gpt-4",
        charges=tuple(charges),
        at_us=at,
        state="held" if held else "settled",
        deadline_us=at + LEASE,
    )


async def test_idle_counters_are_dropped() -> None:
    """Counters of users who left go away, a bounded number at each request; the live one stays."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    for number in range(500):
        await ledger.take(request(f"h{number}", demand(f"user{number}|m")))
        await ledger.settle(f"h{number}", {})
    wall.now += HOUR // 2
    await ledger.take(request("live", demand("live|m")))
    await ledger.settle("live", {})
    assert len(ledger) == 501
    wall.now += HOUR // 2
    for _ in range(30):
        await ledger.levels([])
    assert len(ledger) == 1
    assert (await ledger.levels([demand("live|m")])).levels["live|m"].used == 1


async def test_refusals_and_readings_make_no_counters() -> None:
    """Asking about counters, or being refused, leaves nothing behind."""
    ledger = MemoryLedger(clock=Wall())
    await ledger.levels([demand("nobody|m")])
    assert isinstance(await ledger.take(request("h", demand(), demand("ana|t", cap=1, amount=2))), Full)
    assert len(ledger) == 0


async def test_a_dropped_counter_takes_a_late_truth() -> None:
    """A hold settled long after its lease, when its counter was dropped, is still recorded at its own time."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    await ledger.take(request("h", demand(window=24 * HOUR)))
    wall.now += 2 * LEASE
    await ledger.levels([])
    wall.now += 23 * HOUR
    assert await ledger.settle("h", {})
    assert (await ledger.levels([demand(window=24 * HOUR)])).levels["ana|m"].used == 1


async def test_ended_ids_are_forgotten_in_the_end() -> None:
    """An id is remembered for an hour after its end, and then is new again."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    first = await ledger.take(request("h", demand()))
    await ledger.release("h")
    wall.now += REMEMBER_US - 1
    assert await ledger.take(request("h", demand())) == first
    wall.now += 1
    assert await ledger.take(request("h", demand())) != first


async def test_a_late_end_is_remembered_for_an_hour_too() -> None:
    """The hour counts from the end, not from the lapse of the lease."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    first = await ledger.take(request("h", demand()))
    wall.now += LEASE
    await ledger.levels([])
    wall.now += REMEMBER_US - 1
    assert await ledger.settle("h", {})
    wall.now += REMEMBER_US - 1
    assert await ledger.take(request("h", demand())) == first


async def test_the_journal_hears_every_change_in_order() -> None:
    """Holds and ends are recorded, once each; refusals, repetitions, readings and renewals are not."""
    notes, wall = Notes(), Wall()
    ledger = MemoryLedger(clock=wall, journal=notes)
    tokens = demand("ana|t", unit="tokens", amount=9, cap=20)
    place = demand("ana|c", unit="concurrent-requests", window=0)
    await ledger.take(request("h1", demand(), tokens, place))
    await ledger.take(request("h1", demand()))
    await ledger.take(request("h2", demand(cap=1)))
    await ledger.take(request("h3", demand()))
    await ledger.renew(["h1"], {}, lease_us=LEASE)
    await ledger.settle("h1", {"tokens": 4})
    await ledger.settle("h1", {"tokens": 5})
    await ledger.release("h3")
    await ledger.release("h3")
    assert notes == [
        Held(
            hold_id="h1",
            subject="ana",
            model="gpt-4",
            charges=(demand().charge, tokens.charge, place.charge),
            at_us=wall.now,
            deadline_us=wall.now + LEASE,
        ),
        Held(
            hold_id="h3",
            subject="ana",
            model="gpt-4",
            charges=(demand().charge,),
            at_us=wall.now,
            deadline_us=wall.now + LEASE,
        ),
        Settled(hold_id="h1", amounts={"messages": 1, "tokens": 4}),
        Released(hold_id="h3"),
    ]


async def test_a_journal_that_fails_changes_nothing() -> None:
    """If the journal raises, the hold was not taken."""
    ledger = MemoryLedger(clock=Wall(), journal=Broken())
    with pytest.raises(OSError, match="no space"):
        await ledger.take(request("h", demand()))
    assert (await ledger.levels([demand()])).levels["ana|m"].held == 0
    assert not await ledger.release("h")


async def test_a_restored_hold_goes_on() -> None:
    """A hold in flight at the crash is remembered, charged, renewable and settled like any other."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    ledger.restore([stored("h", wall.now - 5, [demand().charge], held=True)], wall.now)
    found = (await ledger.levels([demand()])).levels["ana|m"]
    assert (found.used, found.held) == (0, 1)
    again = await ledger.take(request("h", demand()))
    assert isinstance(again, Taken)
    assert again.model == "gpt-4"
    assert await ledger.renew(["h"], {}, lease_us=LEASE) == {"h"}
    assert await ledger.settle("h", {})
    found = (await ledger.levels([demand()])).levels["ana|m"]
    assert (found.used, found.held, found.full_at) == (1, 0, wall.now - 5 + HOUR)


async def test_a_restored_hold_whose_lease_has_passed_lapses() -> None:
    """Nobody goes on with it: its message returns, and the truth may still come."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    ledger.restore([stored("h", wall.now - 2 * LEASE, [demand().charge], held=True)], wall.now)
    assert (await ledger.levels([demand()])).levels["ana|m"].remaining == 5
    assert await ledger.settle("h", {})
    assert (await ledger.levels([demand()])).levels["ana|m"].used == 1


async def test_a_restart_with_a_slow_clock_opens_nothing() -> None:
    """A wall clock that went back over the restart counts as no time passed."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    ledger.restore([stored("h", wall.now + HOUR, [demand().charge])], wall.now)
    full = await ledger.take(request("h2", demand(cap=1)))
    assert isinstance(full, Full)
    assert full.at_us == wall.now + HOUR
    assert full.levels["ana|m"].next_at == wall.now + 2 * HOUR


async def test_old_settled_ids_are_not_remembered_over_a_restart() -> None:
    """A restored settled hold is charged; its id is remembered only if it was taken within the last hour."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    wide = demand(window=24 * HOUR)
    ledger.restore(
        [
            stored("old", wall.now - 2 * HOUR, [wide.charge]),
            stored("new", wall.now - HOUR // 2, [wide.charge]),
        ],
        wall.now,
    )
    await ledger.take(request("new", wide))
    assert (await ledger.levels([wide])).levels["ana|m"].remaining == 3
    await ledger.take(request("old", wide))
    assert (await ledger.levels([wide])).levels["ana|m"].remaining == 2
    assert not await ledger.settle("new", {})


async def test_many_users_push_nobody_out() -> None:
    """However many users come, each counter that is full stays full; none is dropped while anything is in it."""
    wall = Wall()
    ledger = MemoryLedger(clock=wall)
    full = demand("first|m", cap=1)
    await ledger.take(request("first", full))
    await ledger.settle("first", {})
    for number in range(MANY):
        wall.now += 1
        await ledger.take(request(f"h{number}", demand(f"user{number}|m")))
        await ledger.settle(f"h{number}", {})
    assert len(ledger) == MANY + 1
    assert isinstance(await ledger.take(request("second", full)), Full)
    reading = await ledger.levels([demand(f"user{number}|m") for number in range(MANY)])
    assert all(level.used == 1 for level in reading.levels.values())
