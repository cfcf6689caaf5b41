"""A limiter over a ledger in memory, with its clock and the shortest way to ask it."""

from collections.abc import Mapping

from ratelimit.extras import NONE, Extras, Grant, read_gift
from ratelimit.ledgers.memory import MemoryLedger
from ratelimit.limiter import Ask, Held, Limiter, Refused, UsageRow
from ratelimit.prices import Price
from ratelimit.tiers import WhenCapped, parse_tiers

START = 1_764_000_000_000_000
SECOND = 1_000_000
HOUR = 3_600 * SECOND
LEASE = 10 * SECOND
PRICES: Mapping[str, Price] = {
    "gpt-4": Price.of_dollars(input=2.5, output=10),
    "gpt-4-mini": Price.of_dollars(input=0.15, output=0.6),
    "local": Price.of_dollars(input=0, output=0),
}
RAW: Mapping[str, Mapping[str, object]] = {
    "free": {
        "standard": "3 messages / 3h",
        "premium": "1 message / 24h",
        "when_capped": "use standard",
        "at_once": 2,
    },
    "plus": {
        "gpt-4": "2 messages / 3h",
        "standard": "unlimited",
        "tokens": "1k / 24h",
        "when_capped": "use standard",
        "at_once": 3,
        "priority": 2,
    },
    "pro": {"extends": "plus", "gpt-4": "5 messages / 3h", "tokens": "20k / 24h"},
    "strict": {"gpt-4": "1 message / 3h", "local": "unlimited", "when_capped": "wait", "at_once": 1},
    "mini": {"standard": "unlimited", "at_once": 1},
}


class House:
    """A limiter with its clock, and the shortest way to ask it."""

    def __init__(self, raw: Mapping[str, object] = RAW, *, everyone: Mapping[str, object] | None = None) -> None:
        self.now = START
        self.raw = raw
        self.asked = 0
        self.extras = NONE
        self.limiter = Limiter(
            tiers=lambda: parse_tiers(
                self.raw,
                groups={"premium": ["gpt-4"], "standard": ["gpt-4-mini", "local"]},
                models=["gpt-4", "gpt-4-mini", "local"],
                default_tier=next(iter(raw)),
                priced=PRICES,
                everyone=everyone,
            ),
            ledger=MemoryLedger(clock=lambda: self.now),
            lease_us=LEASE,
            clock=lambda: self.now,
            prices=PRICES,
        )

    async def ask(
        self,
        model: str = "gpt-4",
        *,
        tier: str = "plus",
        tokens: int = 10,
        answer_tokens: int = 0,
        images: int = 0,
        subject: str = "ana",
        organisation: str | None = None,
        hold_id: str = "",
        prefer: WhenCapped | None = None,
        broken: tuple[str, ...] = (),
    ) -> Held | Refused:
        """Ask for a hold under a new id."""
        self.asked += 1
        return await self.limiter.hold(
            Ask(
                hold_id=hold_id or f"h{self.asked}",
                subject=subject,
                tier=tier,
                model=model,
                tokens=tokens,
                answer_tokens=answer_tokens,
                images=images,
                organisation=organisation,
                extras=self.extras,
                usable=lambda alias: "it is broken" if alias in broken else None,
                prefer=prefer,
            )
        )

    async def spend(self, times: int = 1, model: str = "gpt-4", *, tier: str = "plus") -> None:
        """Hold and settle at the estimate."""
        for _ in range(times):
            held = await self.ask(model, tier=tier)
            assert isinstance(held, Held)
            assert await self.limiter.settle(held.hold_id, {})

    async def rows(self, tier: str = "plus") -> dict[str, UsageRow]:
        """Return the usage rows by id."""
        return {row.id: row for row in (await self.limiter.usage("ana", tier, extras=self.extras)).rows}

    def grant(self, gives: str, *, of: str = "g1", hours: int = 24, priority: int = 1) -> None:
        """Give ana a grant from now on."""
        gift = read_gift(gives, self.limiter._tiers())
        expires = self.now + hours * HOUR
        made = Grant(id=of, gift=gift, starts_us=self.now, expires_us=expires, priority=priority)
        self.extras = Extras(grants=(*self.extras.grants, made))

    async def left(self) -> dict[str, int]:
        """Return what is left of each grant, in the order in which they are used."""
        report = await self.limiter.usage("ana", "plus", extras=self.extras)
        return {grant.id: grant.remaining for grant in report.grants}
