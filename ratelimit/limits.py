"""What whoever serves requests needs of the caps: the promise of every limiter."""

from collections.abc import Collection, Mapping
from typing import Protocol

from ratelimit.extras import NONE, Extras
from ratelimit.limiter import Ask, Held, Refused, UsageReport


class Limits(Protocol):
    """Holds what a request may cost before it runs, and settles it after. See `Limiter` and `AdaptiveLimiter`."""

    async def hold(self, ask: Ask) -> Held | Refused:
        """Take all that the request needs, or nothing."""

    async def settle(self, hold_id: str, amounts: Mapping[str, int]) -> bool:
        """Replace the hold by the truth, `amounts` by unit; False if it had ended before."""

    async def release(self, hold_id: str) -> bool:
        """Undo the hold; returns as `settle` does."""

    async def renew(self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
        """Extend the leases and note the progress; return the ids that are still held."""

    async def usage(
        self, subject: str, tier: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> UsageReport:
        """Return how full every cap of the subject is."""
