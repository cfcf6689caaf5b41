"""Windows that follow a calendar."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratelimit.calendars import Calendar, Period, zone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0, *, name: str = "Europe/Paris") -> int:
    """Return a time that the clocks of a zone show, in microseconds."""
    return (datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(name)) - EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("period", "now", "end"),
    [
        ("day", at(2026, 3, 28, 13), at(2026, 3, 29)),
        ("day", at(2026, 3, 29), at(2026, 3, 30)),
        ("day", at(2026, 10, 25, 23, 59), at(2026, 10, 26)),
        ("week", at(2026, 3, 29, 23), at(2026, 3, 30)),
        ("week", at(2026, 3, 30), at(2026, 4, 6)),
        ("month", at(2026, 2, 28, 23, 59), at(2026, 3, 1)),
        ("month", at(2026, 12, 31, 12), at(2027, 1, 1)),
    ],
)
def test_a_period_ends_at_the_next_turn(period: Period, now: int, end: int) -> None:
    """A day ends at midnight, a week on Monday, a month on the first, all by the clocks of the zone."""
    calendar = Calendar(period=period, zone="Europe/Paris")
    assert calendar.ends(now)[1] == end
    assert calendar.ends(end - 1)[1] == end
    assert calendar.ends(end)[0] == end


def test_days_on_which_clocks_change() -> None:
    """The day on which clocks go forward has 23 hours, the one on which they go back 25."""
    calendar = Calendar(period="day", zone="Europe/Paris")
    before, end, _ = calendar.ends(at(2026, 3, 29, 12))
    assert end - before == 23 * HOUR
    before, end, _ = calendar.ends(at(2026, 10, 25, 12))
    assert end - before == 25 * HOUR


def test_a_time_that_the_clocks_skip_comes_later() -> None:
    """A turn at 02:30 is at 03:30 on the day without a 02:30, and at the first of the two on the other one."""
    calendar = Calendar(period="day", hour=2, minute=30, zone="Europe/Paris")
    assert calendar.ends(at(2026, 3, 29))[1] == at(2026, 3, 29, 3, 30)
    assert calendar.ends(at(2026, 10, 25))[1] == (
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    )


@given(
    st.sampled_from(["day", "week", "month"]),
    st.integers(0, 4_102_444_800_000_000),
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Pacific/Apia", "Asia/Kolkata", "Pacific/Kiritimati"]),
)
def test_time_always_lies_in_one_period(period: Period, now: int, hour: int, name: str) -> None:
    """Whatever the moment and the zone, it lies before the second end and not before the first."""
    before, end, after = Calendar(period=period, hour=hour, zone=name).ends(now)
    assert before <= now < end < after


def test_a_calendar_reads_as_it_is_written() -> None:
    """The text of a calendar is what an operator writes."""
    assert Calendar(period="day", hour=6, zone="Asia/Tokyo").text == "fixed daily at 06:00 Asia/Tokyo"


@pytest.mark.parametrize("name", ["Europe/Pariss", "", "../etc/passwd", "Europe"])
def test_a_zone_that_is_none(name: str) -> None:
    """What names no zone raises `ValueError`."""
    with pytest.raises(ValueError, match=r".?"):
        zone(name)
