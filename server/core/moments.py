"""Times as clients read them."""

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(text: str) -> int:
    """Return the microseconds since the epoch of an RFC 3339 time. Raises `ValueError`."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text} does not say its time zone")
    return (read - _EPOCH) // timedelta(microseconds=1)


@overload
def rfc3339(at: int) -> str: ...
@overload
def rfc3339(at: None) -> None: ...
def rfc3339(at: int | None) -> str | None:
    """Return microseconds since the epoch as RFC 3339, UTC; exact to the microsecond where it is not a whole second."""
    if at is None:
        return None
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")
