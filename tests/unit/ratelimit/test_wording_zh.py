"""What users read of their caps, in Chinese."""
# ruff: noqa: RUF001  # Chinese has its own punctuation

from ratelimit import wording_zh
from ratelimit.limiter import Limit, Option, Refused
from tests.unit.ratelimit.house import HOUR, SECOND, START

LIMIT = Limit(id="gpt-4.messages", cap=50, used=50, unit="messages", window_seconds=10_800, scope="gpt-4")


def said(code: str = "usage_cap_reached", **more: object) -> str:
    """Return the sentences of a refusal."""
    return wording_zh.message(Refused(code=code, model="gpt-4", **more), now=START)  # type: ignore[arg-type]


def test_a_cap_with_its_time_and_the_way_out() -> None:
    """The cap, the minute at which there is room, rounded up, and the model that answers now."""
    options = (Option(do="continue", model="mini"), Option(do="wait"))
    text = said(limit=LIMIT, next_at=START + HOUR + SECOND, options=options, at_most=True)
    assert text == (
        "您已达到 gpt-4 的用量上限（每 3 小时 50 条消息）。"
        "您最迟可以在 17:01 UTC 发送下一条消息，也可以现在改用 mini 继续。"
    )


def test_another_day_is_named() -> None:
    """A time that is not today has its date."""
    assert "2025 年 11 月 26 日 16:00 UTC" in said(limit=LIMIT, next_at=START + 48 * HOUR)


def test_the_other_refusals() -> None:
    """Each code has its sentence."""
    assert said("model_not_in_tier", tiers=("plus", "pro")) == "您的套餐不包含 gpt-4。包含它的套餐：plus、pro。"
    assert said("temporary_reduced_capacity", retry_after_seconds=5) == "gpt-4 目前请求过多，请在 5 秒后重试。"
    assert said("too_many_at_once", limit=LIMIT).startswith("已有 50 个回答正在为您生成")
