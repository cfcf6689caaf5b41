"""What a payment system says of users: checked against what there is, then done once."""

from collections.abc import Callable
from typing import Final

import ratelimit
from server.chat.extras import LONGEST_US, check_gift
from server.core.errors import Refused
from server.core.ports import Clock, Ids
from server.core.ports_entitlements import Effect, Entitlement, Entitlements, Give, SetTier, TakeBack
from server.core.ports_extras import Extra

BY: Final = "entitlement"


class Entitling:
    """Sets tiers and gives grants at the word of a payment system.

    `key` is what its messages are signed with; None takes none.
    """

    def __init__(
        self,
        *,
        key: bytes | None,
        entitlements: Entitlements,
        tiers: Callable[[], ratelimit.Tiers],
        ids: Ids,
        clock: Clock,
    ) -> None:
        self.key = key
        self._entitlements, self._tiers, self._ids, self._clock = entitlements, tiers, ids, clock

    async def set_tier(self, event_id: str, digest: str, at: int, *, user: str, tier: str) -> Effect:
        """Give the user, by name, another tier, unless a later event has. Raises `Refused`."""
        known = self._tiers().by_name
        if tier not in known:
            raise Refused(
                "invalid_value", f"There is no tier {tier}. There are: {', '.join(known)}.", param="data.tier"
            )
        return await self._apply(event_id, digest, at, SetTier(user=user, tier=tier))

    async def give(
        self, event_id: str, digest: str, at: int, *, user: str, gives: str, ends_at: int, priority: int, reason: str
    ) -> Effect:
        """Give the user, by name, a grant until `ends_at`. Raises `Refused`."""
        check_gift(gives, self._tiers(), param="data.gives")
        now = self._clock.now()
        if not now < ends_at <= now + LONGEST_US:
            raise Refused("invalid_value", "A grant ends within the next 366 days.", param="data.ends_at")
        grant = Extra(
            id=self._ids.new("extra"),
            user_id="",
            kind="grant",
            what=" ".join(gives.split()),
            priority=priority,
            starts_at=now,
            ends_at=ends_at,
            reason=reason,
            by=f"{BY} {event_id}",
        )
        return await self._apply(event_id, digest, at, Give(user=user, grant=grant))

    async def take_back(self, event_id: str, digest: str, at: int, *, given_by: str) -> Effect:
        """Take back what the event `given_by` gave. Raises `Refused`."""
        return await self._apply(event_id, digest, at, TakeBack(event_id=given_by))

    async def _apply(self, event_id: str, digest: str, at: int, change: SetTier | Give | TakeBack) -> Effect:
        return await self._entitlements.apply(
            Entitlement(
                id=event_id,
                digest=digest,
                at=at,
                received_at=self._clock.now(),
                by=f"{BY} {event_id}",
                change=change,
            )
        )
