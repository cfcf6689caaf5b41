"""Times as clients read them."""

import pytest

from server.core.moments import micros, rfc3339


def test_times_are_exact_and_in_utc() -> None:
    """A microsecond is not lost, and a whole second has no fraction."""
    assert rfc3339(1_700_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert rfc3339(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"
    assert rfc3339(None) is None


def test_what_was_written_is_read_again() -> None:
    """Times with any offset are read to the microsecond; one without an offset could be anywhere."""
    for at in (0, 1_700_000_000_000_000, 1_700_000_000_000_001):
        assert micros(rfc3339(at)) == at
    assert micros("2023-11-14T23:13:20+01:00") == 1_700_000_000_000_000
    with pytest.raises(ValueError, match="time zone"):
        micros("2023-11-14T22:13:20")
