"""What every ledger promises of windows that do not roll, and of holds that charge several subjects."""

from ratelimit.ledger import Charge, Demand, Full, Ledger, Taken
from tests.contracts.ledgers import START, Wall
from tests.contracts.test_ledger import (
    HOUR,
    counts,
    level,
    request,
    tokens,
)


def first_use(cap: int, *, window: int = 3 * HOUR) -> Demand:
    """Ask for a message in a window that opens with the first."""
    charge = Charge(key="ana|f", unit="messages", amount=1, window_us=window)
    return Demand(charge=charge, cap=cap, opens="first")


def by_calendar(cap: int, *ends: int, window: int = 24 * HOUR) -> Demand:
    """Ask for a message in a period that ends at one of these times."""
    charge = Charge(key="ana|d", unit="messages", amount=1, window_us=window)
    return Demand(charge=charge, cap=cap, ends_us=ends)


async def test_a_window_that_opens_with_the_first(ledger: Ledger, wall: Wall) -> None:
    """Messages of one window return together; the next window opens with the message after its end."""
    for number in range(3):
        await ledger.take(request(f"h{number}", first_use(3)))
        await ledger.settle(f"h{number}", {})
        wall.now += HOUR
    wall.now = START + 3 * HOUR - 1
    full = await ledger.take(request("h4", first_use(3)))
    assert isinstance(full, Full)
    assert (full.levels["ana|f"].next_at, full.levels["ana|f"].full_at) == (START + 3 * HOUR, START + 3 * HOUR)
    wall.now += HOUR
    taken = await ledger.take(request("h5", first_use(3)))
    assert isinstance(taken, Taken)
    assert taken.charges[0].since_us is None
    await ledger.settle("h5", {})
    wall.now += HOUR
    joined = await ledger.take(request("h6", first_use(3)))
    assert isinstance(joined, Taken)
    assert joined.charges[0].since_us == taken.at_us
    assert await ledger.take(request("h6", first_use(3))) == joined
    await ledger.settle("h6", {})
    wall.now = taken.at_us + 3 * HOUR
    assert (await level(ledger, first_use(3))).used == 0


async def test_a_window_whose_first_is_given_back_is_closed(ledger: Ledger, wall: Wall) -> None:
    """Releasing the only message of a window is as if it had not been sent: the next one opens another."""
    await ledger.take(request("h1", first_use(3)))
    await ledger.release("h1")
    wall.now += HOUR
    await ledger.take(request("h2", first_use(3)))
    await ledger.settle("h2", {})
    assert (await level(ledger, first_use(3))).full_at == START + 4 * HOUR


async def test_a_calendar_turns_by_the_ledgers_clock(ledger: Ledger, wall: Wall) -> None:
    """Of the turns that a request names, the first that is ahead of the ledger's own clock ends its period."""
    ends = (START, START + 5 * HOUR, START + 29 * HOUR)
    taken = await ledger.take(request("h1", by_calendar(1, *ends)))
    assert isinstance(taken, Taken)
    assert taken.charges[0].since_us == START - 19 * HOUR
    await ledger.settle("h1", {})
    wall.now = START + 5 * HOUR - 1
    full = await ledger.take(request("h2", by_calendar(1, *ends)))
    assert isinstance(full, Full)
    assert full.levels["ana|d"].next_at == START + 5 * HOUR
    wall.now += 1
    assert isinstance(await ledger.take(request("h2", by_calendar(1, *ends))), Taken)
    await ledger.settle("h2", {})
    assert (await level(ledger, by_calendar(1, *ends))).full_at == START + 29 * HOUR


async def test_a_day_of_25_hours_counts_for_25_hours(ledger: Ledger, wall: Wall) -> None:
    """A period longer than its nominal length holds what was taken at its beginning until its end."""
    end = START + 25 * HOUR
    await ledger.take(request("h1", by_calendar(1, end)))
    await ledger.settle("h1", {})
    wall.now = end - 1
    assert isinstance(await ledger.take(request("h2", by_calendar(1, end, end + 24 * HOUR))), Full)
    wall.now = end
    assert isinstance(await ledger.take(request("h2", by_calendar(1, end, end + 24 * HOUR))), Taken)


async def test_past_turns_count_as_a_rolling_window(ledger: Ledger, wall: Wall) -> None:
    """Where every turn that a request names has passed, nothing is admitted that a rolling window would refuse."""
    await ledger.take(request("h1", by_calendar(1, START - 1)))
    await ledger.settle("h1", {})
    assert (await level(ledger, by_calendar(1))).full_at == START + 24 * HOUR


async def test_a_late_truth_counts_in_its_own_period(ledger: Ledger, wall: Wall) -> None:
    """A settle after the lease and after the turn of the calendar charges the period of the request, not this one."""
    await ledger.take(request("h1", by_calendar(1, START + HOUR, START + 25 * HOUR)))
    wall.now = START + 2 * HOUR
    assert await ledger.settle("h1", {"messages": 1})
    assert await counts(ledger, by_calendar(1)) == [(0, 0)]


async def test_a_hold_may_charge_several_subjects(ledger: Ledger) -> None:
    """A request that charges a user and an organisation charges both or neither, and gives both back."""
    own, shared = tokens(40, 100), tokens(40, 60, who="organisation:acme")
    assert isinstance(await ledger.take(request("h1", own, shared)), Taken)
    full = await ledger.take(request("h2", own, shared))
    assert isinstance(full, Full)
    assert full.failing == ("organisation:acme|t",)
    assert await counts(ledger, own) == [(0, 40)]
    assert await counts(ledger, shared) == [(0, 40)]
    await ledger.settle("h1", {"tokens": 10})
    assert await counts(ledger, own) == [(10, 0)]
    assert await counts(ledger, shared) == [(10, 0)]


async def test_a_term_of_a_year_counts_all_of_it_until_its_end(ledger: Ledger, wall: Wall) -> None:
    """What was taken in a term that began long ago counts until it ends, and is given back to it before."""
    begins, ends = START - 100 * 24 * HOUR, START + 265 * 24 * HOUR
    term = by_calendar(2, ends, window=ends - begins)
    taken = await ledger.take(request("h1", term))
    assert isinstance(taken, Taken)
    assert taken.charges[0].since_us == begins
    await ledger.settle("h1", {})
    await ledger.take(request("h2", term))
    await ledger.release("h2")
    wall.now = ends - 1
    assert (await level(ledger, term)).used == 1
    await ledger.take(request("h3", term))
    await ledger.settle("h3", {})
    assert isinstance(await ledger.take(request("h4", term)), Full)
    wall.now = ends
    assert (await level(ledger, term)).used == 0
