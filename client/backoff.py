"""When to connect again after a connection was lost. Pure: time and chance are arguments."""

from dataclasses import dataclass, replace
from typing import Final

FIRST: Final = 0.5
"""Seconds that the first pause takes at most; each further one takes up to twice as long."""

LONGEST: Final = 8.0
"""Seconds that no pause exceeds."""


def pause(attempt: int, chance: float) -> float:
    """Return how many seconds to wait before an attempt, 0 being the first, for a `chance` from 0 to 1.

    Anything up to the longest: clients that lost one node at one moment come back spread over that time.
    """
    return chance * min(LONGEST, FIRST * 2.0 ** min(attempt, 8))


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without a connection that works."""

    since: float
    """In seconds of any clock that only rises."""
    attempts: int = 0
    """To connect again, so far."""

    def tried(self) -> "Outage":
        """Return the outage with one more attempt."""
        return replace(self, attempts=self.attempts + 1)
