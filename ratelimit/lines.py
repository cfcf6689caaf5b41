"""One line of a tier, as text: `50 messages / 3h`, `2M / 24h`, `unlimited`.

Reads and shows amounts and windows; knows nothing of tiers or models.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

SECOND_US = 1_000_000
MAX_WINDOW_US = 31 * 86_400 * SECOND_US
MAX_AMOUNT = 10**12
"""Every store that may keep a counter counts this far exactly."""

_WINDOW_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SCALES = {"": 1, "k": 1_000, "m": 1_000_000}
_WINDOW = re.compile(r"(\d{1,9})\s*([smhd])", re.ASCII)
_AMOUNT = re.compile(r"(\d[\d_,]{0,20}(?:\.\d{1,9})?)\s*([km]?)", re.ASCII | re.IGNORECASE)
_LINE = re.compile(r"([^/]*?\d(?:\s*[kKmM](?![a-z]))?)(?:\s*([a-z_-]+))?\s*/\s*(.+)", re.ASCII)
_UNITS = {"message": "messages", "messages": "messages", "token": "tokens", "tokens": "tokens"}


class LineError(ValueError):
    """A line that cannot be read; `cure` says what to write instead."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message, self.cure = message, cure


@dataclass(frozen=True, slots=True)
class Line:
    """What a line says. `amount` None is unlimited; `unit` None was left out; the window is in microseconds."""

    amount: int | None
    unit: str | None = None
    window_us: int = 0


def read_line(text: str) -> Line:
    """Return what `text` says. Raises `LineError`."""
    text = text.strip()
    if text == "unlimited":
        return Line(None)
    if text.startswith("$"):
        raise LineError("cost is not enforced yet", "remove the line, or cap `tokens` instead")
    match = _LINE.fullmatch(text)
    if match is None:
        raise LineError(f"`{text}` is not a cap", "write `50 messages / 3h` or `unlimited`")
    amount, unit, window = match.groups()
    return Line(read_amount(amount), _read_unit(unit), read_window(window))


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
        raise LineError(f"`{text}` is not a rolling window", "write a window such as 30s, 15m, 3h, 24h or 7d")
    window = int(match[1]) * _WINDOW_UNITS[match[2]] * SECOND_US
    if not 0 < window <= MAX_WINDOW_US:
        raise LineError(f"`{text}` is out of range", "write a window from 1s to 31d")
    return window


def show_window(window_us: int) -> str:
    """Return the window as an operator would write it, in the largest unit below two days that fits."""
    seconds = window_us // SECOND_US
    units = _WINDOW_UNITS.items()
    letter, size = next(unit for unit in units if seconds % unit[1] == 0 and (unit[0] != "d" or seconds > unit[1]))
    return f"{seconds // size}{letter}"


def show_amount(amount: int) -> str:
    """Return the amount as an operator would write it."""
    for letter, size in (("M", 1_000_000), ("k", 1_000)):
        if amount >= size and amount % size == 0:
            return f"{amount // size}{letter}"
    return str(amount)


def _read_unit(word: str | None) -> str | None:
    if word is None:
        return None
    if word in {"image", "images"}:
        raise LineError("images are not enforced yet", "remove the line, or cap `messages` instead")
    if word not in _UNITS:
        raise LineError(f"`{word}` is not a unit", "count `messages` or `tokens`")
    return _UNITS[word]
