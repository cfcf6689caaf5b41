"""What users read and programs parse when caps are near or reached: sentences and response headers.

Pure: takes what the limiter answered and the time, in microseconds.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ratelimit.calendars import Term
from ratelimit.limiter import CapLevel, Held, Limit, Refused
from ratelimit.lines import SECOND_US, show_amount, show_dollars
from ratelimit.tiers import Lowered

_SPANS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
_WHO = {
    "user": "You've",
    "pool": "Your organisation has",
    "network": "Your network has",
    "credential": "This credential has",
    "everyone": "This service has",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def message(refused: Refused, *, now: int) -> str:
    """Return the refusal as sentences: what was reached, when there is room again, and what else can be done."""
    if refused.code == "model_not_in_tier":
        having = " or ".join(refused.tiers)
        return f"Your tier does not include {refused.model}." + (f" It is part of {having}." if having else "")
    limit = refused.limit
    if refused.code == "temporary_reduced_capacity":
        return f"Demand for {refused.model} is high right now. Try again in {refused.retry_after_seconds} seconds."
    if refused.code == "too_many_at_once":
        running = "1 answer is" if limit is None or limit.cap == 1 else f"{limit.cap} answers are"
        return f"{running} already being written for you, as many as your tier allows. Try again when one has ended."
    # What everyone uses together is no user's to see.
    about = f": {_allowance(limit)}" if limit and limit.whose != "everyone" else ""
    # Whoever asked with messages of one model knows which; what counts all models has to be said.
    whole_tier = limit is not None and limit.unit != "messages" and limit.scope is None
    what = "all models" if whole_tier else refused.model
    who = _WHO[limit.whose] if limit else "You've"
    return f"{who} reached the current usage cap for {what}{about}. {_way_out(refused, now)}"


def warning(held: Held) -> str | None:
    """Return a sentence if this request brought a message cap to its last 20 % or its last message, else None."""
    for line in held.levels:
        level = line.level
        if (
            line.cap.unit != "messages"
            or isinstance(line.cap.opens, Term)
            or not (level.last_one or _just_nearly(line))
        ):
            continue
        return left(level.remaining, line.cap.scope or "all models")
    return None


def left(remaining: int, scope: str) -> str:
    """Return how many messages are left."""
    return f"You have {remaining} message{'' if remaining == 1 else 's'} left for {scope} in the current window."


def cap_reason(lowered: Lowered, *, now: int) -> str:
    """Return why a cap is lower than its tier says, in a few words."""
    cause = "high demand" if lowered.because == "high_demand" else "set by the operator"
    shown, today = (_EPOCH + timedelta(microseconds=at) for at in (lowered.since, now))
    return (
        f"{cause} since {shown:%H:%M UTC}" if shown.date() == today.date() else f"{cause} since {shown:%d %B %H:%M UTC}"
    )


def headers(answer: Held | Refused, *, now: int) -> dict[str, str]:
    """Return the response headers of a hold or a refusal; they name only the caps that this request touched.

    `RateLimit` and `RateLimit-Policy` follow the IETF draft, `x-ratelimit-*` what OpenAI's clients read.
    """
    found: dict[str, str] = {}
    levels = [line for line in answer.levels if line.cap.whose in {"user", "pool", "credential"}]
    if levels:
        found["RateLimit-Policy"] = ", ".join(_policy(line) for line in levels)
        found["RateLimit"] = ", ".join(_remaining(line, now) for line in levels)
    for unit, name in (("messages", "requests"), ("tokens", "tokens")):
        if line := _tightest(levels, unit):
            found[f"x-ratelimit-limit-{name}"] = str(line.level.cap)
            found[f"x-ratelimit-remaining-{name}"] = str(line.level.remaining)
            found[f"x-ratelimit-reset-{name}"] = _clock_span(seconds_until(line.level.next_free_at, now))
    if isinstance(answer, Refused):
        found |= _refusal_headers(answer, now)
    return found


def seconds_until(at: int | None, now: int) -> int:
    """Return whole seconds from `now` to `at`, rounded up; 0 if it has passed or is None."""
    return 0 if at is None else max(0, -((now - at) // SECOND_US))


def _refusal_headers(refused: Refused, now: int) -> dict[str, str]:
    if refused.code == "model_not_in_tier":
        return {}
    if refused.code in {"too_many_at_once", "temporary_reduced_capacity"}:
        # Clients may retry by themselves here: a place frees in seconds.
        return {"retry-after": str(refused.retry_after_seconds)}
    return {"retry-after": str(seconds_until(refused.next_at, now)), "x-should-retry": "false"}


def _policy(line: CapLevel) -> str:
    parts = [f'"{line.cap.id}"', f"q={line.level.cap}"]
    if line.cap.unit == "concurrent-requests":
        parts.append('qu="concurrent-requests"')
    else:
        parts.append(f"w={line.cap.window_us // SECOND_US}")
    return ";".join(parts)


def _remaining(line: CapLevel, now: int) -> str:
    shown = f'"{line.cap.id}";r={line.level.remaining}'
    if line.cap.window_us and line.level.next_free_at is not None:
        shown += f";t={seconds_until(line.level.next_free_at, now)}"
    return shown


def _tightest(levels: Iterable[CapLevel], unit: str) -> CapLevel | None:
    return min((line for line in levels if line.cap.unit == unit), key=lambda line: line.level.remaining, default=None)


def _just_nearly(line: CapLevel) -> bool:
    level = line.level
    return level.nearly and 5 * (level.used + level.held - 1) < 4 * level.cap


def _allowance(limit: Limit) -> str:
    every = f"every {_span(limit.window_seconds or 0)}" if limit.period is None else f"a {limit.period}"
    if limit.unit == "cost":
        return f"{show_dollars(limit.cap)} {every}"
    unit = limit.unit.removesuffix("s") if limit.cap == 1 else limit.unit
    return f"{show_amount(limit.cap)} {unit} {every}"


def _way_out(refused: Refused, now: int) -> str:
    at_latest = " at the latest" if refused.at_most else ""
    when = "" if refused.next_at is None else f" {_time(refused.next_at, now)}{at_latest}"
    models = [option.model for option in refused.options if option.do == "continue"]
    also = f", or continue now with {models[0]}" if models else ""
    return f"You can send your next message{when}{also}."


def _time(at: int, now: int) -> str:
    # Rounded up: at the minute that is named there is room.
    shown = _EPOCH + timedelta(minutes=-(-at // (60 * SECOND_US)))
    today = _EPOCH + timedelta(microseconds=now)
    return f"{shown:at %H:%M UTC}" if shown.date() == today.date() else f"{shown:on %d %B %Y at %H:%M UTC}"


def _span(seconds: int) -> str:
    size, name = next(span for span in _SPANS if seconds % span[0] == 0)
    count = seconds // size
    return name if count == 1 else f"{count} {name}s"


def _clock_span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3_600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
