"""How often somebody may do something."""

from server.core.pace import Pace


def times(pace: Pace, key: str, now: float, tries: int = 99) -> int:
    """Return how many of so many tries have room."""
    done = 0
    for _ in range(tries):
        if not pace.wait(key, now):
            pace.count(key, now)
            done += 1
    return done


def test_so_many_at_once_and_as_many_in_each_minute() -> None:
    """What was not used comes back evenly, and never more than the number."""
    pace = Pace(6)
    assert times(pace, "ana", 0.0) == 6
    assert pace.wait("ana", 4.0) == 6.0
    assert times(pace, "ana", 10.0) == 1
    assert times(pace, "ana", 40.0) == 3
    assert times(pace, "ana", 9_999.0) == 6


def test_keys_are_counted_apart() -> None:
    """One who comes often is in nobody's way."""
    pace = Pace(2)
    assert [times(pace, key, 0.0) for key in ("ana", "bo")] == [2, 2]


def test_who_is_quiet_costs_nothing() -> None:
    """After a minute without them they are forgotten, however many they were; who is still counted is not."""
    pace = Pace(60)
    for number in range(1_000):
        pace.count(f"u{number}", 0.0)
    for _ in range(30):
        pace.count("ana", 0.5)
    for second in range(1, 1_001):
        pace.count("bo", float(second))
    assert len(pace) == 1
