"""What a request gets: its model, a fallback, or a refusal that tells when."""

import pytest

from ratelimit.limiter import (
    FallbackLeft,
    Held,
    Limit,
    Option,
    Refused,
    ServedBy,
    UsageRow,
)
from tests.unit.ratelimit.house import HOUR, LEASE, RAW, START, House


async def test_a_hold_charges_every_matching_line() -> None:
    """A request is charged to the lines on its model and to those of the whole tier."""
    held = await House().ask()
    assert isinstance(held, Held)
    assert [(charge.key, charge.amount) for charge in held.charges] == [
        ("ana|gpt-4.messages", 1),
        ("ana|tokens", 10),
        ("ana|at_once", 1),
    ]
    assert [(line.cap.id, line.level.remaining) for line in held.levels] == [
        ("gpt-4.messages", 1),
        ("tokens", 990),
        ("at_once", 2),
    ]
    assert (held.model, held.served_by, held.priority) == ("gpt-4", None, 2)
    assert (held.at_us, held.deadline_us) == (START, START + LEASE)


async def test_a_group_counts_its_aliases_together() -> None:
    """Two aliases of one group share its counter."""
    house = House()
    await house.spend(2, "gpt-4-mini", tier="free")
    await house.spend(1, "local", tier="free")
    assert isinstance(await house.ask("gpt-4-mini", tier="free"), Refused)


async def test_a_capped_model_falls_back() -> None:
    """The first usable alias of the fallback serves, says why and until when, and never touches the cap reached."""
    house = House()
    await house.spend(2)
    before = (await house.rows())["gpt-4.messages"]
    held = await house.ask()
    assert isinstance(held, Held)
    assert held.model == "gpt-4-mini"
    assert held.served_by == ServedBy(asked="gpt-4", served="gpt-4-mini", back_at=START + 3 * HOUR)
    assert held.served_by.because == "usage_cap_reached"
    assert [charge.key for charge in held.charges] == ["ana|tokens", "ana|at_once"]
    assert (await house.rows())["gpt-4.messages"] == before


async def test_the_taste_charges_the_taste_only() -> None:
    """A premium message of the free tier leaves its standard messages alone, and the other way round."""
    house = House()
    await house.spend(1, "gpt-4", tier="free")
    rows = await house.rows("free")
    assert (rows["premium.messages"].used, rows["standard.messages"].used) == (1, 0)
    held = await house.ask("gpt-4", tier="free")
    assert isinstance(held, Held)
    rows = await house.rows("free")
    assert (rows["premium.messages"].used, rows["standard.messages"].held) == (1, 1)


async def test_fallbacks_that_cannot_serve_are_passed_over() -> None:
    """An alias that is not usable is skipped; when none is left the request is refused without `continue`."""
    house = House()
    await house.spend(2)
    held = await house.ask(broken=("gpt-4-mini",))
    assert isinstance(held, Held)
    assert held.model == "local"
    refused = await house.ask(broken=("gpt-4-mini", "local"))
    assert isinstance(refused, Refused)
    assert refused.options == (Option(do="wait"), Option(do="upgrade", tier="pro"))


async def test_a_fallback_under_the_same_cap_is_none() -> None:
    """When the fallback's own group is full there is nowhere to go."""
    house = House()
    await house.spend(3, "local", tier="free")
    refused = await house.ask("gpt-4-mini", tier="free")
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert refused.limit.id == "standard.messages"


async def test_a_user_may_rather_be_refused() -> None:
    """`prefer` overrides the tier: the refusal then offers to continue with the fallback."""
    house = House()
    await house.spend(2)
    for prefer in ("refuse", "wait"):
        refused = await house.ask(prefer=prefer)
        assert isinstance(refused, Refused)
        assert refused.options == (
            Option(do="continue", model="gpt-4-mini"),
            Option(do="wait"),
            Option(do="upgrade", tier="pro"),
        )


async def test_continue_is_offered_only_if_it_would_pass() -> None:
    """A fallback that is itself full is not offered."""
    house = House()
    await house.spend(1, "gpt-4", tier="free")
    await house.spend(3, "local", tier="free")
    refused = await house.ask("gpt-4", tier="free", prefer="refuse")
    assert isinstance(refused, Refused)
    assert [option.do for option in refused.options] == ["wait", "upgrade"]


async def test_a_refusal_tells_what_and_when() -> None:
    """The refusal names the cap, its use, the exact next time, the seconds until then rounded up, and costs nothing."""
    house = House()
    await house.spend(1)
    house.now += HOUR
    await house.spend(1)
    house.now += 1
    before = await house.limiter.usage("ana", "plus")
    refused = await house.ask(prefer="refuse")
    assert isinstance(refused, Refused)
    assert refused.code == "usage_cap_reached"
    assert refused.limit == Limit(
        id="gpt-4.messages", cap=2, used=2, unit="messages", window_seconds=10_800, scope="gpt-4"
    )
    assert (refused.next_at, refused.full_at) == (START + 3 * HOUR, START + 4 * HOUR)
    assert (refused.retry_after_seconds, refused.at_most, refused.at_us) == (7_200, False, house.now)
    assert [line.cap.id for line in refused.levels] == ["gpt-4.messages", "tokens", "at_once"]
    assert await house.limiter.usage("ana", "plus") == before
    house.now = START + 3 * HOUR - 1
    assert isinstance(await house.ask(prefer="refuse"), Refused)
    house.now += 1
    assert isinstance(await house.ask(prefer="refuse"), Held)


async def test_in_flight_holds_make_it_at_most() -> None:
    """While a message is being answered, the next time is the latest one."""
    house = House()
    await house.ask()
    await house.ask()
    refused = await house.ask(prefer="refuse")
    assert isinstance(refused, Refused)
    assert refused.at_most
    assert refused.limit is not None
    assert refused.limit.used == 2


async def test_wait_refuses_and_tells_when() -> None:
    """Where the tier says `wait` and has no fallback, the refusal offers to wait."""
    house = House()
    await house.spend(1, tier="strict")
    refused = await house.ask(tier="strict")
    assert isinstance(refused, Refused)
    assert refused.next_at == START + 3 * HOUR
    assert refused.options[0] == Option(do="wait")
    assert isinstance(await house.ask(tier="strict", prefer="use"), Refused)


async def test_tokens_have_no_fallback() -> None:
    """A tier-wide cap refuses whatever the tier says about fallbacks, and offers a tier with more."""
    house = House()
    held = await house.ask("local", tokens=995)
    assert isinstance(held, Held)
    await house.limiter.settle(held.hold_id, {"tokens": 995})
    refused = await house.ask("gpt-4", tokens=6)
    assert isinstance(refused, Refused)
    assert refused.limit == Limit(id="tokens", cap=1_000, used=995, unit="tokens", window_seconds=86_400)
    assert refused.options == (Option(do="wait"), Option(do="upgrade", tier="pro"))
    assert isinstance(await house.ask("gpt-4", tokens=5), Held)


async def test_the_latest_cap_refuses() -> None:
    """When a message cap and the token cap are both full, the one that frees last is told."""
    house = House()
    await house.spend(1)
    held = await house.ask(tokens=990)
    assert isinstance(held, Held)
    await house.limiter.settle(held.hold_id, {})
    refused = await house.ask()
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert refused.limit.id == "tokens"


async def test_an_estimate_above_the_cap_is_clipped() -> None:
    """An estimate that could never fit holds what is left, is settled in full, and refused when nothing is left."""
    house = House()
    first = await house.ask("local", tokens=400)
    second = await house.ask("local", tokens=5_000)
    assert isinstance(first, Held)
    assert isinstance(second, Held)
    assert second.charges[0].amount == 600
    await house.limiter.settle(second.hold_id, {"tokens": 5_000})
    assert (await house.rows())["tokens"].used == 5_000
    refused = await house.ask("local", tokens=5_000)
    assert isinstance(refused, Refused)
    assert refused.next_at is not None


async def test_an_estimate_of_nothing_counts_as_one() -> None:
    """No request passes a full token cap by estimating zero."""
    house = House()
    held = await house.ask("local", tokens=1_000)
    assert isinstance(held, Held)
    assert isinstance(await house.ask("local", tokens=0), Refused)


async def test_too_many_at_once() -> None:
    """Beyond `at_once` the request is refused for a second, without fallback, until a place is free."""
    house = House()
    holds = [await house.ask("local") for _ in range(3)]
    refused = await house.ask("local")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retry_after_seconds, refused.next_at) == ("too_many_at_once", 1, None)
    assert refused.limit == Limit(id="at_once", cap=3, used=3, unit="concurrent-requests", window_seconds=None)
    assert refused.options == (Option(do="wait"),)
    assert isinstance(holds[0], Held)
    await house.limiter.release(holds[0].hold_id)
    assert isinstance(await house.ask("local"), Held)


async def test_a_model_of_another_tier() -> None:
    """A model that no line names is refused, with the tiers that have it."""
    refused = await House().ask("gpt-4", tier="mini")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.tiers) == ("model_not_in_tier", ("free", "plus", "pro", "strict"))
    assert refused.next_at is None


async def test_a_repeated_hold_gets_its_first_outcome() -> None:
    """The same id is charged once, and a fallback stays the fallback even when the cap has room again."""
    house = House()
    await house.spend(2)
    first = await house.ask(hold_id="same")
    house.now += 3 * HOUR - LEASE
    second = await house.ask(hold_id="same")
    house.now += LEASE
    third = await house.ask(hold_id="same")
    assert isinstance(first, Held)
    assert isinstance(second, Held)
    assert isinstance(third, Held)
    assert first.model == second.model == third.model == "gpt-4-mini"
    assert first.charges == third.charges
    assert third.served_by == ServedBy(asked="gpt-4", served="gpt-4-mini", back_at=None)


async def test_renewed_holds_stay() -> None:
    """A renewed hold outlives its lease and keeps its progress when the next one ends."""
    house = House()
    held = await house.ask("local", tokens=50)
    assert isinstance(held, Held)
    house.now += LEASE - 1
    assert await house.limiter.renew([held.hold_id], {held.hold_id: {"tokens": 8}}) == {held.hold_id}
    house.now += LEASE - 1
    assert (await house.rows())["at_once"].used == 1
    house.now += 1
    rows = await house.rows()
    assert (rows["at_once"].used, rows["tokens"].used) == (0, 8)


async def test_usage_reports_every_finite_cap() -> None:
    """The report has the rows in the order of the lines, with times, and what the fallback has left."""
    house = House()
    await house.spend(1)
    await house.ask(tokens=90)
    report = await house.limiter.usage("ana", "plus")
    assert (report.tier, report.as_of) == ("plus", START)
    assert report.rows[0] == UsageRow(
        id="gpt-4.messages",
        model="gpt-4",
        unit="messages",
        kind="rolling",
        window_seconds=10_800,
        cap=2,
        base_cap=2,
        used=1,
        held=1,
        remaining=0,
        next_at=START + 3 * HOUR,
        next_free_at=START + 3 * HOUR,
        full_at=START + 3 * HOUR,
    )
    at_once = report.rows[2]
    assert (at_once.kind, at_once.window_seconds, at_once.model) == ("concurrent", None, None)
    assert (at_once.used, at_once.held, at_once.remaining) == (1, 0, 2)
    assert report.fallback == FallbackLeft(model="gpt-4-mini", remaining=None)
    assert (await house.limiter.usage("ana", "free")).fallback == FallbackLeft(model="gpt-4-mini", remaining=3)
    assert (await house.limiter.usage("ana", "strict")).fallback is None


async def test_tiers_may_change_under_way() -> None:
    """A lowered cap blocks without debt and a raised one opens at once; what was admitted stays."""
    house = House()
    await house.spend(2)
    house.raw = {**RAW, "plus": {**RAW["plus"], "gpt-4": "1 message / 3h"}}
    row = (await house.rows())["gpt-4.messages"]
    assert (row.cap, row.used, row.remaining) == (1, 2, 0)
    house.raw = {**RAW, "plus": {**RAW["plus"], "gpt-4": "3 messages / 3h"}}
    assert isinstance(await house.ask(prefer="refuse"), Held)


@pytest.mark.parametrize("other", ["an", "ana|gpt-4.messages", "ana|"])
async def test_subjects_are_kept_apart(other: str) -> None:
    """No subject's name can reach another one's counters."""
    house = House()
    await house.spend(2)
    report = await house.limiter.usage(other, "plus")
    assert all(row.used == 0 for row in report.rows)


async def test_tokens_of_one_model_fall_back() -> None:
    """A model whose own tokens are used up gives way to the next one, whose estimate is what that one has left."""
    house = House(
        {
            "plus": {
                "gpt-4": ["9 messages / 3h", "1k tokens / 24h"],
                "local": "400 tokens / 24h",
                "when_capped": "use local",
            }
        }
    )
    first = await house.ask(tier="plus", tokens=5_000)
    assert isinstance(first, Held)
    assert [charge.amount for charge in first.charges] == [1, 1_000]
    assert await house.limiter.settle(first.hold_id, {"messages": 1, "tokens": 1_000})
    second = await house.ask(tier="plus", tokens=5_000)
    assert isinstance(second, Held)
    assert (second.model, second.charges[0].amount) == ("local", 400)
    refused = await house.ask(tier="plus", tokens=1)
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert (refused.limit.id, refused.limit.scope) == ("gpt-4.tokens", "gpt-4")


async def test_every_window_must_have_room() -> None:
    """Of two windows of one unit, the one that frees last is named."""
    house = House({"plus": {"gpt-4": ["1 message / 3h", "2 messages / 7d"]}})
    await house.spend()
    house.now += 3 * HOUR
    await house.spend()
    refused = await house.ask()
    assert isinstance(refused, Refused)
    assert refused.limit is not None
    assert refused.limit.id == "gpt-4.messages.7d"
    assert refused.next_at == START + 7 * 24 * HOUR
