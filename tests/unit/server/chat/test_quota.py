"""What a user may still use, ready for JSON."""
# ruff: noqa: RUF001  # Chinese has its own punctuation

from ratelimit.extras import NONE, Extras
from ratelimit.limiter import FallbackLeft, GrantLeft, UsageReport, UsageRow
from ratelimit.tiers import Lowered
from server.chat.quota import Quota
from server.core.records import Actor


class Report:
    """A limiter that knows one report."""

    async def usage(
        self, subject: str, tier: str, *, organisation: str | None = None, extras: Extras = NONE
    ) -> UsageReport:
        row = UsageRow(
            id="gpt-4.messages",
            model="gpt-4",
            unit="messages",
            kind="rolling",
            window_seconds=10_800,
            cap=45,
            base_cap=50,
            lowered=Lowered("high_demand", -40_800_000_000),
            used=41,
            held=1,
            remaining=3,
            next_at=None,
            next_free_at=1_763_900_000_000_001,
            full_at=1_763_900_001_000_000,
        )
        left = FallbackLeft(model="local", remaining=None)
        grant = GrantLeft(
            id="g1", unit="messages", model="gpt-4", amount=20, used=7, held=1, remaining=12, expires_at=1_000_000
        )
        given = (grant,) if extras is SOME else ()
        who = f"{tier} of {subject} of {organisation}"
        return UsageReport(tier=who, as_of=0, rows=(row,), fallback=left, grants=given)


SOME = Extras(overrides=())


class Belongings:
    """Everybody has a grant."""

    async def of(self, who: Actor) -> Extras:
        return SOME


async def test_a_report_is_exact() -> None:
    """Times are RFC 3339 to the microsecond, and nothing of a row is left out."""
    actor = Actor("ana", "Ana", "plus", organisation="acme")
    assert await Quota(limiter=Report(), extras=Belongings()).usage(actor) == {
        "tier": "plus of ana of acme",
        "as_of": "1970-01-01T00:00:00Z",
        "limits": [
            {
                "id": "gpt-4.messages",
                "model": "gpt-4",
                "unit": "messages",
                "kind": "rolling",
                "window_seconds": 10_800,
                "cap": 45,
                "base_cap": 50,
                "cap_reason": "high demand since 31 December 12:40 UTC",
                "warning": "You have 3 messages left for gpt-4 in the current window.",
                "used": 41,
                "held": 1,
                "remaining": 3,
                "next_at": None,
                "next_free_at": "2025-11-23T12:13:20.000001Z",
                "full_at": "2025-11-23T12:13:21Z",
            }
        ],
        "grants": [
            {
                "id": "g1",
                "model": "gpt-4",
                "unit": "messages",
                "amount": 20,
                "used": 7,
                "held": 1,
                "remaining": 12,
                "expires_at": "1970-01-01T00:00:01Z",
            }
        ],
        "fallback": {"model": "local", "remaining": None},
    }


async def test_who_speaks_chinese_reads_chinese() -> None:
    """Warning and reason are in the language of the actor."""
    found = await Quota(limiter=Report(), extras=Belongings()).usage(Actor("ana", "Ana", "plus", locale="zh-CN"))
    (limit,) = found["limits"]
    assert limit["warning"] == "在当前时间窗口内，您还可以向 gpt-4 发送 3 条消息。"
    assert limit["cap_reason"] == "自 1969 年 12 月 31 日 12:40 UTC 起需求较高"
