"""The clock of this machine."""

from datetime import UTC, datetime

from server.adapters.clock_system import SystemClock
from server.core.ports import Clock


def test_the_time_is_in_microseconds_since_the_epoch() -> None:
    """It agrees with the machine's calendar."""
    clock: Clock = SystemClock()
    before, now, after = datetime.now(UTC), clock.now(), datetime.now(UTC)  # what is tested is the time itself
    assert before.timestamp() - 1 <= now / 1_000_000 <= after.timestamp() + 1


def test_monotonic_time_never_goes_back() -> None:
    """A later look is not earlier."""
    clock = SystemClock()
    looks = [clock.monotonic() for _ in range(100)]
    assert looks == sorted(looks)
