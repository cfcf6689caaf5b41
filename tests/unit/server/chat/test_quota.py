"""What a user may still use, ready for JSON."""
# ruff: noqa: RUF001  # Chinese has its own punctuation

from ratelimit.limiter import FallbackLeft, UsageReport, UsageRow
from ratelimit.tiers import Lowered
from server.chat.quota import Quota
from server.core.records import Actor


class Report:
    """A limiter that knows one report."""

    async def usage(self, subject: str, tier: str) -> UsageReport:
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
        return UsageReport(tier=f"{tier} of {subject}", as_of=0, rows=(row,), fallback=left)


async def test_a_report_is_exact() -> None:
    """Times are RFC 3339 to the microsecond, and nothing of a row is left out."""
    assert await Quota(limiter=Report()).usage(Actor("ana", "Ana", "plus")) == {
        "tier": "plus of ana",
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
        "fallback": {"model": "local", "remaining": None},
    }


async def test_who_speaks_chinese_reads_chinese() -> None:
    """Warning and reason are in the language of the actor."""
    found = await Quota(limiter=Report()).usage(Actor("ana", "Ana", "plus", locale="zh-CN"))
    (limit,) = found["limits"]
    assert limit["warning"] == "在当前时间窗口内，您还可以向 gpt-4 发送 3 条消息。"
    assert limit["cap_reason"] == "自 1969 年 12 月 31 日 12:40 UTC 起需求较高"
