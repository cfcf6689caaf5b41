"""What other tiers would have made of the last days: who would have met which cap, and the cost."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ratelimit
from ratelimit import Tiers
from ratelimit.simulating import Past, Simulated, Simulation
from server.chat.policing import Parse
from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.ports import Clock, Turns
from server.core.ports_operator import Accounts, User
from server.core.records import UsageRow

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float


class Simulating:
    """Replays what is stored, for operators, on a thread of its own: what runs here goes on meanwhile."""

    def __init__(
        self,
        *,
        parse: Parse,
        turns: Turns,
        accounts: Accounts,
        models: Collection[str],
        prices: Mapping[str, Price],
        clock: Clock,
    ) -> None:
        self._parse, self._turns, self._accounts = parse, turns, accounts
        self._models, self._prices, self._clock = models, prices, clock

    async def replay(self, policy: Mapping[str, Any], days: int) -> Mapping[str, Any]:
        """Return what a policy would have made of the last days. Raises `Refused` if it contradicts itself."""
        try:
            tiers = self._parse(policy)
        except ratelimit.InvalidTiers as invalid:
            raise Refused("invalid_value", "; ".join(map(str, invalid.errors)), param="policy") from None
        rows = await self._turns.usage_rows(None, self._clock.now() - days * DAY_US)
        users = await self._accounts.users()

        def work() -> dict[str, Any]:
            return asyncio.run(simulate(tiers, rows=rows, users=users, models=self._models, prices=self._prices))

        return {"days": days, **await asyncio.to_thread(work)}


async def simulate(
    tiers: Tiers,
    *,
    rows: Sequence[UsageRow],
    users: Iterable[User],
    models: Collection[str],
    prices: Mapping[str, Price],
    progress: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Return what `tiers` would have made of `rows`, ready for JSON; `progress` hears of each.

    Users have the tier that they have today. Costs are of the models that have a price, in whole micro-dollars; a
    fallback is taken to use as many tokens.
    """
    known = {user.id: user for user in users}
    charged = sorted((row for row in rows if row.charged and row.user_id in known), key=lambda row: row.created_at)
    past = (_past(row, known[row.user_id].tier, models) for row in charged)
    known_prices = {
        model: ratelimit.Price.of_dollars(input=one.input, output=one.output) for model, one in prices.items()
    }
    found = await Simulation(tiers, prices=known_prices).run(past, progress)
    rows_of_users = [
        {
            "user": known[user_id].name,
            "tier": fate.tier,
            "asked": fate.asked,
            "served": fate.served,
            "by_fallback": fate.fallen_back,
            "refused": dict(fate.refused),
            "first_at": rfc3339(fate.first_at),
        }
        for user_id, fate in sorted(
            found.users.items(), key=lambda item: -_touched(item[1].refused, item[1].fallen_back)
        )
    ]
    before, after = _costs(charged, found, prices)
    return {
        "requests": len(charged),
        "served": sum(fate.served for fate in found.users.values()),
        "by_fallback": sum(fate.fallen_back for fate in found.users.values()),
        "refused": sum(sum(fate.refused.values()) for fate in found.users.values()),
        "cost_before_usd": before / 1_000_000,
        "cost_after_usd": after / 1_000_000,
        "unpriced_models": sorted({row.model for row in charged} - prices.keys()),
        "users": rows_of_users,
    }


def _past(row: UsageRow, tier: str, models: Collection[str]) -> Past:
    return Past(
        id=row.turn_id,
        subject=row.user_id,
        tier=tier,
        # Whoever asked for a persona asked for whichever model answered.
        model=row.asked if row.asked in models else row.model,
        at_us=row.created_at,
        ended_us=row.ended_at,
        tokens=row.charged.get("tokens", 0),
        answer_tokens=min(row.usage.output_tokens, row.charged.get("tokens", 0)),
        messages=row.charged.get("messages", 0),
    )


def _costs(rows: Sequence[UsageRow], found: Simulated, prices: Mapping[str, Price]) -> tuple[int, int]:
    before = sum(_cost(row, prices.get(row.model)) for row in rows)
    after = 0
    for row in rows:
        model = found.models.get(row.turn_id)
        after += _cost(row, prices.get(model)) if model is not None else 0
    return before, after


def _cost(row: UsageRow, price: Price | None) -> int:
    """Return whole micro-dollars: a dollar per million tokens is one of them per token."""
    if price is None:
        return 0
    return round(price.input * row.usage.input_tokens + price.output * row.usage.output_tokens)


def _touched(refused: Mapping[str, int], fallen_back: int) -> int:
    return sum(refused.values()) + fallen_back
