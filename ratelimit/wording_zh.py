"""The sentences of `wording` in Chinese."""
# ruff: noqa: RUF001  # Chinese has its own punctuation

from datetime import UTC, datetime, timedelta
from typing import Final

from ratelimit.limiter import Limit, Refused
from ratelimit.lines import SECOND_US, show_amount, show_dollars
from ratelimit.tiers import Lowered

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS: Final = ((86_400, "天"), (3_600, "小时"), (60, "分钟"), (1, "秒"))
_UNITS: Final = {"messages": "条消息", "tokens": "个 token", "images": "张图片"}
_WHO: Final = {"user": "您", "pool": "您的组织", "network": "您的网络", "credential": "此凭证", "everyone": "本服务"}
_PERIODS: Final = {"day": "每天", "week": "每周", "month": "每月"}


def message(refused: Refused, *, now: int) -> str:
    """Return the refusal as sentences."""
    limit = refused.limit
    match refused.code:
        case "model_not_in_tier":
            having = "、".join(refused.tiers)
            return f"您的套餐不包含 {refused.model}。" + (f"包含它的套餐：{having}。" if having else "")
        case "temporary_reduced_capacity":
            return f"{refused.model} 目前请求过多，请在 {refused.retry_after_seconds} 秒后重试。"
        case "too_many_at_once":
            running = limit.cap if limit else 1
            return f"已有 {running} 个回答正在为您生成，这是您套餐的上限。请等其中一个结束后重试。"
        case _:
            what = refused.model if limit is None or limit.scope is not None else "所有模型"
            # What everyone uses together is no user's to see.
            about = f"（{_allowance(limit)}）" if limit and limit.whose != "everyone" else ""
            who = _WHO[limit.whose] if limit else "您"
            return f"{who}已达到 {what} 的用量上限{about}。{_way_out(refused, now)}"


def left(remaining: int, scope: str) -> str:
    """Return how many messages are left."""
    return f"在当前时间窗口内，您还可以向 {scope} 发送 {remaining} 条消息。"


def cap_reason(lowered: Lowered, *, now: int) -> str:
    """Return why a cap is lower than its tier says, in a few words."""
    cause = "需求较高" if lowered.because == "high_demand" else "由管理员设定"
    return f"自 {_time(lowered.since, now)} 起{cause}"


def _allowance(limit: Limit) -> str:
    amount = f"{show_amount(limit.cap)} {_UNITS.get(limit.unit, limit.unit)}"
    if limit.unit == "cost":
        amount = show_dollars(limit.cap)
    if limit.period is not None:
        return f"{_PERIODS[limit.period]} {amount}"
    return f"每 {_span(limit.window_seconds)} {amount}" if limit.window_seconds else amount


def _way_out(refused: Refused, now: int) -> str:
    models = [option.model for option in refused.options if option.do == "continue"]
    also = f"，也可以现在改用 {models[0]} 继续" if models else ""
    if refused.next_at is None:
        return f"请稍后再试{also}。"
    # Rounded up: at the minute that is named there is room.
    minute = -(-refused.next_at // (60 * SECOND_US)) * 60 * SECOND_US
    latest = "最迟" if refused.at_most else ""
    return f"您{latest}可以在 {_time(minute, now)} 发送下一条消息{also}。"


def _time(at: int, now: int) -> str:
    shown, today = (_EPOCH + timedelta(microseconds=moment) for moment in (at, now))
    clock = f"{shown:%H:%M} UTC"
    return clock if shown.date() == today.date() else f"{shown.year} 年 {shown.month} 月 {shown.day} 日 {clock}"


def _span(seconds: int) -> str:
    size, name = next(span for span in _SPANS if seconds % span[0] == 0)
    return f"{seconds // size} {name}"
