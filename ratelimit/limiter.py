"""Whether a request may run now, on which model, and when it may if not.

Turns tiers into charges and a ledger's answer into words for the user; it keeps no state itself.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ratelimit.ledger import Charge, Demand, Full, HoldRequest, Ledger, Taken
from ratelimit.lines import SECOND_US
from ratelimit.meter import Level
from ratelimit.tiers import Cap, Lowered, Tier, Tiers, Unit, WhenCapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request for one model."""

    hold_id: str
    subject: str
    """Whose caps are charged."""
    tier: str
    model: str
    tokens: int
    """The estimate; less than 1 counts as 1."""
    usable: Callable[[str], str | None]
    """Why a fallback alias cannot serve this request (context, vision, persona); None if it can."""
    prefer: WhenCapped | None = None
    """What the user wants when capped, instead of what the tier says."""


@dataclass(frozen=True, slots=True)
class CapLevel:
    """A cap that a request touched, and how full it is."""

    cap: Cap
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBy:
    """Another alias serves than the one asked for."""

    asked: str
    served: str
    because: Literal["usage_cap_reached", "temporary_reduced_capacity"] = "usage_cap_reached"
    back_at: int | None
    """When the alias asked for has room again, in microseconds; None when a repeated hold no longer knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The request may run on `model`. It must be settled or released; until its deadline it is charged in full."""

    hold_id: str
    model: str
    served_by: ServedBy | None
    charges: tuple[Charge, ...]
    at_us: int
    deadline_us: int
    levels: tuple[CapLevel, ...]
    """The caps it was charged to, as they are after it; empty for a hold found again after a restart."""
    priority: int
    """Of its tier; the lowest number gives way first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What the user may do instead."""

    do: Literal["continue", "wait", "upgrade"]
    model: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The cap that refused; `used` includes what is in flight, `window_seconds` is None if only that counts."""

    id: str
    cap: int
    used: int
    unit: Unit
    window_seconds: int | None
    scope: str | None = None
    """The alias or group that it names; None is the whole tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request may not run, and was charged nothing. Times are in microseconds."""

    code: Literal["usage_cap_reached", "too_many_at_once", "model_not_in_tier", "temporary_reduced_capacity"]
    model: str
    at_us: int | None = None
    limit: Limit | None = None
    next_at: int | None = None
    retry_after_seconds: int | None = None
    """Rounded up."""
    at_most: bool = False
    """Whether something in flight may make room before `next_at`."""
    full_at: int | None = None
    options: tuple[Option, ...] = ()
    tiers: tuple[str, ...] = ()
    """The tiers that have the model, when this one does not."""
    levels: tuple[CapLevel, ...] = ()
    """Every cap that the request would have been charged to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One cap of a user. Times are in microseconds; `next_at` is None while a unit can be had now."""

    id: str
    model: str | None
    """The alias or group that the cap names; None for the whole tier."""
    unit: Unit
    kind: Literal["rolling", "concurrent"]
    window_seconds: int | None
    cap: int
    base_cap: int
    """What the tier says; more than `cap` while demand is high."""
    lowered: Lowered | None = None
    """Why `cap` is lower, if users are to be told."""
    used: int
    held: int
    remaining: int
    next_at: int | None
    next_free_at: int | None
    full_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackLeft:
    """The first fallback model and how many messages it has left; None is unlimited."""

    model: str
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """All caps of a user at one moment, in the order of the tier's lines."""

    tier: str
    as_of: int
    rows: tuple[UsageRow, ...]
    fallback: FallbackLeft | None


class Limiter:
    """Holds caps before a request and settles them after it.

    `tiers` is asked anew for each request; `lease_us` is how long a hold lasts unrenewed.
    """

    def __init__(self, *, tiers: Callable[[], Tiers], ledger: Ledger, lease_us: int) -> None:
        self._tiers, self._ledger, self._lease_us = tiers, ledger, lease_us

    async def hold(self, ask: Ask) -> Held | Refused:
        """Charge every cap of the request, or none.

        If a cap on the model is reached and the tier or the user says `use`, the first fallback alias that passes its
        own caps and is usable serves; it is never charged to the cap that was reached. Caps of the whole tier have no
        fallback. `wait` refuses too: the refusal tells when. A hold id taken before gets its first outcome.
        """
        tiers = self._tiers()
        tier = tiers.tier(ask.tier)
        if not tier.has(ask.model):
            return Refused(code="model_not_in_tier", model=ask.model, tiers=tiers.tiers_with(ask.model))
        answer = await self._take(ask, tier, ask.model)
        if isinstance(answer, Taken):
            return self._held(ask, tier, answer, back_at=None)
        failing = _failing(ask, tier, answer)
        refusing = failing[0]
        spared = self._spared(ask, tier, failing)
        if (ask.prefer or tier.when_capped) == "use":
            for model in spared:
                taken = await self._take(ask, tier, model)
                if isinstance(taken, Taken):
                    return self._held(ask, tier, taken, back_at=refusing.level.next_at)
            spared = ()
        return await self._refused(ask, tiers, answer, refusing, spared)

    async def settle(self, hold_id: str, amounts: Mapping[str, int]) -> bool:
        """Replace the hold by the truth, `amounts` by unit; see `Ledger.settle`."""
        return await self._ledger.settle(hold_id, amounts)

    async def release(self, hold_id: str) -> bool:
        """Undo the hold; see `Ledger.release`."""
        return await self._ledger.release(hold_id)

    async def renew(self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
        """Extend the leases and note the progress, amounts by hold id and unit; return the ids that are still held."""
        return await self._ledger.renew(hold_ids, progress, lease_us=self._lease_us)

    async def usage(self, subject: str, tier: str) -> UsageReport:
        """Return how full every cap of the subject is."""
        found = self._tiers().tier(tier)
        caps = [cap for cap in found.caps if cap.amount is not None]
        reading = await self._ledger.levels([demand(subject, cap, 1) for cap in caps])
        levels = cap_levels(subject, caps, reading.levels)
        return UsageReport(
            tier=found.name,
            as_of=reading.at_us,
            rows=tuple(_usage_row(line) for line in levels),
            fallback=_fallback_left(found, levels),
        )

    async def _demands(self, ask: Ask, tier: Tier, model: str) -> tuple[Demand, ...]:
        """Return what `model` would charge; an estimate above a whole cap is what is left of it, and at least 1."""
        caps, tokens = tier.caps_on(model), max(1, ask.tokens)
        for cap in caps:
            if cap.unit == "tokens" and cap.amount is not None and tokens > cap.amount:
                one = demand(ask.subject, cap, 1)
                reading = await self._ledger.levels([one])
                tokens = max(1, reading.levels[one.charge.key].remaining)
        return tuple(demand(ask.subject, cap, tokens if cap.unit == "tokens" else 1) for cap in caps)

    async def _take(self, ask: Ask, tier: Tier, model: str) -> Taken | Full:
        return await self._ledger.take(
            HoldRequest(
                hold_id=ask.hold_id,
                subject=ask.subject,
                model=model,
                demands=await self._demands(ask, tier, model),
                lease_us=self._lease_us,
            )
        )

    def _held(self, ask: Ask, tier: Tier, taken: Taken, *, back_at: int | None) -> Held:
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
            levels=cap_levels(ask.subject, tier.caps_on(taken.model), taken.levels),
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

    async def _refused(self, ask: Ask, tiers: Tiers, full: Full, refusing: CapLevel, spared: Sequence[str]) -> Refused:
        tier, cap, level = tiers.tier(ask.tier), refusing.cap, refusing.level
        options = [Option(do="wait")]
        for model in spared:
            reading = await self._ledger.levels(await self._demands(ask, tier, model))
            if all(line.fits for line in reading.levels.values()):
                options.insert(0, Option(do="continue", model=model))
                break
        if higher := tiers.higher(ask.model, cap, than=tier.name):
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
            ),
            next_at=next_at,
            retry_after_seconds=1 if next_at is None else -((full.at_us - next_at) // SECOND_US),
            at_most=level.at_most,
            full_at=None if at_once else level.full_at,
            options=tuple(options),
            levels=cap_levels(ask.subject, tier.caps_on(ask.model), full.levels),
        )


def _key(subject: str, cap: Cap) -> str:
    # Ids of caps have no bar in them, so that no subject can spell another one's key.
    return f"{subject}|{cap.id}"


def demand(subject: str, cap: Cap, amount: int) -> Demand:
    """Return what is asked of the ledger to charge `amount` of the subject's to a cap."""
    charge = Charge(key=_key(subject, cap), unit=cap.unit, amount=amount, window_us=cap.window_us)
    return Demand(charge=charge, cap=cap.amount or 0)


def cap_levels(subject: str, caps: Sequence[Cap], levels: Mapping[str, Level]) -> tuple[CapLevel, ...]:
    """Return the caps of the subject with their levels, those that have one."""
    found = ((cap, levels.get(_key(subject, cap))) for cap in caps)
    return tuple(CapLevel(cap, level) for cap, level in found if level is not None)


def _failing(ask: Ask, tier: Tier, full: Full) -> list[CapLevel]:
    by_key = {_key(ask.subject, cap): cap for cap in tier.caps_on(ask.model)}
    return [CapLevel(by_key[key], full.levels[key]) for key in full.failing]


def _usage_row(line: CapLevel) -> UsageRow:
    cap, level = line.cap, line.level
    concurrent = cap.window_us == 0
    return UsageRow(
        id=cap.id,
        model=cap.scope,
        unit=cap.unit,
        kind="concurrent" if concurrent else "rolling",
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
