"""Whether a request may run now, on which model, and when it may if not.

Turns tiers into charges and a ledger's answer into words for the user; it keeps no state itself.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from ratelimit.answers import (
    Ask,
    CapLevel,
    FallbackLeft,
    GrantLeft,
    Held,
    Limit,
    Option,
    Refused,
    ServedBy,
    UsageReport,
    UsageRow,
)
from ratelimit.calendars import Calendar, Term
from ratelimit.caps import Cap, Tier, Tiers
from ratelimit.counters import Who, cap_levels, demand
from ratelimit.extras import GRANT, NONE, Extras, may_pay, open_grants, paying, tier_of
from ratelimit.ledger import Demand, Full, HoldRequest, Ledger, Taken
from ratelimit.lines import SECOND_US, Unit
from ratelimit.prices import Price

__all__ = [
    "Ask",
    "CapLevel",
    "FallbackLeft",
    "GrantLeft",
    "Held",
    "Limit",
    "Limiter",
    "Option",
    "Refused",
    "ServedBy",
    "UsageReport",
    "UsageRow",
]

_ESTIMATED: frozenset[Unit] = frozenset({"tokens", "cost"})
"""Units of which nobody knows, before the answer, how many it takes."""


class Limiter:
    """Holds caps before a request and settles them after it.

    `tiers` is asked anew for each request; `lease_us` is how long a hold lasts unrenewed; `prices` are those of the
    models. `clock` tells which turns of a calendar are near, in microseconds; which of them counts, the ledger's says.
    """

    def __init__(
        self,
        *,
        tiers: Callable[[], Tiers],
        ledger: Ledger,
        lease_us: int,
        clock: Callable[[], int],
        prices: Mapping[str, Price] = MappingProxyType({}),
    ) -> None:
        self._tiers, self._ledger, self._lease_us, self._clock, self._prices = tiers, ledger, lease_us, clock, prices

    async def hold(self, ask: Ask) -> Held | Refused:
        """Charge every cap of the request, or none.

        If caps of the user's own are reached, grants pay in their place, one for all caps of a unit, which are then not
        charged. Grants that name a model pay for it outside of the tier too. If none does and the tier or the user says
        `use`, the first fallback alias that passes its own caps and is usable serves; it is never charged to the cap
        that was reached. Caps of the whole tier have no fallback. `wait` refuses too (`WaitingLimiter` waits). A hold
        id taken before gets its first outcome.
        """
        tiers, now = self._tiers(), self._clock()
        tier = tier_of(tiers, ask.tier, ask.extras, now)
        grants = paying(ask.extras, tiers, ask.model, now)
        if not tier.has(ask.model):
            return await self._beyond(ask, tiers, tier, grants)
        answer = await self._take(ask, tier.caps_on(ask.model), ask.model)
        if isinstance(answer, Taken):
            return self._held(ask, tier, answer, back_at=None)
        failing = _failing(ask, tier.caps_on(ask.model), answer)
        if grants and all(may_pay(line.cap) for line in failing):
            paid = await self._paid(ask, tier, grants, {line.cap.unit for line in failing})
            if isinstance(paid, Taken):
                return self._held(ask, tier, paid, back_at=None, grants=grants)
        refusing = failing[0]
        spared = self._spared(ask, tier, failing)
        if (ask.prefer or tier.when_capped) == "use":
            for model in spared:
                taken = await self._take(ask, tier.caps_on(model), model)
                if isinstance(taken, Taken):
                    return self._held(ask, tier, taken, back_at=refusing.level.next_at)
            spared = ()
        return await self._refused(ask, tiers, tier, answer, refusing, spared)

    async def settle(self, hold_id: str, amounts: Mapping[str, int]) -> bool:
        """Replace the hold by the truth, `amounts` by unit; see `Ledger.settle`."""
        return await self._ledger.settle(hold_id, amounts)

    async def release(self, hold_id: str) -> bool:
        """Undo the hold; see `Ledger.release`."""
        return await self._ledger.release(hold_id)

    async def renew(self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
        """Extend the leases and note the progress, amounts by hold id and unit; return the ids that are still held."""
        return await self._ledger.renew(hold_ids, progress, lease_us=self._lease_us)

    async def usage(
        self, subject: str, tier: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> UsageReport:
        """Return how full every cap of the subject is, every pool of its organisation, and every grant."""
        tiers, now = self._tiers(), self._clock()
        found = tier_of(tiers, tier, extras, now)
        caps = [cap for cap in found.caps if cap.amount is not None and cap.whose in {"user", "pool", "credential"}]
        grants = open_grants(extras, tiers, now)
        who = Who(subject, organisation)
        reading = await self._ledger.levels([demand(who, cap, 1) for cap in (*caps, *grants)])
        levels = cap_levels(who, caps, reading.levels)
        return UsageReport(
            tier=found.name,
            as_of=reading.at_us,
            rows=tuple(_usage_row(line) for line in levels),
            fallback=_fallback_left(found, levels),
            grants=tuple(_grant_left(line) for line in cap_levels(who, grants, reading.levels)),
        )

    async def _beyond(self, ask: Ask, tiers: Tiers, tier: Tier, grants: Sequence[Cap]) -> Held | Refused:
        """Let a grant that names the model pay for what the tier does not have."""
        named = [cap for cap in grants if cap.scope is not None]
        for unit in dict.fromkeys(cap.unit for cap in named):
            answer = await self._paid(ask, tier, named, {unit})
            if isinstance(answer, Taken):
                return self._held(ask, tier, answer, back_at=None, grants=grants)
            if answer is not None:
                refusing = _failing(ask, (*tier.caps_on(ask.model), *named), answer)[0]
                return await self._refused(ask, tiers, tier, answer, refusing, ())
        return Refused(code="model_not_in_tier", model=ask.model, tiers=tiers.tiers_with(ask.model))

    async def _paid(self, ask: Ask, tier: Tier, grants: Sequence[Cap], units: Collection[Unit]) -> Taken | Full | None:
        """Take the request with a grant for each of `units`, in the place of the user's own caps of these units.

        Returns None if there are no grants for it, and what was in the way where something else than grants was.
        """
        who = Who.of(ask)
        rest = [cap for cap in tier.caps_on(ask.model) if cap.unit not in units or not may_pay(cap)]
        left = list(grants)
        while True:
            found = [next((cap for cap in left if cap.unit == unit), None) for unit in units]
            chosen = [cap for cap in found if cap is not None]
            if len(chosen) < len(found):
                return None
            answer = await self._take(ask, (*rest, *chosen), ask.model)
            if isinstance(answer, Taken):
                return answer
            spent = [cap for cap in chosen if who.key(cap) in answer.failing]
            if not spent:
                return answer
            left = [cap for cap in left if cap not in spent]

    async def _demands(self, ask: Ask, caps: Sequence[Cap], model: str) -> tuple[Demand, ...]:
        """Return what `model` would charge; an estimate above a whole cap is what is left of it, and at least 1."""
        who = Who.of(ask)
        amounts = self._estimates(ask, model)
        for cap in caps:
            if cap.unit in _ESTIMATED and cap.amount is not None and amounts[cap.unit] > cap.amount:
                one = demand(who, cap, 1)
                reading = await self._ledger.levels([one])
                amounts[cap.unit] = max(1, reading.levels[one.charge.key].remaining)
        now = self._clock()
        return tuple(demand(who, cap, amount, now=now) for cap in caps if (amount := amounts[cap.unit]))

    def _estimates(self, ask: Ask, model: str) -> dict[Unit, int]:
        """Return what the request would charge of each unit, as far as one can know before it runs."""
        tokens = max(1, ask.tokens)
        answer = min(ask.answer_tokens, tokens)
        price = self._prices.get(model)
        return {
            "messages": 1,
            "tokens": tokens,
            "cost": price.cost(prompt=tokens - answer, answer=answer) if price else 0,
            "images": ask.images,
            "concurrent-requests": 1,
        }

    async def _take(self, ask: Ask, caps: Sequence[Cap], model: str) -> Taken | Full:
        return await self._ledger.take(
            HoldRequest(
                hold_id=ask.hold_id,
                subject=ask.subject,
                model=model,
                demands=await self._demands(ask, caps, model),
                lease_us=self._lease_us,
            )
        )

    def _held(self, ask: Ask, tier: Tier, taken: Taken, *, back_at: int | None, grants: Sequence[Cap] = ()) -> Held:
        served_by = None
        if taken.model != ask.model:
            served_by = ServedBy(asked=ask.model, served=taken.model, back_at=back_at)
        return Held(
            hold_id=ask.hold_id,
            model=taken.model,
            served_by=served_by,
            charges=taken.charges,
            at_us=taken.at_us,
            deadline_us=taken.deadline_us,
            levels=cap_levels(Who.of(ask), (*tier.caps_on(taken.model), *grants), taken.levels),
            priority=tier.priority,
        )

    @staticmethod
    def _spared(ask: Ask, tier: Tier, failing: Sequence[CapLevel]) -> tuple[str, ...]:
        """Return the fallback aliases that none of the failing caps counts and that could serve."""
        return tuple(
            model
            for model in tier.fallback_models
            if not any(line.cap.counts(model) for line in failing) and ask.usable(model) is None
        )

    async def _refused(
        self, ask: Ask, tiers: Tiers, tier: Tier, full: Full, refusing: CapLevel, spared: Sequence[str]
    ) -> Refused:
        cap, level = refusing.cap, refusing.level
        options = [Option(do="wait")]
        for model in spared:
            reading = await self._ledger.levels(await self._demands(ask, tier.caps_on(model), model))
            if all(line.fits for line in reading.levels.values()):
                options.insert(0, Option(do="continue", model=model))
                break
        higher = None if cap.whose == "credential" else tiers.higher(ask.model, cap, than=tier.name)
        if higher:
            options.append(Option(do="upgrade", tier=higher))
        at_once = cap.unit == "concurrent-requests"
        next_at = None if at_once else level.next_at
        return Refused(
            code="too_many_at_once" if at_once else "usage_cap_reached",
            model=ask.model,
            at_us=full.at_us,
            limit=Limit(
                id=cap.id,
                cap=level.cap,
                used=level.used + level.held,
                unit=cap.unit,
                window_seconds=cap.window_us // SECOND_US or None,
                scope=cap.scope,
                whose=cap.whose,
                period=cap.opens.period if isinstance(cap.opens, Calendar) else None,
            ),
            next_at=next_at,
            retry_after_seconds=1 if next_at is None else -((full.at_us - next_at) // SECOND_US),
            at_most=level.at_most,
            full_at=None if at_once else level.full_at,
            options=tuple(options),
            levels=cap_levels(Who.of(ask), tier.caps_on(ask.model), full.levels),
        )


def _failing(ask: Ask, caps: Sequence[Cap], full: Full) -> list[CapLevel]:
    by_key = {Who.of(ask).key(cap): cap for cap in caps}
    return [CapLevel(by_key[key], full.levels[key]) for key in full.failing]


def _usage_row(line: CapLevel) -> UsageRow:
    cap, level = line.cap, line.level
    concurrent = cap.window_us == 0
    return UsageRow(
        id=cap.id,
        model=cap.scope,
        unit=cap.unit,
        whose=cap.whose,
        kind="concurrent" if concurrent else _kind(cap),
        window_seconds=cap.window_us // SECOND_US or None,
        cap=_shown_cap(line),
        base_cap=cap.base or level.cap,
        lowered=cap.lowered,
        used=level.held if concurrent else level.used,
        held=0 if concurrent else level.held,
        remaining=level.remaining,
        next_at=level.next_at,
        next_free_at=level.next_free_at,
        full_at=level.full_at,
    )


def _grant_left(line: CapLevel) -> GrantLeft:
    cap, level = line.cap, line.level
    return GrantLeft(
        id=cap.id.removeprefix(GRANT),
        unit=cap.unit,
        model=cap.scope,
        amount=level.cap,
        used=level.used,
        held=level.held,
        remaining=level.remaining,
        expires_at=cap.opens.end_us if isinstance(cap.opens, Term) else 0,
    )


def _kind(cap: Cap) -> Literal["rolling", "first_use", "calendar"]:
    if isinstance(cap.opens, Calendar):
        return "calendar"
    return "first_use" if cap.opens == "first" else "rolling"


def _shown_cap(line: CapLevel) -> int:
    """Return the cap in force; where it was lowered under what is taken, that is what it comes to until some leaves."""
    taken = line.level.used + line.level.held
    return max(line.level.cap, min(line.cap.base or 0, taken))


def _fallback_left(tier: Tier, levels: Sequence[CapLevel]) -> FallbackLeft | None:
    if not tier.fallback_models:
        return None
    model = tier.fallback_models[0]
    left = [line.level.remaining for line in levels if line.cap.unit == "messages" and line.cap.counts(model)]
    return FallbackLeft(model=model, remaining=min(left, default=None))
