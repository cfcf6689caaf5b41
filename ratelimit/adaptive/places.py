"""Who is let in while an upstream takes less than is asked: tiers give way in order, and each keeps a part."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ratelimit.adaptive.rules import Share

WANTS_US = 5_000_000
"""A tier that was turned away this long ago still waits for its part."""


@dataclass(slots=True)
class _Place:
    tier: str
    until: int


class Places:
    """The answers that run with one model, by hold. Each place is a lease, as the hold is."""

    def __init__(self, shares: Mapping[str, Share]) -> None:
        self._shares = shares
        self._places: dict[str, _Place] = {}
        self._turned_away: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def of(self, tier: str) -> int:
        """Return how many places the tier has."""
        return sum(place.tier == tier for place in self._places.values())

    def room(self, tier: str, limit: int, now: int) -> bool:
        """Return whether one more of the tier may come in under `limit`.

        A tier that others have kept from its part goes first: as soon as a place is free it is the tier's.
        """
        self._forget(now)
        share = self._shares.get(tier, Share())
        taken = len(self._places)
        if taken >= limit:
            return False
        if 100 * self.of(tier) < share.keeps * limit:
            return True
        return 100 * taken < share.stops_at * limit and taken + self._owed(tier, limit, now) < limit

    def enter(self, hold_id: str, tier: str, until: int) -> None:
        """Take a place until `until`."""
        self._places[hold_id] = _Place(tier, until)
        self._turned_away.pop(tier, None)

    def turn_away(self, tier: str, now: int) -> None:
        """Note that one of the tier was not let in."""
        self._turned_away[tier] = now

    def leave(self, hold_id: str) -> bool:
        """Give the place back; False if there was none."""
        return self._places.pop(hold_id, None) is not None

    def renew(self, hold_ids: Collection[str], until: int) -> None:
        """Keep these places until `until`."""
        for hold_id in hold_ids:
            place = self._places.get(hold_id)
            if place is not None:
                place.until = max(place.until, until)

    def _owed(self, but: str, limit: int, now: int) -> int:
        """Return the places that other tiers wait for and that are theirs."""
        waiting = (tier for tier, at in self._turned_away.items() if tier != but and now - at < WANTS_US)
        parts = ((self._shares.get(tier, Share()).keeps * limit + 99) // 100 - self.of(tier) for tier in waiting)
        return sum(max(0, part) for part in parts)

    def _forget(self, now: int) -> None:
        """Drop the places of holds that nobody renewed."""
        for hold_id in [hold_id for hold_id, place in self._places.items() if place.until <= now]:
            del self._places[hold_id]
