"""Lines of a tier, read and shown."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.calendars import Calendar
from ratelimit.lines import (
    MAX_AMOUNT,
    MAX_WINDOW_US,
    SECOND_US,
    Line,
    LineError,
    read_amount,
    read_dollars,
    read_line,
    read_span,
    read_window,
    show_amount,
    show_dollars,
    show_span,
    show_window,
)

HOUR = 3_600 * SECOND_US


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("50 messages / 3h", Line(50, "messages", 3 * HOUR)),
        ("1 message/24h", Line(1, "messages", 24 * HOUR)),
        ("2M / 24h", Line(2_000_000, None, 24 * HOUR)),
        ("2M tokens / 24h", Line(2_000_000, "tokens", 24 * HOUR)),
        ("1.5k messages / 7d", Line(1_500, "messages", 168 * HOUR)),
        ("500 k tokens / 15m", Line(500_000, "tokens", HOUR // 4)),
        ("  1,000 messages  /  30s ", Line(1_000, "messages", 30 * SECOND_US)),
        ("5messages / 3h", Line(5, "messages", 3 * HOUR)),
        ("unlimited", Line(None)),
        ("$150 / month", Line(150_000_000, "cost", 31 * 24 * HOUR, Calendar(period="month"))),
        ("$0.25 / 3h", Line(250_000, "cost", 3 * HOUR)),
        ("$2k / 7d", Line(2_000_000_000, "cost", 168 * HOUR)),
        ("10 images / 24h", Line(10, "images", 24 * HOUR)),
        ("50 messages / 3h from first use", Line(50, "messages", 3 * HOUR, "first")),
        ("50 messages / 3h from first message", Line(50, "messages", 3 * HOUR, "first")),
        ("2M / day", Line(2_000_000, None, 24 * HOUR, Calendar(period="day"))),
        (
            "50 messages / fixed daily at 06:30 Europe/Paris",
            Line(50, "messages", 24 * HOUR, Calendar(period="day", hour=6, minute=30, zone="Europe/Paris")),
        ),
        ("9 messages / weekly UTC", Line(9, "messages", 168 * HOUR, Calendar(period="week"))),
    ],
)
def test_lines_are_read(text: str, line: Line) -> None:
    """A cap is an amount, perhaps a unit, and a window; or it is unlimited."""
    assert read_line(text) == line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a cap"),
        ("50 messages", "not a cap"),
        ("messages / 3h", "not a cap"),
        ("-5 messages / 3h", "not an amount"),
        ("0 messages / 3h", "out of range"),
        ("1.5 messages / 3h", "not a whole number"),
        ("9999999999999 tokens / 3h", "out of range"),
        ("50 parrots / 3h", "not a unit"),
        ("50 messages / 0h", "out of range"),
        ("50 messages / 32d", "out of range"),
        ("50 messages / 3 weeks", "not a rolling window"),
        ("50 messages / year", "not a rolling window"),
        ("50 messages / month at 24:00", "no such time of day"),
        ("50 messages / fixed daily at 00:00 Europe/Pariss", "not a time zone"),
        ("50 messages / -3h from first use", "not a rolling window"),
        ("50 messages / 1.5h", "not a rolling window"),
        ("50 messages / 3h / 2h", "not a rolling window"),
        ("50 messages / 3\N{ARABIC-INDIC DIGIT THREE}h", "not a rolling window"),
        ("$-150 / month", "not an amount of money"),
        ("$5 messages / month", "counts money and `messages` at once"),
        ("$0 / month", "out of range"),
        ("$0.0000001 / month", "not a whole number of millionths"),
        ("$9999999999 / month", "out of range"),
        ("$five5 / month", "not an amount of money"),
    ],
)
def test_lines_are_refused(text: str, message: str) -> None:
    """What cannot be enforced is refused, with a way out."""
    with pytest.raises(LineError, match=message) as caught:
        read_line(text)
    assert caught.value.cure


@given(st.integers(1, MAX_AMOUNT))
def test_amounts_are_shown_as_they_are_read(amount: int) -> None:
    """An amount that is shown reads back as itself."""
    assert read_amount(show_amount(amount)) == amount


@given(st.integers(1, MAX_WINDOW_US // SECOND_US))
def test_windows_are_shown_as_they_are_read(seconds: int) -> None:
    """A window that is shown reads back as itself."""
    assert read_window(show_window(seconds * SECOND_US)) == seconds * SECOND_US


@given(st.integers(1, MAX_AMOUNT))
def test_dollars_are_shown_as_they_are_read(amount: int) -> None:
    """An amount of money that is shown reads back as itself."""
    assert read_dollars(show_dollars(amount)) == amount


@pytest.mark.parametrize("text", ["$5", "$0.25", "$0.000001", "$1.50"])
def test_dollars_are_shown_as_operators_write_them(text: str) -> None:
    """Whole dollars have no cents; everything else has at least two digits of them."""
    assert show_dollars(read_dollars(text)) == text


@pytest.mark.parametrize(
    "text", ["3h from first use", "fixed daily at 00:00 UTC", "fixed monthly at 06:05 Asia/Tokyo", "3h"]
)
def test_windows_of_every_kind_are_shown_as_operators_write_them(text: str) -> None:
    """What a window is shown as reads back as itself."""
    assert show_span(*read_span(text)) == text


@pytest.mark.parametrize("text", ["30s", "15m", "3h", "24h", "7d", "90s"])
def test_windows_are_shown_as_operators_write_them(text: str) -> None:
    """Usual windows are shown as they were written; a day is 24h."""
    assert show_window(read_window(text)) == text


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than by `LineError`."""
    with suppress(LineError):
        read_line(text)
