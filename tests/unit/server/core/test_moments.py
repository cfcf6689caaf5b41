"""Times as clients read them."""

from server.core.moments import rfc3339


def test_times_are_exact_and_in_utc() -> None:
    """A microsecond is not lost, and a whole second has no fraction."""
    assert rfc3339(1_700_000_000_000_000) == "2023-11-14T22:13:20Z"
    assert rfc3339(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"
    assert rfc3339(None) is None
