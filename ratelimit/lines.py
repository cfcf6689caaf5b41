"""One line of a tier, as text: `50 messages / 3h`, `$5 / month`, `2M / 3h from first use`, `unlimited`.

Reads and shows amounts and windows; knows nothing of tiers or models.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast

from ratelimit.calendars import Calendar, Period, Term, zone

SECOND_US = 1_000_000
MAX_WINDOW_US = 31 * 86_400 * SECOND_US
MAX_AMOUNT = 10**12
"""Every store that may keep a counter counts this far exactly; of cost it is a million dollars."""
MICRODOLLARS = 1_000_000
"""Of one dollar: costs are counted in whole millionths."""

Unit = Literal["messages", "tokens", "cost", "images", "concurrent-requests"]
Opens = Literal["rolling", "first"] | Calendar | Term
"""How a window begins: with each charge its own, with the first charge after the last one ended, by a calendar, or
once."""

_WINDOW_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_WINDOW = re.compile(r"(\d{1,9})\s*([smhd])", re.ASCII)
_AMOUNT = re.compile(r"(\d[\d_,]{0,20}(?:\.\d{1,9})?)\s*([km]?)", re.ASCII | re.IGNORECASE)
_LINE = re.compile(r"([^/]*?\d(?:\s*[kKmM](?![a-z]))?)(?:\s*([a-z_-]+))?\s*/\s*(.+)", re.ASCII)
_FIRST = re.compile(r"(.*\S)\s+from\s+first\s+(?:use|message)", re.ASCII)
_CALENDAR = re.compile(
    r"(?:fixed\s+)?(day|daily|week|weekly|month|monthly)(?:\s+at\s+(\d{1,2}):(\d\d))?(?:\s+(\S+))?", re.ASCII
)
_UNITS: dict[str, Unit] = {
    "message": "messages",
    "messages": "messages",
    "token": "tokens",
    "tokens": "tokens",
    "image": "images",
    "images": "images",
}


class LineError(ValueError):
    """A line that cannot be read; `cure` says what to write instead."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message, self.cure = message, cure


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. `amount` None is unlimited; `unit` None was left out; the window is in microseconds."""

    amount: int | None
    unit: Unit | None = None
    window_us: int = 0
    opens: Opens = "rolling"


def read_line(text: str) -> Line:
    """Return what `text` says. Raises `LineError`."""
    text = text.strip()
    if text == "unlimited":
        return Line(None)
    match = _LINE.fullmatch(text)
    if match is None:
        raise LineError(f"`{text}` is not a cap", "write `50 messages / 3h`, `$5 / month` or `unlimited`")
    amount, unit, window = match.groups()
    window_us, opens = read_span(window)
    if amount.startswith("$"):
        if unit is not None:
            raise LineError(f"`{text}` counts money and `{unit}` at once", "write `$5 / month`")
        return Line(read_dollars(amount), "cost", window_us, opens)
    return Line(read_amount(amount), None if unit is None else read_unit(unit), window_us, opens)


def read_dollars(text: str) -> int:
    """Return the millionths of a dollar of `$5`, `$0.25` or `$2k`. Raises `LineError`."""
    match = _AMOUNT.fullmatch(text.strip().removeprefix("$").strip())
    if match is None:
        raise LineError(f"`{text}` is not an amount of money", "write dollars, such as $5, $0.25 or $2k")
    amount = Decimal(match[1].replace("_", "").replace(",", "")) * _SCALES[match[2].lower()] * MICRODOLLARS
    if amount != int(amount):
        raise LineError(f"`{text}` is not a whole number of millionths", "costs are counted in millionths of a dollar")
    if not 1 <= amount <= MAX_AMOUNT:
        most = MAX_AMOUNT // MICRODOLLARS
        raise LineError(f"`{text}` is out of range", f"write $0.000001 to ${most}; to take a model away, leave it out")
    return int(amount)


def read_amount(text: str) -> int:
    """Return the whole number that `40`, `1,000`, `500k` or `1.5M` stands for. Raises `LineError`."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise LineError(f"`{text}` is not an amount", "write a whole number, such as 40, 500k or 2M")
    number = Decimal(match[1].replace("_", "").replace(",", "")) * _SCALES[match[2].lower()]
    if number != int(number):
        raise LineError(f"`{text}` is not a whole number", "caps count whole units")
    if not 1 <= number <= MAX_AMOUNT:
        raise LineError(
            f"`{text}` is out of range", f"write 1 to {MAX_AMOUNT}; to take a model away, leave its line out"
        )
    return int(number)


def read_window(text: str) -> int:
    """Return the microseconds of `30s`, `15m`, `3h` or `7d`. Raises `LineError`."""
    match = _WINDOW.fullmatch(text.strip())
    if match is None:
        raise LineError(
            f"`{text}` is not a rolling window",
            "write 30s, 15m, 3h or 7d, `3h from first use`, or `fixed daily at 00:00 UTC`",
        )
    window = int(match[1]) * _WINDOW_UNITS[match[2]] * SECOND_US
    if not 0 < window <= MAX_WINDOW_US:
        raise LineError(f"`{text}` is out of range", "write a window from 1s to 31d")
    return window


def read_span(text: str) -> tuple[int, Opens]:
    """Return length and beginning of `3h`, `3h from first use` or `fixed daily at 00:00 Europe/Paris`.

    Of a calendar the length is the most that a period lasts. Raises `LineError`.
    """
    text = text.strip()
    if match := _FIRST.fullmatch(text):
        return read_window(match[1]), "first"
    if match := _CALENDAR.fullmatch(text):
        calendar = _read_calendar(text, *match.groups())
        return calendar.length_us, calendar
    return read_window(text), "rolling"


def _read_calendar(text: str, every: str, hour: str | None, minute: str | None, name: str | None) -> Calendar:
    hours, minutes = int(hour or 0), int(minute or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004  # the last of a day
        raise LineError(f"`{text}` has no such time of day", "write 00:00 to 23:59")
    try:
        zone(name or "UTC")
    except ValueError:
        raise LineError(
            f"`{name}` is not a time zone known here", "write a name such as Europe/Paris, or UTC"
        ) from None
    period = {"daily": "day", "weekly": "week", "monthly": "month"}.get(every, every)
    return Calendar(period=cast("Period", period), hour=hours, minute=minutes, zone=name or "UTC")


def show_span(window_us: int, opens: Opens) -> str:
    """Return length and beginning of a window as an operator would write them."""
    if not isinstance(opens, str):
        return opens.text
    return show_window(window_us) + (" from first use" if opens == "first" else "")


def show_window(window_us: int) -> str:
    """Return the window as an operator would write it, in the largest unit below two days that fits."""
    seconds = window_us // SECOND_US
    units = _WINDOW_UNITS.items()
    letter, size = next(unit for unit in units if seconds % unit[1] == 0 and (unit[0] != "d" or seconds > unit[1]))
    return f"{seconds // size}{letter}"


def show_dollars(amount: int) -> str:
    """Return millionths of a dollar as an operator would write them: at least cents, if not whole dollars."""
    dollars, rest = divmod(amount, MICRODOLLARS)
    if not rest:
        return f"${dollars}"
    return f"${dollars}.{f'{rest:06}'.rstrip('0').ljust(2, '0')}"


def show_amount(amount: int) -> str:
    """Return the amount as an operator would write it."""
    for letter, size in (("M", 1_000_000), ("k", 1_000)):
        if amount >= size and amount % size == 0:
            return f"{amount // size}{letter}"
    return str(amount)


def read_unit(word: str) -> Unit:
    """Return the unit that `message`, `messages`, `tokens` or `images` stands for. Raises `LineError`."""
    if word not in _UNITS:
        raise LineError(f"`{word}` is not a unit", "count `messages`, `tokens` or `images`, or write money as `$5`")
    return _UNITS[word]
