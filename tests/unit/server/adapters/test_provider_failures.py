import pytest

from server.adapters.provider_failures import MESSAGE_LIMIT, asked_wait, failure, shown
from server.core.errors import CATALOGUE


@pytest.mark.parametrize(
    ("status", "code", "elsewhere"),
    [
        (400, "upstream_rejected", False),
        (401, "upstream_unavailable", True),
        (403, "upstream_unavailable", True),
        (404, "upstream_rejected", False),
        (408, "upstream_timeout", True),
        (409, "upstream_unavailable", True),
        (413, "upstream_rejected", False),
        (422, "upstream_rejected", False),
        (429, "upstream_rate_limited", True),
        (500, "upstream_unavailable", True),
        (503, "upstream_unavailable", True),
        (504, "upstream_timeout", True),
        (302, "upstream_unavailable", True),
    ],
)
def test_every_status_has_a_code(status: int, code: str, elsewhere: bool) -> None:  # noqa: FBT001  a table's column
    """A status becomes a code of the catalogue, and says whether another upstream may serve."""
    why = failure(status)
    assert (why.code, why.elsewhere) == (code, elsewhere)
    assert code in CATALOGUE


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_only_a_rejection_passes_the_message_on(status: int) -> None:
    """What concerns the operator alone is not told in the provider's words."""
    assert "quota" not in failure(status, "your quota is used up").message
    assert failure(400, "temperature is out of range").message == "temperature is out of range"


def test_says_when_to_come_back() -> None:
    """The provider's wait goes with a limit."""
    assert failure(429, retry_after=2.5).retry_after == 2.5


def test_shown_hides_secrets_and_keys() -> None:
    """Neither the given secrets nor what looks like a key is shown."""
    text = shown("Bad key sk-live-abc123*** at http://10.0.0.7/v1: hunter22", ["hunter22", "http://10.0.0.7/v1", ""])
    assert text == "Bad key … at …: …"


def test_shown_is_one_short_line() -> None:
    """Control characters and line breaks become spaces, and the end is cut off."""
    assert shown("a\r\n\x1b b\u2028c ", []) == "a b c"
    assert len(shown("x" * 1000, [])) == MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_asked_wait_reads_every_form(headers: dict[str, str], wait: float | None) -> None:
    """Seconds, milliseconds and dates are understood; anything else is as nothing."""
    assert asked_wait(headers) == wait
