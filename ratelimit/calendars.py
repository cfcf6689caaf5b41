"""Windows with an end of their own: a day, week or month of a time zone, or one stretch of time that never comes again.

Pure arithmetic on times; what a turn means for a counter is in `ratelimit.ledger`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAYS = {"day": 1, "week": 7, "month": 31}
_TURNS = 6
_ADVERBS = {"day": "daily", "week": "weekly", "month": "monthly"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Turns each day, each Monday or each first of a month, at a time that the clocks of a zone show.

    A time that they skip comes later by what they skip; one that they show twice counts the first time.
    """

    period: Period
    hour: int = 0
    minute: int = 0
    zone: str = "UTC"

    @property
    def length_us(self) -> int:
        """The most a period lasts, in microseconds, but for changes of the clocks."""
        return _DAYS[self.period] * 86_400_000_000

    @property
    def text(self) -> str:
        """The calendar as an operator would write it."""
        return f"fixed {_ADVERBS[self.period]} at {self.hour:02}:{self.minute:02} {self.zone}"

    def ends(self, now: int) -> tuple[int, ...]:
        """Return when the period before `now`, that of `now` and the one after it end, in microseconds.

        A clock that differs by less than a period finds its own end among them.
        """
        day = (_EPOCH + timedelta(microseconds=now)).astimezone(zone(self.zone)).date()
        turns = _turns(self, day)
        # By the clock of the day itself, the turn may be a few hours before or after midnight.
        return next((a, b, c) for (a, b), c in zip(pairwise(turns), turns[2:], strict=False) if a <= now < b)


@dataclass(frozen=True, slots=True)
class Term:
    """One stretch of time, which ends at `end_us` and has no next one."""

    end_us: int

    @property
    def text(self) -> str:
        """The end as an operator would write it."""
        return f"until {_EPOCH + timedelta(microseconds=self.end_us):%Y-%m-%d}"

    def ends(self, _now: int) -> tuple[int, ...]:
        """Return its end, in microseconds."""
        return (self.end_us,)


def zone(name: str) -> tzinfo:
    """Return the time zone of this name. Raises `ValueError` if this machine knows none."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, KeyError) as error:
        raise ValueError(name) from error


@lru_cache(maxsize=64)
def _turns(calendar: Calendar, day: date) -> tuple[int, ...]:
    """Return the turns around `day`, two periods back and three ahead."""
    first = _first(calendar.period, _first(calendar.period, day) - timedelta(days=1))
    days = [_first(calendar.period, first - timedelta(days=1)), first]
    while len(days) < _TURNS:
        days.append(_first(calendar.period, days[-1] + timedelta(days=_DAYS[calendar.period])))
    return tuple(_turn(calendar, one) for one in days)


def _first(period: Period, day: date) -> date:
    """Return the day on which the period of `day` begins."""
    if period == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if period == "week" else day


def _turn(calendar: Calendar, day: date) -> int:
    local = datetime(day.year, day.month, day.day, calendar.hour, calendar.minute, tzinfo=zone(calendar.zone))
    return (local.astimezone(UTC) - _EPOCH) // _MICROSECOND
