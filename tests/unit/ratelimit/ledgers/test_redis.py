"""What is special about a ledger in Valkey: its clock, its keys, its cluster, its loss and its bounds."""

import asyncio
import re
from collections.abc import AsyncIterator
from importlib.resources import files

import pytest
from redis.asyncio import Redis, RedisCluster

from ratelimit.ledger import Charge, Demand, Full, HoldRequest, LedgerAway, LedgerEmptied, StoredHold, Taken
from ratelimit.ledgers import redis as module
from ratelimit.ledgers.redis import RedisLedger, opened
from ratelimit.meter import MAX_ENTRIES, SLOTS
from tests import services

HOUR = 3_600_000_000
LEASE = 10_000_000
SCRIPT = files("ratelimit.ledgers").joinpath("redis.lua").read_text(encoding="utf-8")
pytestmark = pytest.mark.services


class Wall:
    """A wall clock that tests set."""

    def __init__(self) -> None:
        self.now = 100 * HOUR

    def __call__(self) -> int:
        """Return the time that was set."""
        return self.now


@pytest.fixture
def wall() -> Wall:
    """The clock in place of the server's."""
    return Wall()


@pytest.fixture
async def client() -> AsyncIterator[Redis]:
    """A client of an empty server."""
    async with Redis.from_url(services.valkey()) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def ledger(client: Redis, wall: Wall) -> RedisLedger:
    """An empty ledger."""
    ledger = RedisLedger(client=client, clock=wall)
    await ledger.restore([])
    return ledger


def demand(
    amount: int = 1, *, who: str = "ana", name: str = "m", unit: str = "messages", cap: int = 5, window: int = HOUR
) -> Demand:
    """Ask for one amount of one counter."""
    return Demand(charge=Charge(key=f"{who}|{name}", unit=unit, amount=amount, window_us=window), cap=cap)


def request(hold_id: str, *demands: Demand, who: str = "ana") -> HoldRequest:
    """Ask for all demands under one id."""
    return HoldRequest(hold_id=hold_id, subject=who, model="gpt-4", demands=demands, lease_us=LEASE)


def stored(hold_id: str, at: int, *charges: Charge, held: bool = False) -> StoredHold:
    """Return a hold as a journal's store would have it."""
    return StoredHold(
        hold_id=hold_id,
        subject="ana",
        model="gpt-4",
        charges=charges,
        at_us=at,
        state="held" if held else "settled",
        deadline_us=at + LEASE,
    )


async def test_the_time_is_the_servers(client: Redis) -> None:
    """Without a clock of its own the ledger goes by the server's, to the microsecond."""
    ledger = RedisLedger(client=client)
    await ledger.restore([])
    before = await client.time()
    taken = await ledger.take(request("h1", demand()))
    after = await client.time()
    assert isinstance(taken, Taken)
    assert before[0] * 1_000_000 + before[1] <= taken.at_us <= after[0] * 1_000_000 + after[1]
    assert taken.deadline_us == taken.at_us + LEASE


async def test_every_key_is_declared_and_of_one_slot() -> None:
    """On a cluster, which refuses keys of two slots in one script, a hold is taken, renewed, ended and restored."""
    async with RedisCluster.from_url(services.valkey_cluster()) as client:
        await client.flushall()
        ledger = RedisLedger(client=client)
        await ledger.restore([stored("h0", 1, demand().charge, held=True)])
        demands = [demand(who="{org}a}"), demand(who="{org}a}", name="t", unit="tokens")]
        assert isinstance(await ledger.take(request("h1", *demands, who="{org}a}")), Taken)
        assert await ledger.renew(["h1"], {"h1": {"tokens": 3}}, lease_us=LEASE) == {"h1"}
        assert await ledger.settle("h1", {})
        assert [level.used for level in (await ledger.levels(demands)).levels.values()] == [1, 1]


async def test_another_process_ends_the_hold(ledger: RedisLedger, client: Redis, wall: Wall) -> None:
    """A process that did not take a hold renews and settles it, and learns its first outcome."""
    taken = await ledger.take(request("h1", demand(9, unit="tokens", cap=50)))
    other = RedisLedger(client=client, clock=wall)
    assert await other.take(request("h1", demand())) == taken
    assert await other.renew(["h1"], {}, lease_us=2 * LEASE) == {"h1"}
    assert await other.settle("h1", {"tokens": 20})
    assert not await ledger.settle("h1", {"tokens": 30})
    assert (await ledger.levels([demand()])).levels["ana|m"].used == 20


async def test_a_refusal_leaves_no_key_for_longer_than_a_lease(ledger: RedisLedger, client: Redis) -> None:
    """Refused ids cannot fill the server: what is written of them goes within a lease."""
    assert isinstance(await ledger.take(request("h1", demand(6))), Full)
    left = {key: await client.pttl(key) for key in await client.keys(f"{module.LAYOUT}:where:*")}
    assert all(0 < ttl <= LEASE // 1_000 for ttl in left.values())
    assert not [key for key in await client.keys("*") if b":state:" in key or b":hold:" in key]


async def test_every_key_but_the_epoch_goes_away(ledger: RedisLedger, client: Redis) -> None:
    """Users who never come back leave nothing: each of their keys has an end, after its window."""
    await ledger.take(request("h1", demand(), demand(3, name="t", unit="tokens")))
    await ledger.settle("h1", {})
    ttls = {key: await client.pttl(key) for key in await client.keys("*")}
    epoch = ttls.pop(f"{module.LAYOUT}:epoch".encode())
    assert epoch == -1
    assert all(ttl > 0 for ttl in ttls.values())
    assert all(ttl >= HOUR // 1_000 for key, ttl in ttls.items() if b":log:" in key or b":state:" in key)


async def test_a_counter_that_is_empty_is_no_key(ledger: RedisLedger, client: Redis) -> None:
    """What was released leaves no counter behind."""
    await ledger.take(request("h1", demand()))
    await ledger.release("h1")
    assert not [key for key in await client.keys("*") if b":state:" in key or b":log:" in key]


async def test_a_new_server_must_be_restored_first(client: Redis) -> None:
    """Before the first `restore`, no decision is made and nothing is charged."""
    ledger = RedisLedger(client=client)
    with pytest.raises(LedgerEmptied):
        await ledger.take(request("h1", demand()))
    await ledger.restore([])
    assert (await ledger.levels([demand()])).levels["ana|m"].held == 0


async def test_an_emptied_server_refuses_all_until_it_is_restored(
    ledger: RedisLedger, client: Redis, wall: Wall
) -> None:
    """When the server has lost its keys every call says so; restored, the state is what it was."""
    await ledger.take(request("h1", demand(cap=2)))
    await ledger.settle("h1", {})
    await ledger.take(request("h2", demand(cap=2)))
    before = await ledger.levels([demand(cap=2)])
    await client.flushall()
    calls = [
        ledger.take(request("h3", demand(cap=2))),
        ledger.settle("h2", {}),
        ledger.release("h2"),
        ledger.renew(["h2"], {}, lease_us=LEASE),
        ledger.levels([demand()]),
    ]
    for call in calls:
        with pytest.raises(LedgerEmptied):
            await call
    charge = demand().charge
    await ledger.restore([stored("h1", wall.now, charge), stored("h2", wall.now, charge, held=True)])
    assert await ledger.levels([demand(cap=2)]) == before
    assert isinstance(await ledger.take(request("h3", demand(cap=2))), Full)
    assert await ledger.settle("h2", {})


async def test_nobody_decides_on_half_of_the_holds(ledger: RedisLedger, client: Redis, wall: Wall) -> None:
    """While holds are put back, a subject of which some are there is still refused."""
    await client.flushall()
    await ledger.restore([stored("h1", wall.now, demand().charge)])
    await client.delete(f"{module.LAYOUT}:epoch")
    with pytest.raises(LedgerEmptied):
        await ledger.take(request("h2", demand()))


async def test_restoring_twice_is_restoring_once(ledger: RedisLedger, client: Redis, wall: Wall) -> None:
    """Several processes may restore the same holds; what has gone on since is kept."""
    holds = [
        stored("h1", wall.now - HOUR // 2, demand().charge),
        stored("h2", wall.now, demand().charge, held=True),
        stored("h3", wall.now - HOUR, demand().charge),
    ]
    await client.flushall()
    await ledger.restore(holds)
    await ledger.settle("h2", {})
    await ledger.restore(holds)
    found = (await ledger.levels([demand()])).levels["ana|m"]
    assert (found.used, found.held) == (2, 0)


async def test_a_long_log_is_merged_and_never_early(ledger: RedisLedger, client: Redis, wall: Wall) -> None:
    """A thousand charges in a window are a few hundred entries, which leave late by at most a slot and never early."""
    times = []
    for number in range(1_000):
        wall.now += 3_000_000
        times.append(wall.now)
        assert isinstance(await ledger.take(request(f"h{number}", demand(cap=2_000))), Taken)
        await ledger.settle(f"h{number}", {})
    (log,) = [key for key in await client.keys("*") if b":log:" in key]
    assert await client.zcard(log) <= MAX_ENTRIES
    for now in range(wall.now, wall.now + HOUR + HOUR // SLOTS, HOUR // 50):
        wall.now = now
        used = (await ledger.levels([demand(cap=2_000)])).levels["ana|m"].used
        assert sum(at > now - HOUR for at in times) <= used
        assert used <= sum(at > now - HOUR - HOUR // SLOTS for at in times)


async def test_a_late_truth_finds_its_progress_in_a_merged_log(ledger: RedisLedger, wall: Wall) -> None:
    """A hold whose lease ended, and whose progress was merged with others, is charged the difference."""
    for number in range(400):
        wall.now += 1_000
        await ledger.take(request(f"h{number}", demand(9, name="t", unit="tokens", cap=10_000)))
        await ledger.renew([f"h{number}"], {f"h{number}": {"tokens": 4}}, lease_us=LEASE)
    wall.now += LEASE
    assert (await ledger.levels([demand(name="t")])).levels["ana|t"].used == 1_600
    assert await ledger.settle("h0", {"tokens": 7})
    assert await ledger.settle("h399", {"tokens": 6})
    assert (await ledger.levels([demand(name="t")])).levels["ana|t"].used == 1_605


async def test_a_million_tokens_an_hour_stay_small(ledger: RedisLedger, client: Redis, wall: Wall) -> None:
    """The log of 250 calls of 4,000 tokens stays under 64 KiB, all keys of its counter together."""
    for number in range(250):
        wall.now += 10_000_000
        tokens = demand(4_000, name="t", unit="tokens", cap=1_000_000)
        assert isinstance(await ledger.take(request(f"hold_{number:026}", tokens)), Taken)
        await ledger.settle(f"hold_{number:026}", {})
    keys = [key for key in await client.keys("*") if b":log:" in key or b":state:" in key]
    assert sum([await client.memory_usage(key) or 0 for key in keys]) < 64 * 1024


async def test_more_callers_than_connections_wait(wall: Wall, client: Redis) -> None:
    """With one connection, calls go one after the other and none fails."""
    async with opened(services.valkey(), connections=1, clock=wall) as ledger:
        await ledger.restore([])
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ledger.take(request(f"h{number}", demand()))) for number in range(20)]
        assert sum(isinstance(task.result(), Taken) for task in tasks) == 5


async def test_a_server_that_is_away_is_said_to_be(wall: Wall) -> None:
    """Every call tells so in words of the ledger, and may be made again when the server is there."""
    server = services.StoppingValkey()
    try:
        async with opened(server.url, clock=wall) as ledger:
            await ledger.restore([])
            await ledger.take(request("h1", demand()))
            server.stop()
            for call in (
                lambda: ledger.take(request("h2", demand())),
                lambda: ledger.settle("h1", {}),
                lambda: ledger.release("h1"),
                lambda: ledger.renew(["h1"], {}, lease_us=LEASE),
                lambda: ledger.levels([demand()]),
                lambda: ledger.restore([]),
            ):
                with pytest.raises(LedgerAway):
                    await call()
            server.start()
            await ledger.restore([])
            assert isinstance(await ledger.take(request("h2", demand())), Taken)
    finally:
        server.stop()


async def test_a_server_that_forgot_the_script_is_told_again(ledger: RedisLedger, client: Redis) -> None:
    """Scripts may be flushed at any time."""
    await ledger.take(request("h1", demand()))
    await client.script_flush()
    assert await ledger.settle("h1", {})


@pytest.mark.parametrize(
    ("name", "number"), [("MAX_ENTRIES", MAX_ENTRIES), ("SLOTS", SLOTS), ("REMEMBER_MS", module.REMEMBER_US // 1_000)]
)
def test_the_script_knows_the_same_numbers(name: str, number: int) -> None:
    """Bounds in the script are those of the meter and of the module beside it."""
    names, numbers = re.findall(r"^local ([A-Z_, ]+) = ([\d, ]+)$", SCRIPT, re.MULTILINE)[0]
    assert dict(zip(names.split(", "), map(int, numbers.split(", ")), strict=True))[name] == number


async def test_a_server_that_is_full_cannot_be_asked(client: Redis, ledger: RedisLedger) -> None:
    """It must not evict, so it refuses: that is no fault of who asks, and passes."""
    await client.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerAway, match="memory"):
            await ledger.take(request("h1", demand()))
    finally:
        await client.config_set("maxmemory", 0)
    assert isinstance(await ledger.take(request("h1", demand())), Taken)
