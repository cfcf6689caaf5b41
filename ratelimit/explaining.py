"""Why a request would be served or refused: each cap, what fills it, and when that leaves. Changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ratelimit.answers import CapLevel
from ratelimit.counters import Who, cap_levels, demand
from ratelimit.ledger import Entry, Ledger
from ratelimit.tiers import Tiers

Verdict = Literal["served", "served_by_fallback", "usage_cap_reached", "too_many_at_once", "model_not_in_tier"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One cap that a request would be charged to, for one unit more."""

    line: CapLevel
    entries: tuple[Entry, ...]
    """What fills it, oldest first."""


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
    higher: str | None
    """The first tier that gives more, if a cap is reached."""
    having: tuple[str, ...] = ()
    """The tiers that have the model, if this one does not."""


class Explainer:
    """Reads tiers and ledger as a `Limiter` does, and tells all that it would decide by."""

    def __init__(self, *, tiers: Callable[[], Tiers], ledger: Ledger) -> None:
        self._tiers, self._ledger = tiers, ledger

    async def explain(self, subject: str, tier: str, model: str) -> Explanation:
        """Return what would become of one more message."""
        tiers = self._tiers()
        found = tiers.tier(tier)
        lines, at = await self._lines(subject, found.name, model)
        dimensions = tuple([await self._dimension(subject, line) for line in lines])
        failing = sorted((line for line in lines if not line.level.fits), key=lambda line: -(line.level.next_at or 0))
        verdict: Verdict = "served"
        fallback = None
        if not found.has(model):
            verdict = "model_not_in_tier"
        elif failing:
            concurrent = failing[0].cap.unit == "concurrent-requests"
            verdict = "too_many_at_once" if concurrent else "usage_cap_reached"
            if found.when_capped == "use":
                fallback = await self._fallback(subject, found.name, failing)
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

    async def _fallback(self, subject: str, tier: str, failing: Sequence[CapLevel]) -> str | None:
        for model in self._tiers().tier(tier).fallback_models:
            if any(line.cap.counts(model) for line in failing):
                continue
            lines, _ = await self._lines(subject, tier, model)
            if all(line.level.fits for line in lines):
                return model
        return None

    async def _lines(self, subject: str, tier: str, model: str) -> tuple[tuple[CapLevel, ...], int]:
        # A message without images is asked for.
        caps = tuple(cap for cap in self._tiers().tier(tier).caps_on(model) if cap.unit != "images")
        who = Who(subject)
        reading = await self._ledger.levels([demand(who, cap, 1) for cap in caps])
        return cap_levels(who, caps, reading.levels), reading.at_us

    async def _dimension(self, subject: str, line: CapLevel) -> Dimension:
        key = Who(subject).key(line.cap)
        found = await self._ledger.entries(key, window_us=line.cap.window_us)
        return Dimension(line=line, entries=tuple(found))
