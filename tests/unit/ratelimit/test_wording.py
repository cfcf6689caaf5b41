"""What users read and programs parse."""

from dataclasses import replace

import pytest

from ratelimit.limiter import CapLevel, Held, Limit, Option, Refused
from ratelimit.meter import Level
from ratelimit.tiers import Cap
from ratelimit.wording import headers, message, seconds_until, warning

NOW = 1_764_000_000_000_000  # 2025-11-24 16:00:00 UTC
SECOND = 1_000_000
HOUR = 3_600 * SECOND
GPT_4 = Cap(id="gpt-4.messages", unit="messages", amount=50, window_us=3 * HOUR, scope="gpt-4", models=("gpt-4",))
TOKENS = Cap(id="tokens", unit="tokens", amount=2_000_000, window_us=24 * HOUR)
AT_ONCE = Cap(id="at_once", unit="concurrent-requests", amount=3)
REFUSED = Refused(
    code="usage_cap_reached",
    model="gpt-4",
    at_us=NOW,
    limit=Limit(id="gpt-4.messages", cap=50, used=50, unit="messages", window_seconds=10_800),
    next_at=NOW + 4_265 * SECOND,
    retry_after_seconds=4_265,
)


def line(cap: Cap, *, used: int, free_in: int | None) -> CapLevel:
    """Return a level of `cap` whose next units leave in `free_in` microseconds."""
    free_at = None if free_in is None else NOW + free_in
    level = Level(
        cap=cap.amount or 0,
        used=used,
        held=0,
        fits=True,
        next_at=None,
        at_most=False,
        next_free_at=free_at,
        full_at=free_at,
    )
    return CapLevel(cap, level)


def held(*levels: CapLevel) -> Held:
    """Return a hold that touched these caps."""
    return Held(
        hold_id="h",
        model="gpt-4",
        served_by=None,
        charges=(),
        at_us=NOW,
        deadline_us=NOW,
        levels=levels,
        priority=1,
    )


def test_headers_of_a_hold() -> None:
    """A hold tells policies, what remains, and when the next units leave, rounded up."""
    answer = held(
        line(GPT_4, used=47, free_in=664 * SECOND + 1),
        line(TOKENS, used=500_000, free_in=3_661 * SECOND),
        line(AT_ONCE, used=1, free_in=SECOND),
    )
    assert headers(answer, now=NOW) == {
        "RateLimit-Policy": '"gpt-4.messages";q=50;w=10800, "tokens";q=2000000;w=86400, '
        '"at_once";q=3;qu="concurrent-requests"',
        "RateLimit": '"gpt-4.messages";r=3;t=665, "tokens";r=1500000;t=3661, "at_once";r=2',
        "x-ratelimit-limit-requests": "50",
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "11m5s",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-tokens": "1500000",
        "x-ratelimit-reset-tokens": "1h1m1s",
    }


def test_headers_of_the_tightest_cap() -> None:
    """Of several message caps, the one with the least left stands in the headers that have room for one."""
    other = Cap(id="premium.messages", unit="messages", amount=80, window_us=3 * HOUR, scope="premium")
    found = headers(held(line(GPT_4, used=1, free_in=5), line(other, used=78, free_in=None)), now=NOW)
    assert (found["x-ratelimit-limit-requests"], found["x-ratelimit-reset-requests"]) == ("80", "0s")
    assert found["RateLimit"] == '"gpt-4.messages";r=49;t=1, "premium.messages";r=2'


def test_headers_hide_what_everyone_uses() -> None:
    """What all users have taken together stands in nobody's headers."""
    shared = Cap(id="everyone.tokens", unit="tokens", amount=9, window_us=HOUR, whose="everyone")
    assert headers(held(line(shared, used=5, free_in=5)), now=NOW) == {}


def test_headers_where_nothing_is_counted() -> None:
    """A request that touched no cap has no headers."""
    assert headers(held(), now=NOW) == {}


def test_headers_of_a_refusal() -> None:
    """A reached cap says when to come back, measured from now, and that clients should not retry by themselves."""
    found = headers(replace(REFUSED, levels=(line(GPT_4, used=50, free_in=9),)), now=NOW + 5 * SECOND - 1)
    assert (found["retry-after"], found["x-should-retry"]) == ("4261", "false")
    assert found["x-ratelimit-remaining-requests"] == "0"


def test_headers_of_too_many_at_once() -> None:
    """A place frees soon: clients may retry after a second."""
    refused = Refused(code="too_many_at_once", model="gpt-4", retry_after_seconds=1)
    assert headers(refused, now=NOW) == {"retry-after": "1"}


def test_headers_of_a_model_in_another_tier() -> None:
    """Waiting does not help, so nothing about time is said."""
    assert headers(Refused(code="model_not_in_tier", model="gpt-4"), now=NOW) == {}


CAP = "You've reached the current usage cap for"


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        (REFUSED, f"{CAP} gpt-4: 50 messages every 3 hours. You can send your next message at 17:12 UTC."),
        (
            replace(REFUSED, at_most=True, options=(Option(do="continue", model="gpt-4-mini"), Option(do="wait"))),
            (
                f"{CAP} gpt-4: 50 messages every 3 hours. You can send your next message at 17:12 UTC at the latest, "
                "or continue now with gpt-4-mini."
            ),
        ),
        (
            replace(
                REFUSED,
                limit=Limit(
                    id="gpt-4.tokens", cap=500_000, used=0, unit="tokens", window_seconds=86_400, scope="gpt-4"
                ),
            ),
            f"{CAP} gpt-4: 500k tokens every day. You can send your next message at 17:12 UTC.",
        ),
        (
            replace(
                REFUSED,
                next_at=NOW + 10 * HOUR,
                limit=Limit(id="tokens", cap=2_000_000, used=0, unit="tokens", window_seconds=86_400),
            ),
            f"{CAP} all models: 2M tokens every day. You can send your next message on 25 November 2025 at 02:00 UTC.",
        ),
        (
            replace(REFUSED, limit=Limit(id="gpt-4.messages", cap=1, used=1, unit="messages", window_seconds=172_800)),
            f"{CAP} gpt-4: 1 message every 2 days. You can send your next message at 17:12 UTC.",
        ),
        (
            replace(
                REFUSED,
                limit=Limit(
                    id="pool.cost",
                    cap=2_000_500_000,
                    used=0,
                    unit="cost",
                    window_seconds=1,
                    whose="pool",
                    period="month",
                ),
            ),
            (
                "Your organisation has reached the current usage cap for all models: $2000.50 a month. "
                "You can send your next message at 17:12 UTC."
            ),
        ),
        (
            replace(
                REFUSED,
                limit=Limit(
                    id="everyone.gpt-4.messages",
                    cap=9,
                    used=9,
                    unit="messages",
                    window_seconds=60,
                    scope="gpt-4",
                    whose="everyone",
                ),
            ),
            ("This service has reached the current usage cap for gpt-4. You can send your next message at 17:12 UTC."),
        ),
        (
            Refused(
                code="too_many_at_once",
                model="gpt-4",
                limit=Limit(id="at_once", cap=3, used=3, unit="concurrent-requests", window_seconds=None),
            ),
            "3 answers are already being written for you, as many as your tier allows. Try again when one has ended.",
        ),
        (
            Refused(code="model_not_in_tier", model="gpt-4", tiers=("plus", "pro")),
            "Your tier does not include gpt-4. It is part of plus or pro.",
        ),
        (Refused(code="model_not_in_tier", model="gpt-4"), "Your tier does not include gpt-4."),
    ],
)
def test_messages(refused: Refused, text: str) -> None:
    """A refusal reads as what was reached, when there is room again, and what else can be done."""
    assert message(refused, now=NOW) == text


@pytest.mark.parametrize(
    ("used", "text"),
    [
        (39, None),
        (40, "You have 10 messages left for gpt-4 in the current window."),
        (41, None),
        (49, "You have 1 message left for gpt-4 in the current window."),
        (50, None),
    ],
)
def test_warnings_come_once(used: int, text: str | None) -> None:
    """The message that reaches 80 % warns, and the one before the last; none between them."""
    assert warning(held(line(TOKENS, used=2_000_000, free_in=1), line(GPT_4, used=used, free_in=1))) == text


def test_seconds_are_rounded_up() -> None:
    """A client that waits as long as it was told is never early."""
    assert [seconds_until(NOW + wait, NOW) for wait in (0, 1, SECOND, SECOND + 1, -5)] == [0, 1, 1, 2, 0]
    assert seconds_until(None, NOW) == 0
