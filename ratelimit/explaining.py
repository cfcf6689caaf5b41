"""Why a request would be served or refused: each cap, what fills it, and when that leaves. Changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ratelimit.answers import CapLevel
from ratelimit.caps import Cap, Tier
from ratelimit.counters import Who, cap_levels, demand
from ratelimit.extras import NONE, Extras, may_pay, paying, tier_of
from ratelimit.ledger import Entry, Ledger
from ratelimit.tiers import Tiers

Verdict = Literal[
    "served", "served_by_grant", "served_by_fallback", "usage_cap_reached", "too_many_at_once", "model_not_in_tier"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One cap that a request would be charged to, for one unit more."""

    line: CapLevel
    entries: tuple[Entry, ...]
    """What fills it, oldest first; of a grant, what was taken of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would become of one more message of a user to a model, at `at_us`."""

    subject: str
    tier: str
    model: str
    verdict: Verdict
    at_us: int
    next_at: int | None
    """When the model asked for answers, if not now; None too where it never will, or a place may free any moment."""
    fallback: str | None
    """The model that would answer instead."""
    dimensions: tuple[Dimension, ...]
    """The caps of the call, then the grants that may pay for it, in the order in which they are used."""
    higher: str | None
    """The first tier that gives more, if a cap is reached."""
    having: tuple[str, ...] = ()
    """The tiers that have the model, if this one does not."""


class Explainer:
    """Reads tiers and ledger as a `Limiter` does, and tells all that it would decide by.

    `clock` tells which overrides and grants hold, in microseconds.
    """

    def __init__(self, *, tiers: Callable[[], Tiers], ledger: Ledger, clock: Callable[[], int]) -> None:
        self._tiers, self._ledger, self._clock = tiers, ledger, clock

    async def explain(
        self, subject: str, tier: str, model: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> Explanation:
        """Return what would become of one more message."""
        tiers, now, who = self._tiers(), self._clock(), Who(subject, organisation)
        found = tier_of(tiers, tier, extras, now)
        grants, _ = await self._levels(who, paying(extras, tiers, model, now))
        lines, at = await self._lines(who, found, model)
        dimensions = tuple([await self._dimension(who, line) for line in (*lines, *grants)])
        failing = sorted((line for line in lines if not line.level.fits), key=lambda line: -(line.level.next_at or 0))
        verdict: Verdict = "served"
        fallback = None
        named = any(line.level.fits and line.cap.scope is not None for line in grants)
        if not found.has(model) and not (named and failing):
            verdict = "served_by_grant" if named else "model_not_in_tier"
        elif failing:
            concurrent = failing[0].cap.unit == "concurrent-requests"
            verdict = "too_many_at_once" if concurrent else "usage_cap_reached"
            if _paid(failing, grants):
                verdict = "served_by_grant"
            elif found.when_capped == "use":
                fallback = await self._fallback(who, found, failing)
                verdict = "served_by_fallback" if fallback else verdict
        return Explanation(
            subject=subject,
            tier=found.name,
            model=model,
            verdict=verdict,
            at_us=at,
            next_at=failing[0].level.next_at if failing and failing[0].cap.window_us else None,
            fallback=fallback,
            dimensions=dimensions,
            higher=tiers.higher(model, failing[0].cap, than=found.name) if failing else None,
            having=() if found.has(model) else tiers.tiers_with(model),
        )

    async def _fallback(self, who: Who, tier: Tier, failing: Sequence[CapLevel]) -> str | None:
        for model in tier.fallback_models:
            if any(line.cap.counts(model) for line in failing):
                continue
            lines, _ = await self._lines(who, tier, model)
            if all(line.level.fits for line in lines):
                return model
        return None

    async def _lines(self, who: Who, tier: Tier, model: str) -> tuple[tuple[CapLevel, ...], int]:
        # A message without images is asked for.
        return await self._levels(who, [cap for cap in tier.caps_on(model) if cap.unit != "images"])

    async def _levels(self, who: Who, caps: Sequence[Cap]) -> tuple[tuple[CapLevel, ...], int]:
        reading = await self._ledger.levels([demand(who, cap, 1) for cap in caps])
        return cap_levels(who, caps, reading.levels), reading.at_us

    async def _dimension(self, who: Who, line: CapLevel) -> Dimension:
        found = await self._ledger.entries(who.key(line.cap), window_us=line.cap.window_us)
        return Dimension(line=line, entries=tuple(found))


def _paid(failing: Sequence[CapLevel], grants: Sequence[CapLevel]) -> bool:
    """Return whether grants pay for all that refuses."""
    having = {line.cap.unit for line in grants if line.level.fits}
    return all(may_pay(line.cap) and line.cap.unit in having for line in failing)
