"""Why a message would be served or refused."""

import pytest

from ratelimit import Held, Refused
from ratelimit.explaining import Explainer, Explanation
from tests.unit.ratelimit.house import HOUR, RAW, START, House


class Told(House):
    """A house whose caps are explained."""

    async def why(self, model: str = "gpt-4", tier: str = "plus") -> Explanation:
        explainer = Explainer(tiers=self.limiter._tiers, ledger=self.limiter._ledger, clock=lambda: self.now)
        return await explainer.explain("ana", tier, model, extras=self.extras)


async def test_each_cap_with_what_fills_it() -> None:
    """A cap shows the requests that count in it, with their times; what would be asked fits or not."""
    house = Told()
    await house.spend(1)
    house.now += HOUR
    await house.ask()
    why = await house.why()
    messages = why.dimensions[0]
    assert messages.line.cap.id == "gpt-4.messages"
    assert [(entry.at_us, entry.amount, entry.in_flight) for entry in messages.entries] == [
        (START, 1, False),
        (START + HOUR, 1, True),
    ]
    assert messages.entries[0].free_at_us == START + 3 * HOUR
    assert [one.line.level.fits for one in why.dimensions] == [False, True, True]


async def test_the_verdict_is_what_the_limiter_says() -> None:
    """Served, by a fallback, refused until a time, or outside of the tier: the same as a real request meets."""
    house = Told()
    assert (await house.why()).verdict == "served"
    await house.spend(2)
    why = await house.why()
    assert (why.verdict, why.fallback, why.next_at, why.higher) == (
        "served_by_fallback",
        "gpt-4-mini",
        START + 3 * HOUR,
        "pro",
    )
    held = await house.ask()
    assert isinstance(held, Held)
    assert held.model == why.fallback
    why = await house.why("gpt-4", "mini")
    assert (why.verdict, why.having) == ("model_not_in_tier", ("free", "plus", "pro", "strict"))


async def test_a_cap_without_a_fallback_refuses_until_it_frees() -> None:
    """The time is the one that the refusal tells."""
    house = Told()
    await house.spend(1, tier="strict")
    why = await house.why(tier="strict")
    refused = await house.ask(tier="strict")
    assert isinstance(refused, Refused)
    assert (why.verdict, why.next_at) == (refused.code, refused.next_at)


async def test_a_full_flight_has_no_time() -> None:
    """Where answers that run are in the way, nobody knows when one ends."""
    house = Told()
    await house.ask("local", tier="mini")
    why = await house.why("local", "mini")
    assert (why.verdict, why.next_at, why.fallback) == ("too_many_at_once", None, None)


async def test_explaining_changes_nothing() -> None:
    """However often it is asked, the levels are as before."""
    house = Told()
    await house.spend(1)
    before = await house.rows()
    for _ in range(3):
        await house.why()
    assert await house.rows() == before


@pytest.mark.parametrize("tier", list(RAW))
async def test_every_tier_can_be_explained(tier: str) -> None:
    """Whatever a tier has, a message to a model of it is explained with the caps it would be charged to."""
    house = Told()
    why = await house.why("local", tier)
    assert why.verdict == "served"
    assert [one.line.cap for one in why.dimensions] == list(house.limiter._tiers().tier(tier).caps_on("local"))
