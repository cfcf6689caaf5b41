"""What every ledger promises."""

import asyncio
from itertools import permutations

import pytest

from ratelimit.ledger import Charge, Demand, Full, HoldRequest, Ledger, Taken
from ratelimit.meter import Level
from tests.contracts.ledgers import START, Opener, Wall

HOUR = 3_600_000_000
LEASE = 10_000_000


def messages(cap: int, *, who: str = "ana", window: int = 3 * HOUR, amount: int = 1) -> Demand:
    """Ask for messages in a rolling window."""
    return Demand(charge=Charge(key=f"{who}|m", unit="messages", amount=amount, window_us=window), cap=cap)


def tokens(amount: int, cap: int, *, who: str = "ana", window: int = 24 * HOUR) -> Demand:
    """Ask for tokens in a rolling window."""
    return Demand(charge=Charge(key=f"{who}|t", unit="tokens", amount=amount, window_us=window), cap=cap)


def at_once(cap: int, *, who: str = "ana") -> Demand:
    """Ask for a place in flight."""
    charge = Charge(key=f"{who}|c", unit="concurrent-requests", amount=1, window_us=0)
    return Demand(charge=charge, cap=cap)


def request(hold_id: str, *demands: Demand, lease: int = LEASE) -> HoldRequest:
    """Ask for all demands under one id."""
    return HoldRequest(hold_id=hold_id, subject="ana", model="gpt-4", demands=demands, lease_us=lease)


async def level(ledger: Ledger, demand: Demand) -> Level:
    """Return the level of one counter."""
    return (await ledger.levels([demand])).levels[demand.charge.key]


async def counts(ledger: Ledger, *demands: Demand) -> list[tuple[int, int]]:
    """Return what is used and held on each counter."""
    reading = await ledger.levels(demands)
    return [(found.used, found.held) for found in reading.levels.values()]


async def test_a_hold_is_charged_at_once(ledger: Ledger) -> None:
    """A taken hold counts as held on every counter, and the outcome carries the levels after it."""
    taken = await ledger.take(request("h1", messages(5), tokens(40, 100), at_once(2)))
    assert isinstance(taken, Taken)
    assert [found.remaining for found in taken.levels.values()] == [4, 60, 1]
    assert await counts(ledger, messages(5), tokens(1, 100), at_once(2)) == [(0, 1), (0, 40), (0, 1)]
    assert (taken.at_us, taken.deadline_us, taken.model) == (START, START + LEASE, "gpt-4")


async def test_all_or_nothing(ledger: Ledger) -> None:
    """A request that one counter refuses charges none of the others."""
    await ledger.take(request("h1", tokens(90, 100)))
    before = await ledger.levels([messages(5), tokens(1, 100), at_once(2)])
    full = await ledger.take(request("h2", messages(5), tokens(11, 100), at_once(2)))
    assert isinstance(full, Full)
    assert full.failing == ("ana|t",)
    assert await ledger.levels([messages(5), tokens(1, 100), at_once(2)]) == before


async def test_refusals_are_free(ledger: Ledger, wall: Wall) -> None:
    """However often one is refused, the next message comes when it would have come."""
    await ledger.take(request("h1", messages(1)))
    await ledger.settle("h1", {})
    for number in range(100):
        wall.now += 1_000_000
        assert isinstance(await ledger.take(request(f"r{number}", messages(1))), Full)
    wall.now = START + 3 * HOUR
    assert isinstance(await ledger.take(request("h2", messages(1))), Taken)


async def test_a_refused_id_may_come_again(ledger: Ledger, wall: Wall) -> None:
    """A refusal is not remembered: the same id is admitted once there is room."""
    await ledger.take(request("h1", messages(1)))
    assert isinstance(await ledger.take(request("h2", messages(1))), Full)
    await ledger.release("h1")
    assert isinstance(await ledger.take(request("h2", messages(1))), Taken)


async def test_failing_counters_come_latest_first(ledger: Ledger, wall: Wall) -> None:
    """Of several full counters, the one that has room last is named first."""
    await ledger.take(request("h1", messages(1), tokens(100, 100)))
    await ledger.settle("h1", {})
    full = await ledger.take(request("h2", messages(1), tokens(1, 100)))
    assert isinstance(full, Full)
    assert full.failing == ("ana|t", "ana|m")


async def test_never_comes_before_latest(ledger: Ledger) -> None:
    """An amount above the cap has no next time and is named before everything that has one."""
    await ledger.take(request("h1", messages(1)))
    full = await ledger.take(request("h2", messages(1), tokens(101, 100)))
    assert isinstance(full, Full)
    assert full.failing == ("ana|t", "ana|m")
    assert full.levels["ana|t"].next_at is None


async def test_a_hold_id_is_charged_once(ledger: Ledger) -> None:
    """The same id, 64 times in parallel and later again, is one charge with one answer."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ledger.take(request("h1", messages(5)))) for _ in range(64)]
    first = tasks[0].result()
    assert all(task.result() == first for task in tasks)
    await ledger.settle("h1", {})
    assert await ledger.take(request("h1", messages(5), tokens(7, 100))) == first
    assert await counts(ledger, messages(5), tokens(1, 100)) == [(1, 0), (0, 0)]


async def test_fifty_of_three_hundred(ledger: Ledger, wall: Wall) -> None:
    """Of 300 concurrent holds at a cap of 50 exactly 50 pass, and the 51st exactly at the time that was told."""

    async def one(number: int) -> Taken | Full:
        return await ledger.take(request(f"h{number}", messages(50)))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(number)) for number in range(300)]
    passed = [number for number, task in enumerate(tasks) if isinstance(task.result(), Taken)]
    assert len(passed) == 50
    for number in passed:
        assert await ledger.settle(f"h{number}", {})
    full = await one(400)
    assert isinstance(full, Full)
    next_at = full.levels["ana|m"].next_at
    assert next_at == START + 3 * HOUR
    assert not full.levels["ana|m"].at_most
    wall.now = next_at - 1
    assert isinstance(await one(401), Full)
    wall.now = next_at
    assert isinstance(await one(402), Taken)


async def test_settle_replaces_the_estimate(ledger: Ledger) -> None:
    """Settling below the estimate frees the rest at once."""
    await ledger.take(request("h1", tokens(90, 100)))
    assert await ledger.settle("h1", {"tokens": 30})
    assert await counts(ledger, tokens(1, 100)) == [(30, 0)]


async def test_settle_records_the_truth_above_the_cap(ledger: Ledger) -> None:
    """Settling above the estimate and the cap is charged in full, and nothing is left."""
    await ledger.take(request("h1", tokens(90, 100)))
    assert await ledger.settle("h1", {"tokens": 250})
    found = await level(ledger, tokens(1, 100))
    assert (found.used, found.remaining, found.fits) == (250, 0, False)


async def test_settle_frees_the_place(ledger: Ledger) -> None:
    """A settled request no longer counts as running, and units it does not name stay as held."""
    await ledger.take(request("h1", messages(5), tokens(9, 100), at_once(1)))
    await ledger.settle("h1", {"tokens": 4})
    assert await counts(ledger, messages(5), tokens(1, 100), at_once(1)) == [(1, 0), (4, 0), (0, 0)]


async def test_settle_to_zero_gives_the_message_back(ledger: Ledger) -> None:
    """A unit settled at zero is as if it had not been taken."""
    await ledger.take(request("h1", messages(5), tokens(9, 100)))
    await ledger.settle("h1", {"messages": 0, "tokens": 3})
    assert await counts(ledger, messages(5), tokens(1, 100)) == [(0, 0), (3, 0)]


async def test_settle_below_zero_is_an_error(ledger: Ledger) -> None:
    """A negative amount raises and changes nothing."""
    await ledger.take(request("h1", tokens(9, 100)))
    with pytest.raises(ValueError, match="less than 0"):
        await ledger.settle("h1", {"tokens": -1})
    assert await counts(ledger, tokens(1, 100)) == [(0, 9)]


async def test_progress_below_zero_is_an_error(ledger: Ledger, wall: Wall) -> None:
    """Negative progress raises, and no lease is extended."""
    await ledger.take(request("h1", at_once(1)))
    wall.now += LEASE - 1
    with pytest.raises(ValueError, match="less than 0"):
        await ledger.renew(["h1"], {"h1": {"tokens": -1}}, lease_us=LEASE)
    wall.now += 1
    assert await counts(ledger, at_once(1)) == [(0, 0)]


async def test_an_end_happens_once(ledger: Ledger) -> None:
    """Whatever is called first, settle or release, decides; all later ends return False and change nothing."""
    await ledger.take(request("h1", tokens(50, 100)))
    await ledger.take(request("h2", tokens(5, 100)))
    assert await ledger.settle("h1", {"tokens": 20})
    assert await ledger.release("h2")
    again = [await ledger.settle(name, {"tokens": 99}) for name in ("h1", "h2", "never")]
    again += [await ledger.release(name) for name in ("h1", "h2", "never")]
    assert not any(again)
    assert await counts(ledger, tokens(1, 100)) == [(20, 0)]


async def test_release_restores(ledger: Ledger, wall: Wall) -> None:
    """A hold that is released leaves counters and next times as they were."""
    demands = [messages(2), tokens(1, 100), at_once(2)]
    await ledger.take(request("h1", *demands))
    await ledger.settle("h1", {})
    before = await ledger.levels(demands)
    await ledger.take(request("h2", *demands))
    await ledger.release("h2")
    assert await ledger.levels(demands) == before


async def test_settles_commute(opener: Opener) -> None:
    """The order in which holds end makes no difference."""
    ends = [("h1", 10), ("h2", 0), ("h3", 70)]
    states = []
    for order in permutations(ends):
        async with opener(Wall()) as ledger:
            for name, _ in ends:
                await ledger.take(request(name, messages(5), tokens(20, 100)))
            for name, amount in order:
                await ledger.settle(name, {"tokens": amount})
            states.append(await ledger.levels([messages(5), tokens(1, 100)]))
    assert all(state == states[0] for state in states)


async def test_in_flight_does_not_age_out(ledger: Ledger, wall: Wall) -> None:
    """A hold longer than its window counts until it ends, and then leaves at once."""
    short = messages(1, window=2_000_000)
    await ledger.take(request("h1", short))
    wall.now += 5_000_000
    assert isinstance(await ledger.take(request("h2", short)), Full)
    await ledger.settle("h1", {})
    assert isinstance(await ledger.take(request("h3", short)), Taken)


async def test_a_lease_that_ends_gives_messages_and_places_back(ledger: Ledger, wall: Wall) -> None:
    """When nobody renews a hold, its messages and places return, at the deadline and not before."""
    demands = [messages(1), at_once(1)]
    await ledger.take(request("h1", *demands))
    wall.now += LEASE - 1
    assert await counts(ledger, *demands) == [(0, 1), (0, 1)]
    wall.now += 1
    assert await counts(ledger, *demands) == [(0, 0), (0, 0)]


async def test_a_lease_that_ends_keeps_the_last_progress(ledger: Ledger, wall: Wall) -> None:
    """When nobody renews a hold, tokens stay charged at the last progress, at the time it was taken."""
    await ledger.take(request("h1", tokens(90, 100)))
    wall.now += 5_000_000
    assert await ledger.renew(["h1", "gone"], {"h1": {"tokens": 12}}, lease_us=LEASE) == {"h1"}
    wall.now += LEASE
    assert await counts(ledger, tokens(1, 100)) == [(12, 0)]
    wall.now = START + 24 * HOUR
    assert await counts(ledger, tokens(1, 100)) == [(0, 0)]


async def test_renew_extends_the_lease(ledger: Ledger, wall: Wall) -> None:
    """A renewed hold lasts a lease from the renewal; a shorter renewal never brings the end nearer."""
    await ledger.take(request("h1", at_once(1)))
    wall.now += LEASE - 1
    await ledger.renew(["h1"], {}, lease_us=LEASE)
    await ledger.renew(["h1"], {}, lease_us=1)
    wall.now += LEASE - 1
    assert await counts(ledger, at_once(1)) == [(0, 1)]
    wall.now += 1
    assert await counts(ledger, at_once(1)) == [(0, 0)]
    assert await ledger.renew(["h1"], {}, lease_us=LEASE) == frozenset()


@pytest.mark.parametrize("progress", [0, 12, 60])
async def test_a_late_settle_puts_the_truth_back(ledger: Ledger, wall: Wall, progress: int) -> None:
    """Settling after the lease has ended records the truth at the original time, whatever the progress was."""
    await ledger.take(request("h1", messages(5), tokens(90, 100), at_once(1)))
    await ledger.renew(["h1"], {"h1": {"tokens": progress}}, lease_us=LEASE)
    wall.now += HOUR
    assert await ledger.settle("h1", {"tokens": 40})
    demands = [messages(5), tokens(1, 100), at_once(1)]
    assert await counts(ledger, *demands) == [(1, 0), (40, 0), (0, 0)]
    assert (await level(ledger, messages(5))).full_at == START + 3 * HOUR
    assert not await ledger.settle("h1", {"tokens": 40})


async def test_a_late_release_takes_the_progress_back(ledger: Ledger, wall: Wall) -> None:
    """Releasing after the lease has ended removes what was left charged."""
    await ledger.take(request("h1", tokens(90, 100)))
    await ledger.renew(["h1"], {"h1": {"tokens": 12}}, lease_us=LEASE)
    wall.now += HOUR
    assert await ledger.release("h1")
    assert await counts(ledger, tokens(1, 100)) == [(0, 0)]


async def test_at_most_says_that_something_is_in_flight(ledger: Ledger, wall: Wall) -> None:
    """While a hold is in flight the next time is the latest one, and afterwards it is exact."""
    await ledger.take(request("h1", messages(1)))
    found = await level(ledger, messages(1))
    assert (found.next_at, found.at_most) == (START + 3 * HOUR, True)
    await ledger.settle("h1", {})
    found = await level(ledger, messages(1))
    assert (found.next_at, found.at_most) == (START + 3 * HOUR, False)


async def test_next_times_of_a_weighted_counter(ledger: Ledger, wall: Wall) -> None:
    """The next time is when enough old amounts have left; the first and the last leaving are told too."""
    for number, amount in enumerate([30, 50, 20]):
        await ledger.take(request(f"h{number}", tokens(amount, 100)))
        await ledger.settle(f"h{number}", {})
        wall.now += HOUR
    found = await level(ledger, tokens(40, 100))
    assert found.next_at == START + 25 * HOUR
    assert (found.next_free_at, found.full_at) == (START + 24 * HOUR, START + 26 * HOUR)


async def test_a_lowered_cap_cancels_nothing(ledger: Ledger, wall: Wall) -> None:
    """Below what is used, a lowered cap blocks until enough has left, without debt."""
    for number in range(4):
        await ledger.take(request(f"h{number}", messages(10)))
        await ledger.settle(f"h{number}", {})
        wall.now += HOUR // 4
    found = await level(ledger, messages(2))
    assert (found.used, found.remaining) == (4, 0)
    assert found.next_at == START + 3 * HOUR + 2 * HOUR // 4
    assert (await level(ledger, messages(10))).remaining == 6


async def test_a_changed_window_forgets_nothing(ledger: Ledger, wall: Wall) -> None:
    """A counter asked with a narrower window still knows what a wider one counts."""
    await ledger.take(request("h1", messages(5, window=24 * HOUR)))
    await ledger.settle("h1", {})
    wall.now += 4 * HOUR
    await ledger.take(request("h2", messages(5, window=3 * HOUR)))
    await ledger.settle("h2", {})
    assert await counts(ledger, messages(5, window=3 * HOUR)) == [(1, 0)]
    assert await counts(ledger, messages(5, window=24 * HOUR)) == [(2, 0)]


async def test_a_clock_that_goes_back_opens_nothing(ledger: Ledger, wall: Wall) -> None:
    """While the wall clock is behind, no time passes; when it comes back, windows roll as they would have."""
    wall.now += HOUR
    await ledger.take(request("h1", messages(1)))
    await ledger.settle("h1", {})
    wall.now -= HOUR
    full = await ledger.take(request("h2", messages(1)))
    assert isinstance(full, Full)
    assert full.at_us == START + HOUR
    wall.now = START + 4 * HOUR
    assert isinstance(await ledger.take(request("h3", messages(1))), Taken)


async def test_users_do_not_see_each_other(ledger: Ledger, wall: Wall) -> None:
    """Two thousand other users make no difference to a counter that is full."""
    for number in range(5):
        await ledger.take(request(f"a{number}", messages(5)))
        await ledger.settle(f"a{number}", {})
    for number in range(2_000):
        wall.now += 1_000
        await ledger.take(request(f"b{number}", messages(5, who=f"user{number}")))
    assert isinstance(await ledger.take(request("a9", messages(5))), Full)


async def test_a_hold_without_demands_is_a_hold(ledger: Ledger) -> None:
    """Where nothing is counted a hold is taken, ends once, and is remembered like any other."""
    taken = await ledger.take(request("h1"))
    assert isinstance(taken, Taken)
    assert await ledger.take(request("h1", messages(1))) == taken
    assert await ledger.settle("h1", {"messages": 1, "tokens": 9})
    assert not await ledger.release("h1")
