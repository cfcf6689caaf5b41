"""What must change nothing changes nothing, on every ledger: refusals, ends told again, clocks that step."""

import asyncio
from collections.abc import Sequence

import pytest

from ratelimit.ledger import MOST, Demand, Entry, Full, Ledger, Reading, Taken
from tests.contracts.ledgers import START, Wall
from tests.contracts.test_ledger import HOUR, at_once, counts, messages, request, tokens

DEMANDS = (messages(3), tokens(40, 100), at_once(3))


async def state(ledger: Ledger, demands: Sequence[Demand] = DEMANDS) -> tuple[Reading, list[Sequence[Entry]]]:
    """Return all that can be seen of some counters."""
    entries = [await ledger.entries(one.charge.key, window_us=one.charge.window_us) for one in demands]
    return await ledger.levels(demands), entries


@pytest.mark.parametrize("asked", [(messages(3), tokens(21, 100)), (at_once(2), messages(3)), (tokens(101, 100),)])
async def test_a_refusal_changes_no_entry(ledger: Ledger, wall: Wall, asked: tuple[Demand, ...]) -> None:
    """Whichever counter refuses, every entry and every level is as before, in flight, settled and lapsed alike."""
    await ledger.take(request("settled", *DEMANDS))
    await ledger.settle("settled", {"tokens": 30})
    await ledger.take(request("lapsed", tokens(10, 100)))
    await ledger.renew(["lapsed"], {"lapsed": {"tokens": 5}}, lease_us=1)
    wall.now += 60 * 1_000_000
    await ledger.take(request("flying", messages(3), tokens(45, 100), at_once(3)))
    await ledger.take(request("flying too", at_once(3)))
    before = await state(ledger)
    assert isinstance(await ledger.take(request("refused", *asked)), Full)
    assert await state(ledger) == before


async def test_ends_told_at_once_are_one_end(ledger: Ledger) -> None:
    """Of 40 settles and releases of one hold that are told at the same time, one takes effect."""
    await ledger.take(request("h1", *DEMANDS))
    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(ledger.settle("h1", {"tokens": number})) for number in range(20)]
        ends += [group.create_task(ledger.release("h1")) for _ in range(20)]
    done = [number for number, end in enumerate(ends) if end.result()]
    assert len(done) == 1
    used = (1, done[0]) if done[0] < 20 else (0, 0)
    assert await counts(ledger, *DEMANDS) == [(used[0], 0), (used[1], 0), (0, 0)]


@pytest.mark.parametrize("steps", [(HOUR, -HOUR), (-HOUR, HOUR), (HOUR, -2 * HOUR, HOUR)], ids=str)
async def test_a_clock_that_steps_by_an_hour_admits_no_more(ledger: Ledger, wall: Wall, steps: tuple[int, ...]) -> None:
    """Whichever way the clock steps and back, a full window stays full until it has passed by the latest time seen."""
    window = messages(2, window=2 * HOUR)
    for name in ("h1", "h2"):
        await ledger.take(request(name, window, lease=3 * HOUR))
    await ledger.settle("h1", {})
    for number, step in enumerate(steps):
        wall.now += step
        assert isinstance(await ledger.take(request(f"r{number}", window)), Full)
    await ledger.settle("h2", {})
    wall.now = START + 2 * HOUR - 1
    assert isinstance(await ledger.take(request("early", window)), Full)
    wall.now += 1
    assert isinstance(await ledger.take(request("again", window)), Taken)


@pytest.mark.parametrize("amount", [-1, MOST + 1, 2**63, 10**30])
async def test_amounts_that_cannot_be_change_nothing(ledger: Ledger, amount: int) -> None:
    """An amount below nothing, or larger than any store counts exactly, is refused wherever it comes in."""
    await ledger.take(request("h1", *DEMANDS))
    before = await state(ledger)
    with pytest.raises(ValueError, match="a hold charges"):
        await ledger.take(request("h2", tokens(amount, 10**12)))
    with pytest.raises(ValueError, match="a hold cannot come to"):
        await ledger.settle("h1", {"messages": 1, "tokens": amount})
    with pytest.raises(ValueError, match="a hold cannot come to"):
        await ledger.renew(["h1"], {"h1": {"tokens": amount}}, lease_us=HOUR)
    assert await state(ledger) == before
    assert await ledger.settle("h1", {"tokens": MOST})


async def test_the_largest_amounts_are_counted_exactly(ledger: Ledger) -> None:
    """A hundred of the largest amounts that may be are a sum to the unit, and their cap is full."""
    for number in range(100):
        await ledger.take(request(f"h{number}", tokens(1, 10**15)))
        await ledger.settle(f"h{number}", {"tokens": MOST - number})
    assert await counts(ledger, tokens(1, 10**12)) == [(100 * MOST - 4_950, 0)]
    assert isinstance(await ledger.take(request("more", tokens(1, 10**12))), Full)
