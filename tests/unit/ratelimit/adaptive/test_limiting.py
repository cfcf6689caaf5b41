"""Caps and room together: who is let in, what it costs, and what is shown."""

from dataclasses import replace

from ratelimit import Ask, Held, Limiter, Refused, parse_tiers
from ratelimit.adaptive import Adaptive, AdaptiveLimiter, Bounds, Pin, Published, Rule, Share
from ratelimit.ledgers.memory import MemoryLedger
from ratelimit.tiers import Lowered, Tiers, WhenCapped

SECOND = 1_000_000
START = 1_764_000_000 * SECOND
LEASE = 10 * SECOND
BASE = parse_tiers(
    {
        "free": {"gpt-4": "10 messages / 3h", "mini": "unlimited", "when_capped": "use mini"},
        "plus": {"gpt-4": "20 messages / 3h", "tokens": "1M / 24h", "priority": 2},
    },
    groups={},
    models=["gpt-4", "mini"],
    default_tier="free",
)
RULE = Rule(
    name="gpt-4",
    models=("gpt-4",),
    tiers=("free", "plus"),
    floors={"free": 20, "plus": 60},
    shares={"free": Share(stops_at=50)},
    watch=frozenset({"upstream_429"}),
    at_once=Bounds(least=1, start=4, most=4),
)


class House:
    """A limiter whose upstreams have room for four answers."""

    def __init__(self, rule: Rule = RULE, upstreams: tuple[str, ...] = ("one",)) -> None:
        self.now = START
        self.asked = 0
        self.adaptive = Adaptive(rules=[rule], upstreams={"gpt-4": upstreams}, lease_us=LEASE, clock=lambda: self.now)
        self.limiter = AdaptiveLimiter(
            limiter=Limiter(
                tiers=self.tiers, ledger=MemoryLedger(clock=lambda: self.now), lease_us=LEASE, clock=lambda: self.now
            ),
            adaptive=self.adaptive,
            tiers=self.tiers,
        )

    def tiers(self) -> Tiers:
        return self.adaptive.tiers(BASE)

    async def ask(self, tier: str = "plus", user: str = "ana", prefer: WhenCapped | None = None) -> Held | Refused:
        self.asked += 1
        ask = Ask(
            hold_id=f"h{self.asked}",
            subject=user,
            tier=tier,
            model="gpt-4",
            tokens=1,
            usable=lambda _: None,
            prefer=prefer,
        )
        return await self.limiter.hold(ask)

    async def used(self, tier: str = "plus") -> list[tuple[int, int, int]]:
        report = await self.limiter.usage("ana", tier)
        return [(row.cap, row.used + row.held, row.remaining) for row in report.rows]


async def test_who_is_turned_away_is_charged_nothing() -> None:
    """Without room the request is refused as such, with a time, and every cap is as it was."""
    house = House()
    for _ in range(4):
        assert isinstance(await house.ask(), Held)
    before = await house.used()
    refused = await house.ask()
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_after_seconds) == ("temporary_reduced_capacity", 5)
    assert await house.used() == before


async def test_a_place_is_free_when_the_answer_has_ended() -> None:
    """Settling and releasing both make room, whatever is asked of the ledger."""
    house = House()
    for _ in range(4):
        await house.ask()
    await house.limiter.settle("h1", {})
    assert isinstance(await house.ask(), Held)
    await house.limiter.release("h2")
    assert isinstance(await house.ask(), Held)
    assert isinstance(await house.ask(), Refused)


async def test_an_answer_that_nobody_renews_makes_room() -> None:
    """A place ends with the lease of its hold; a renewed one stays."""
    house = House()
    for _ in range(4):
        await house.ask()
    house.now += LEASE // 2
    await house.limiter.renew(["h1", "h2", "h3"], {})
    house.now += LEASE // 2
    assert isinstance(await house.ask(), Held)
    assert isinstance(await house.ask(), Refused)


async def test_a_tier_with_a_fallback_is_served_by_it() -> None:
    """Where the tier falls back, another model with room answers, and says why; the premium cap is not charged."""
    house = House()
    for _ in range(2):
        await house.ask("free")
    held = await house.ask("free")
    assert isinstance(held, Held)
    assert (held.model, held.served_by and held.served_by.because) == ("mini", "temporary_reduced_capacity")
    assert await house.used("free") == [(10, 2, 8)]
    refused = await house.ask("free", prefer="refuse")
    assert isinstance(refused, Refused)
    assert refused.code == "temporary_reduced_capacity"


async def test_a_user_without_messages_is_told_that_first() -> None:
    """A cap that is reached is the reason that is given, though there is no room either."""
    house = House(replace(RULE, at_once=Bounds(least=1, start=1, most=1)))
    for number in range(20):
        await house.ask()
        await house.limiter.settle(f"h{number + 1}", {})
    await house.ask(user="bo")
    refused = await house.ask()
    assert isinstance(refused, Refused)
    assert refused.code == "usage_cap_reached"


async def test_a_fallen_limit_ends_nothing() -> None:
    """When the upstream refuses, what runs goes on, and nobody else is let in until it has ended."""
    house = House()
    for _ in range(4):
        await house.ask()
        house.adaptive.asked("one", "gpt-4")
    house.adaptive.dropped("one", "gpt-4")
    assert house.adaptive.models()[0].limit == 3
    assert house.adaptive.models()[0].running == 4
    await house.limiter.settle("h1", {})
    assert isinstance(await house.ask(), Refused)


async def test_an_upstream_that_rests_lets_nobody_in_until_it_may() -> None:
    """Retry-After closes the model for so long, and the refusal passes it on."""
    house = House()
    house.adaptive.dropped("one", "gpt-4", 30 * SECOND)
    refused = await house.ask()
    assert isinstance(refused, Refused)
    assert refused.retry_after_seconds == 30
    house.now += 30 * SECOND
    assert isinstance(await house.ask(), Held)


async def test_upstreams_without_room_are_asked_last() -> None:
    """Of several upstreams the one with room goes first, and their limits add up."""
    house = House(upstreams=("one", "two"))
    assert house.adaptive.models()[0].limit == 8
    house.adaptive.dropped("one", "gpt-4", SECOND)
    assert house.adaptive.order("gpt-4", ["one", "two"]) == ["two", "one"]
    assert house.adaptive.order("mini", ["b", "a"]) == ["b", "a"]
    house.now += SECOND
    assert house.adaptive.order("gpt-4", ["one", "two"]) == ["one", "two"]


async def test_what_is_published_is_enforced_and_shown() -> None:
    """A published cap is the one that refuses, in the report with its base and its reason, and in the refusal."""
    house = House()
    house.adaptive.publish({"gpt-4": Published(parts={"plus": 900}, since=7)}, {})
    report = await house.limiter.usage("ana", "plus")
    row = next(row for row in report.rows if row.id == "gpt-4.messages")
    assert (row.cap, row.base_cap, row.lowered) == (18, 20, Lowered("high_demand", 7))
    assert [row.base_cap for row in report.rows if row.id == "tokens"] == [1_000_000]
    for number in range(18):
        assert isinstance(await house.ask(), Held)
        await house.limiter.settle(f"h{number + 1}", {})
    refused = await house.ask()
    assert isinstance(refused, Refused)
    assert refused.limit
    assert refused.limit.cap == 18


async def test_a_cap_does_not_fall_under_what_is_used() -> None:
    """Who has used more than a lowered cap sees what they used as the cap, is owed nothing and owes nothing."""
    house = House()
    for number in range(19):
        await house.ask()
        await house.limiter.settle(f"h{number + 1}", {})
        house.now += SECOND
    house.adaptive.publish({"gpt-4": Published(parts={"plus": 600}, since=7)}, {})
    assert (await house.used())[0] == (19, 19, 0)
    house.now = START + 3 * 3600 * SECOND + 6 * SECOND
    assert (await house.used())[0] == (12, 12, 0)
    house.now += SECOND
    assert (await house.used())[0] == (12, 11, 1)


async def test_a_pin_goes_before_what_is_published() -> None:
    """What an operator fixed by hand holds, but never under the floor."""
    house = House()
    house.adaptive.publish(
        {"gpt-4": Published(parts={"plus": 900}, since=7)}, {"gpt-4": Pin(parts={"plus": 100}, by="op", at=9)}
    )
    row = (await house.limiter.usage("ana", "plus")).rows[0]
    assert (row.cap, row.lowered) == (12, Lowered("by_hand", 9))


async def test_a_shadow_changes_nothing() -> None:
    """In shadow all is worked out and counted, nobody is turned away and no cap moves."""
    house = House(replace(RULE, shadow=True))
    house.adaptive.publish({"gpt-4": Published(parts={"plus": 500}, since=7)}, {})
    assert (await house.used())[0] == (20, 0, 20)
    for _ in range(6):
        assert isinstance(await house.ask(), Held)
    house.adaptive.dropped("one", "gpt-4", SECOND)
    assert isinstance(await house.ask(), Held)
    house.adaptive.tick()
    assert house.adaptive.signs()["gpt-4"].strained == 1


async def test_what_is_not_announced_has_no_reason() -> None:
    """Where the operator does not announce it, users see the cap in force and no reason."""
    house = House(replace(RULE, announce=False))
    house.adaptive.publish({"gpt-4": Published(parts={"plus": 900}, since=7)}, {})
    row = (await house.limiter.usage("ana", "plus")).rows[0]
    assert (row.cap, row.base_cap, row.lowered) == (18, 20, None)


async def test_seconds_in_which_somebody_was_turned_away_are_strained() -> None:
    """A period counts its seconds and those with refusals, and the next one begins at zero."""
    house = House()
    for _ in range(5):
        await house.ask()
    house.adaptive.tick()
    house.adaptive.tick()
    signs = house.adaptive.signs()["gpt-4"]
    assert (signs.seconds, signs.strained) == (2, 1)
    assert house.adaptive.signs()["gpt-4"].seconds == 0
