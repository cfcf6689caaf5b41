"""What `parley chat` tells beside the answers: caps, moments, errors. Pure text."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from client import ConnectionLostError, RefusedError, UnreachableError

_LOW = 0.2
"""The share of a cap that is left when it is time to say so."""


def cap_lines(usage: Mapping[str, Any]) -> list[str]:
    """Return how full each cap is, a line for each; one line if there are none."""
    return [f"Tier {usage.get('tier')}.", *(line for _, line in _rows(usage))]


def low_caps(usage: Mapping[str, Any]) -> list[str]:
    """Return a line for each cap of a window that is nearly used up."""
    # What runs at once comes back by itself in a moment: nobody plans with it.
    rows = [(row, line) for row, line in _rows(usage) if row.get("window_seconds")]
    return [line for row, line in rows if row["remaining"] <= max(1, row["cap"] * _LOW)]


def explained(error: Exception) -> str:
    """Return what a person at the terminal can make of an error."""
    match error:
        case UnreachableError():
            return f"{error} Start one with `parley serve`, or name another with --url."
        case ConnectionLostError() if error.come_back:
            return f"{error} What was answered is kept at the server: /conversation finds it."
        case RefusedError() if error.next_at and error.retry_after_seconds:
            return f"{error.message} That is in {span(error.retry_after_seconds)}."
        case RefusedError():
            return error.message
        case _:
            return str(error)


def clock(moment: datetime) -> str:
    """Return a moment in the time of this machine."""
    return f"at {moment.astimezone():%H:%M:%S on %d %b}"


def span(seconds: float) -> str:
    """Return a length of time in its two largest units: `58 s`, `2 h 14 min`, `3 d 0 h`."""
    whole = max(0, round(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _rows(usage: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the caps that have a limit, with a line for each."""
    for row in usage.get("limits") or ():
        if row.get("cap") is None or row.get("remaining") is None:
            continue
        line = f"{row['id']}: {row['remaining']} of {row['cap']} left"
        at = row.get("next_at") or row.get("next_free_at")
        yield row, f"{line}, more {clock(datetime.fromisoformat(at))}." if at else f"{line}."
