"""What a user may still use, as programs and people read it."""

from collections.abc import Mapping
from typing import Any, Protocol

from ratelimit import Extras, LedgerAway, UsageReport, UsageRow, wording, wording_zh
from ratelimit.extras import NONE
from ratelimit.limiter import GrantLeft
from server.chat.refusals import caps_away, speaks_chinese
from server.core.moments import rfc3339
from server.core.records import Actor


class Usages(Protocol):
    """The part of `ratelimit.Limiter` that reads."""

    async def usage(
        self, subject: str, tier: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> UsageReport:
        """Return how full every cap of the subject is."""


class Belongings(Protocol):
    """See `server.chat.extras.KnownExtras`."""

    async def of(self, who: Actor) -> Extras:
        """Return what the actor has beside the tier."""


class Quota:
    """The caps of users, read and never changed."""

    def __init__(self, *, limiter: Usages, extras: Belongings) -> None:
        self._limiter, self._extras = limiter, extras

    async def usage(self, actor: Actor) -> Mapping[str, Any]:
        """Return the actor's tier and how full each of its caps is, ready for JSON; times are RFC 3339, exact.

        Raises `Refused("storage_unavailable")` while the ledger cannot be reached.
        """
        extras = await self._extras.of(actor)
        try:
            report = await self._limiter.usage(
                actor.user_id, actor.tier, organisation=actor.organisation, extras=extras
            )
        except LedgerAway as away:
            raise caps_away() from away
        fallback = report.fallback
        chinese = speaks_chinese(actor.locale)
        return {
            "tier": report.tier,
            "as_of": rfc3339(report.as_of),
            "limits": [_limit(row, report.as_of, chinese=chinese) for row in report.rows],
            "grants": [_grant(one) for one in report.grants],
            "fallback": {"model": fallback.model, "remaining": fallback.remaining} if fallback else None,
        }


def _warning(row: UsageRow, *, chinese: bool) -> str | None:
    """Return a sentence if at least 80 % of the messages are taken, or one is left."""
    taken = row.cap - row.remaining
    if row.unit != "messages" or not row.remaining or (row.remaining > 1 and 5 * taken < 4 * row.cap):
        return None
    say = wording_zh.left if chinese else wording.left
    return say(row.remaining, row.model or ("所有模型" if chinese else "all models"))


def _grant(one: GrantLeft) -> dict[str, Any]:
    return {
        "id": one.id,
        "model": one.model,
        "unit": one.unit,
        "amount": one.amount,
        "used": one.used,
        "held": one.held,
        "remaining": one.remaining,
        "expires_at": rfc3339(one.expires_at),
    }


def _limit(row: UsageRow, now: int, *, chinese: bool) -> dict[str, Any]:
    reason = wording_zh.cap_reason if chinese else wording.cap_reason
    return {
        "id": row.id,
        "model": row.model,
        "unit": row.unit,
        "kind": row.kind,
        "window_seconds": row.window_seconds,
        "cap": row.cap,
        "base_cap": row.base_cap,
        "cap_reason": reason(row.lowered, now=now) if row.lowered else None,
        "warning": _warning(row, chinese=chinese),
        "used": row.used,
        "held": row.held,
        "remaining": row.remaining,
        "next_at": rfc3339(row.next_at),
        "next_free_at": rfc3339(row.next_free_at),
        "full_at": rfc3339(row.full_at),
    }
