"""A limiter that also asks whether the upstream has room."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from ratelimit.adaptive.adaptive import Adaptive
from ratelimit.extras import NONE, Extras
from ratelimit.limiter import Ask, Held, Option, Refused, ServedBy, UsageReport
from ratelimit.limits import Limits
from ratelimit.tiers import Tier, Tiers


class AdaptiveLimiter:
    """A `Limits`: the caps of `limiter`, then a place among the answers that the upstream takes now.

    `limiter` is to ask for the tiers that `adaptive` publishes. Whoever is turned away is charged nothing.
    """

    def __init__(self, *, limiter: Limits, adaptive: Adaptive, tiers: Callable[[], Tiers]) -> None:
        self._limiter, self._adaptive, self._tiers = limiter, adaptive, tiers

    async def hold(self, ask: Ask) -> Held | Refused:
        """Charge every cap of the request and take a place, or neither.

        Where the model has no room and the tier or the user says `use`, the first fallback alias that has some, passes
        its caps and is usable serves. Caps come first: a user who has none left is told that.
        """
        tier = self._tiers().tier(ask.tier)
        if not self._adaptive.room(ask.model, tier.name) and (ask.prefer or tier.when_capped) == "use":
            instead = await self._instead(ask, tier)
            if instead is not None:
                return instead
        answer = await self._limiter.hold(replace(ask, usable=self._with_room(ask, tier)))
        return await self._entered(answer, tier) if isinstance(answer, Held) else answer

    async def settle(self, hold_id: str, amounts: Mapping[str, int]) -> bool:
        """Replace the hold by the truth; the place is free."""
        self._adaptive.leave(hold_id)
        return await self._limiter.settle(hold_id, amounts)

    async def release(self, hold_id: str) -> bool:
        """Undo the hold; the place is free."""
        self._adaptive.leave(hold_id)
        return await self._limiter.release(hold_id)

    async def renew(self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
        """Extend the leases of holds and places; return the ids that are still held."""
        self._adaptive.renew(hold_ids)
        return await self._limiter.renew(hold_ids, progress)

    async def usage(
        self, subject: str, tier: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> UsageReport:
        """Return how full every cap of the subject and of its organisation is."""
        return await self._limiter.usage(subject, tier, organisation=organisation, extras=extras)

    async def _instead(self, ask: Ask, tier: Tier) -> Held | Refused | None:
        usable = self._with_room(ask, tier)
        for model in tier.fallback_models:
            if model == ask.model or usable(model) is not None or not tier.has(ask.model):
                continue
            answer = await self._limiter.hold(replace(ask, model=model, prefer="refuse"))
            if isinstance(answer, Refused):
                continue
            answer = await self._entered(answer, tier)
            # One way or the other: an id that was held once cannot be held anew.
            if isinstance(answer, Refused):
                return answer
            why = ServedBy(asked=ask.model, served=answer.model, because="temporary_reduced_capacity", back_at=None)
            return replace(answer, served_by=why)
        return None

    async def _entered(self, held: Held, tier: Tier) -> Held | Refused:
        if self._adaptive.enter(held.hold_id, held.model, tier.name):
            return held
        await self._limiter.release(held.hold_id)
        return Refused(
            code="temporary_reduced_capacity",
            model=held.model,
            at_us=held.at_us,
            retry_after_seconds=self._adaptive.retry_after(held.model),
            options=(Option(do="wait"),),
            levels=(),
        )

    def _with_room(self, ask: Ask, tier: Tier) -> Callable[[str], str | None]:
        def usable(model: str) -> str | None:
            return ask.usable(model) if self._adaptive.room(model, tier.name) else "it has no room now"

        return usable
