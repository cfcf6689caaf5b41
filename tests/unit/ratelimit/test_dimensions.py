"""What a limiter counts beside messages and tokens, in which windows, and for whom."""

from ratelimit.limiter import Held, Refused
from tests.unit.ratelimit.house import HOUR, START, House


async def test_money_is_held_at_the_price_of_whoever_answers() -> None:
    """A cap in money holds what prompt and answer are expected to cost, and settles at the truth."""
    house = House({"free": {"gpt-4": "unlimited", "cost": "$1 / 24h"}})
    held = await house.ask(tier="free", tokens=1_000, answer_tokens=200)
    assert isinstance(held, Held)
    assert [(one.unit, one.amount) for one in held.charges] == [("cost", 800 * 5 // 2 + 200 * 10)]
    assert await house.limiter.settle(held.hold_id, {"messages": 1, "tokens": 900, "cost": 1_234})
    assert (await house.rows("free"))["cost"].used == 1_234


async def test_a_model_that_costs_nothing_is_never_too_dear() -> None:
    """Where the money is spent, what costs nothing still answers."""
    house = House({"free": {"gpt-4": "$0.000010 / 24h", "local": "$0.000010 / 24h", "when_capped": "use local"}})
    await house.spend(tier="free")
    held = await house.ask(tier="free", tokens=10)
    assert isinstance(held, Held)
    assert (held.model, held.charges) == ("local", ())


async def test_images_are_counted_where_there_are_some() -> None:
    """A cap on images holds those of the request, and lets requests without any pass when it is reached."""
    house = House({"free": {"gpt-4": ["9 messages / 3h", "3 images / 24h"], "when_capped": "refuse"}})
    held = await house.ask(tier="free", images=2)
    assert isinstance(held, Held)
    assert [(one.unit, one.amount) for one in held.charges] == [("messages", 1), ("images", 2)]
    refused = await house.ask(tier="free", images=2)
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert (refused.limit.id, refused.limit.used) == ("gpt-4.images", 2)
    assert isinstance(await house.ask(tier="free"), Held)


async def test_a_window_from_first_use_returns_at_once() -> None:
    """All messages of a window that opens with the first return together, one window after the first."""
    house = House({"free": {"gpt-4": "3 messages / 3h from first use"}})
    start = house.now
    for _ in range(3):
        await house.spend(tier="free")
        house.now += HOUR
    row = (await house.rows("free"))["gpt-4.messages"]
    assert (row.kind, row.used, row.next_at) == ("first_use", 0, None)
    house.now = start + 2 * HOUR
    house = House({"free": {"gpt-4": "3 messages / 3h from first use"}})
    await house.spend(2, tier="free")
    house.now += 2 * HOUR
    await house.spend(tier="free")
    refused = await house.ask(tier="free")
    assert isinstance(refused, Refused)
    assert refused.next_at == refused.full_at == START + 3 * HOUR
    house.now = START + 3 * HOUR
    await house.spend(3, tier="free")
    assert isinstance(await house.ask(tier="free"), Refused)


async def test_a_calendar_turns_for_all_at_once() -> None:
    """What was used before midnight of the zone is free after it, and the refusal names the turn."""
    house = House({"free": {"gpt-4": "2 messages / fixed daily at 00:00 Europe/Paris"}})
    house.now = START + 6 * HOUR  # 23:00 in Paris
    await house.spend(2, tier="free")
    refused = await house.ask(tier="free")
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert (refused.next_at, refused.limit.period) == (START + 7 * HOUR, "day")
    house.now = START + 7 * HOUR - 1
    assert isinstance(await house.ask(tier="free"), Refused)
    house.now += 1
    await house.spend(2, tier="free")
    row = (await house.rows("free"))["gpt-4.messages"]
    assert (row.kind, row.remaining, row.next_at) == ("calendar", 0, START + 31 * HOUR)


async def test_a_pool_and_each_member() -> None:
    """A member must pass its own cap and the pool's; a refusal by either charges neither."""
    raw = {"free": {"gpt-4": "unlimited", "pool": {"tokens": "100 / 24h"}, "each_member": {"tokens": "70 / 24h"}}}
    house = House(raw)
    assert isinstance(await house.ask(tier="free", tokens=60, organisation="acme"), Held)
    refused = await house.ask(tier="free", tokens=50, subject="bo", organisation="acme")
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert (refused.limit.id, refused.limit.whose) == ("pool.tokens", "pool")
    assert isinstance(await house.ask(tier="free", tokens=40, subject="bo", organisation="acme"), Held)
    assert isinstance(await house.ask(tier="free", tokens=70, subject="bo", organisation="other"), Refused)
    alone = await house.ask(tier="free", tokens=70, subject="cleo")
    assert isinstance(alone, Held)
    assert {one.key for one in alone.charges} == {"cleo|tokens", "cleo|pool.tokens"}
    rows = (await house.limiter.usage("bo", "free", organisation="acme")).rows
    assert [(row.id, row.whose, row.held) for row in rows] == [("pool.tokens", "pool", 100), ("tokens", "user", 40)]


async def test_everyone_together() -> None:
    """A cap on everyone counts users of all tiers, names itself when it refuses, and is in nobody's report."""
    raw = {"free": {"local": "unlimited"}, "plus": {"local": "unlimited"}}
    house = House(raw, everyone={"local": "2 messages / 1h"})
    assert isinstance(await house.ask("local", tier="free"), Held)
    assert isinstance(await house.ask("local", tier="plus", subject="bo"), Held)
    refused = await house.ask("local", tier="plus", subject="cleo")
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert (refused.limit.id, refused.limit.whose) == ("everyone.local.messages", "everyone")
    assert (await house.limiter.usage("cleo", "plus")).rows == ()
