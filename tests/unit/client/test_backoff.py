"""When to connect again."""

import pytest

from client.backoff import FIRST, LONGEST, Outage, pause


def test_pauses_grow_and_stay_bounded() -> None:
    """Each pause may be twice as long as the one before, up to the longest."""
    longest = [pause(attempt, 1.0) for attempt in range(100)]
    assert longest[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert longest[-1] == LONGEST
    assert longest == sorted(longest)


@pytest.mark.parametrize("attempt", [0, 3, 50])
def test_pauses_are_spread_over_their_whole_length(attempt: int) -> None:
    """Clients that lost one node at one moment do not come back at one moment."""
    assert pause(attempt, 0.0) == 0.0
    assert pause(attempt, 0.5) == pause(attempt, 1.0) / 2


def test_an_outage_counts_its_attempts() -> None:
    """It began when it began."""
    assert Outage(100.0).tried().tried() == Outage(100.0, attempts=2)
