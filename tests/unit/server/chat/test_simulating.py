"""The past under another policy, for operators."""

from collections.abc import Mapping
from typing import Any

from ratelimit import parse_tiers
from server.chat.simulating import Price, simulate
from server.core.ports_operator import User
from server.core.records import Usage, UsageRow

HOUR = 3_600_000_000
TIERS = parse_tiers(
    {"plus": {"gpt-4": "1 message / 3h", "mini": "unlimited", "when_capped": "use mini"}},
    groups={},
    models=["gpt-4", "mini"],
    default_tier="plus",
)
ANA = User(id="u1", name="ana", tier="plus", created_at=0)


def row(number: int, asked: str = "gpt-4", model: str = "gpt-4", *, user: str = "u1", **charged: int) -> UsageRow:
    """Return what one turn cost: 1,000 tokens of prompt and 100 of answer."""
    return UsageRow(
        turn_id=f"t{number}",
        user_id=user,
        asked=asked,
        model=model,
        persona="assistant",
        revision=1,
        status="completed",
        usage=Usage(input_tokens=1_000, output_tokens=100),
        hold_id=f"t{number}",
        charged=charged or {"messages": 1, "tokens": 1_100},
        created_at=number * 1_000_000,
        ended_at=100_000_000 - number,
    )


async def simulated(*rows: UsageRow, prices: Mapping[str, Price] | None = None) -> dict[str, Any]:
    """Replay rows of ana's."""
    known = {"gpt-4": Price(10.0, 30.0), "mini": Price(1.0, 3.0)} if prices is None else prices
    return await simulate(TIERS, rows=rows, users=[ANA], models=["gpt-4", "mini"], prices=known)


async def test_who_would_have_met_what_and_the_cost() -> None:
    """Beyond the new cap the fallback answers, at its own price."""
    found = await simulated(row(1), row(2), row(3))
    assert (found["requests"], found["served"], found["by_fallback"], found["refused"]) == (3, 3, 2, 0)
    assert found["cost_before_usd"] == 3 * 0.013
    assert found["cost_after_usd"] == 0.013 + 2 * 0.0013
    assert found["users"][0] == {
        "user": "ana",
        "tier": "plus",
        "asked": 3,
        "served": 3,
        "by_fallback": 2,
        "refused": {},
        "first_at": "1970-01-01T00:00:02Z",
    }


async def test_what_was_asked_is_what_is_replayed() -> None:
    """A request that fell back is asked anew of the model it named; one to a persona of the model that answered."""
    found = await simulated(row(1, "gpt-4", "mini"), row(2, "persona:tutor", "mini"))
    assert (found["by_fallback"], found["cost_before_usd"]) == (0, 2 * 0.0013)
    assert found["cost_after_usd"] == 0.013 + 0.0013


async def test_what_was_free_is_left_out() -> None:
    """Turns that charged nothing and users who are gone are no requests; models without a price are named."""
    free = row(1)
    free = UsageRow(**{**{name: getattr(free, name) for name in free.__slots__}, "charged": {}})
    found = await simulated(free, row(2, user="gone"), row(3), prices={})
    assert (found["requests"], found["unpriced_models"], found["cost_after_usd"]) == (1, ["gpt-4"], 0)
