"""What is special about a ledger in PostgreSQL: its clock, its locks, its sweeping."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ratelimit.ledger import Charge, Demand, HoldRequest, Ledger, Taken
from ratelimit.ledgers.postgres import REMEMBER_US, opened
from tests import services
from tests.contracts.ledgers import Wall, postgres

HOUR = 3_600_000_000
LEASE = 10_000_000
pytestmark = pytest.mark.services


@pytest.fixture
def wall() -> Wall:
    """The clock in place of the server's."""
    return Wall()


@pytest.fixture
async def ledger(wall: Wall) -> AsyncIterator[Ledger]:
    """An empty ledger."""
    async with postgres(wall) as ledger:
        yield ledger


def demand(who: str = "ana", name: str = "m", *, cap: int = 5, window: int = HOUR) -> Demand:
    """Ask for one message of one counter."""
    return Demand(charge=Charge(key=f"{who}|{name}", unit="messages", amount=1, window_us=window), cap=cap)


def request(hold_id: str, *demands: Demand, who: str = "ana") -> HoldRequest:
    """Ask for all demands under one id."""
    return HoldRequest(hold_id=hold_id, subject=who, model="gpt-4", demands=demands, lease_us=LEASE)


async def rows(table: str) -> int:
    """Return how many rows a table has."""
    connection = await asyncpg.connect(services.postgres())
    try:
        count: int = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608  # a name of this module
        return count
    finally:
        await connection.close()


async def test_the_time_is_the_servers() -> None:
    """Without a clock of its own the ledger goes by the server's, to the microsecond."""
    async with postgres(Wall()), opened(services.postgres()) as ledger:
        before = time.time_ns() // 1_000
        taken = await ledger.take(request("h1", demand()))
        assert isinstance(taken, Taken)
        assert before <= taken.at_us <= time.time_ns() // 1_000


async def test_another_process_ends_the_hold(ledger: Ledger, wall: Wall) -> None:
    """A process that did not take a hold renews and settles it, and learns its first outcome."""
    taken = await ledger.take(request("h1", demand()))
    async with opened(services.postgres(), clock=wall) as other:
        assert await other.take(request("h1", demand(name="n"))) == taken
        assert await other.renew(["h1"], {}, lease_us=2 * LEASE) == {"h1"}
        assert await other.settle("h1", {"messages": 3})
    assert not await ledger.settle("h1", {})
    assert (await ledger.levels([demand()])).levels["ana|m"].used == 3


async def test_one_id_for_two_subjects_is_one_hold(ledger: Ledger) -> None:
    """An id that two subjects take at one moment is charged to one of them, and both get its outcome."""
    names = [f"user{number}" for number in range(8)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ledger.take(request("h1", demand(name), who=name))) for name in names]
    assert all(task.result() == tasks[0].result() for task in tasks)
    held = [(await ledger.levels([demand(name)])).levels[f"{name}|m"].held for name in names]
    assert sum(held) == 1


async def test_nobody_waits_for_each_other(ledger: Ledger) -> None:
    """Requests that charge the same counters in different orders all come to an end."""
    one, other = demand("ana", cap=100), demand("bob", cap=100)
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for number in range(40):
            pair = (one, other) if number % 2 else (other, one)
            group.create_task(ledger.take(request(f"h{number}", *pair, who="ana" if number % 3 else "bob")))
    assert (await ledger.levels([one])).levels["ana|m"].held == 40


async def test_what_can_no_longer_matter_is_swept(ledger: Ledger, wall: Wall) -> None:
    """Empty counters, forgotten holds and idle subjects go away as others are served; live ones stay."""
    for number in range(20):
        await ledger.take(request(f"old{number}", demand(f"user{number}"), who=f"user{number}"))
        await ledger.settle(f"old{number}", {})
    wall.now += HOUR // 2
    await ledger.take(request("live", demand("live"), who="live"))
    await ledger.settle("live", {})
    wall.now += max(HOUR // 2, REMEMBER_US // 2)
    for number in range(64):
        await ledger.take(request(f"new{number}", demand(cap=100)))
    assert await rows("caps_counter") == 2
    assert await rows("caps_hold") == 65
    assert await rows("caps_subject") == len({"ana", "live", ""})
    assert isinstance(await ledger.take(request("again", demand("user1"), who="user1")), Taken)
    assert (await ledger.levels([demand("live")])).levels["live|m"].used == 1


async def test_opening_twice_at_once_makes_the_tables_once() -> None:
    """Processes that start together do not trip over each other's tables."""

    async def start() -> None:
        async with opened(services.postgres()):
            pass

    connection = await asyncpg.connect(services.postgres())
    await connection.execute("DROP TABLE IF EXISTS caps_subject, caps_counter, caps_hold")
    await connection.close()
    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(start())
    assert await rows("caps_hold") == 0


async def test_opening_waits_for_no_decision(ledger: Ledger) -> None:
    """A process that starts takes no lock that decisions hold: it neither waits for them nor deadlocks with them."""
    deciding = await asyncpg.connect(services.postgres())
    try:
        async with deciding.transaction():
            for table in ("caps_hold", "caps_counter", "caps_subject"):
                await deciding.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
            async with asyncio.timeout(10), opened(services.postgres()):
                pass
    finally:
        await deciding.close()
