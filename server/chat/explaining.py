"""Why a user is served or refused: the caps with what fills them, and what the user was refused before."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import ratelimit
from ratelimit.explaining import Dimension, Explanation
from server.chat.extras import KnownExtras
from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.ports import Turns
from server.core.ports_operator import Accounts, Refusal, Refusals
from server.core.records import UsageRow

DAY_US: Final = 86_400_000_000
MOST_ENTRIES: Final = 300
"""Entries of one cap that are shown; a ledger keeps hardly more."""


class Explainer(Protocol):
    """See `ratelimit.explaining.Explainer`."""

    async def explain(
        self, subject: str, tier: str, model: str, *, organisation: str | None, extras: ratelimit.Extras
    ) -> Explanation:
        """Return what would become of one more message."""


class Explaining:
    """Answers "why was I refused?" for operators, ready for JSON."""

    def __init__(
        self, *, explainer: Explainer, accounts: Accounts, extras: KnownExtras, turns: Turns, refusals: Refusals
    ) -> None:
        self._explainer, self._accounts, self._extras = explainer, accounts, extras
        self._turns, self._refusals = turns, refusals

    async def explain(self, user: str, model: str) -> Mapping[str, Any]:
        """Return what one more message of the user to the model would meet, and why. Raises `Refused`."""
        found = await self._accounts.user(user)
        if found is None:
            raise Refused("not_found", f"There is no user {user}. Users are made with their first key.", param="user")
        extras = await self._extras.of(found)
        why = await self._explainer.explain(found.id, found.tier, model, organisation=found.organisation, extras=extras)
        widest = max((one.line.cap.window_us for one in why.dimensions), default=0)
        rows = await self._turns.usage_rows(found.id, why.at_us - max(widest, DAY_US))
        turns = {row.hold_id: row for row in rows}
        refusals = await self._refusals.of(found.id, why.at_us - DAY_US)
        return {
            "user": found.name,
            "suspended": found.suspended,
            "tier": why.tier,
            "organisation": found.organisation,
            "model": why.model,
            "as_of": rfc3339(why.at_us),
            "verdict": "user_suspended" if found.suspended else why.verdict,
            "next_at": rfc3339(why.next_at),
            "served_by": why.fallback,
            "upgrade": why.higher,
            "tiers_with_model": list(why.having),
            "caps": [_cap(one, turns) for one in why.dimensions],
            "refused": [refusal(one) for one in refusals],
        }


def refusal(one: Refusal) -> dict[str, Any]:
    """Return what a user was refused in one minute."""
    return {
        "last_at": rfc3339(one.last_at),
        "count": one.count,
        "code": one.code,
        "model": one.model or None,
        "cap": one.cap or None,
        "next_at": rfc3339(one.next_at),
    }


def _cap(one: Dimension, turns: Mapping[str, UsageRow]) -> dict[str, Any]:
    cap, level = one.line.cap, one.line.level
    return {
        "id": cap.id,
        "cap": level.cap,
        "base_cap": cap.base or level.cap,
        "unit": cap.unit,
        "window_seconds": cap.window_us // 1_000_000 or None,
        "used": level.used,
        "held": level.held,
        "remaining": level.remaining,
        "passes": level.fits,
        "next_at": rfc3339(level.next_at),
        "at_most": level.at_most,
        "full_at": rfc3339(level.full_at),
        "entries": [
            {
                "at": rfc3339(entry.at_us),
                "amount": entry.amount,
                "in_flight": entry.in_flight,
                "frees_at": rfc3339(entry.free_at_us),
                "response": entry.hold_id or None,
                "model": turns[entry.hold_id].model if entry.hold_id in turns else None,
            }
            for entry in one.entries[:MOST_ENTRIES]
        ],
    }
