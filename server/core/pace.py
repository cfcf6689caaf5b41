"""How often somebody may do something: a number at once, and as many again in each minute. Pure.

For what protects the process, not for what people pay for: within the worst minute it lets twice the number through.
"""

from typing import Final

MINUTE: Final = 60.0


class Pace:
    """Counts by key, `most` a minute; who has been quiet for a minute costs no memory. Times are seconds."""

    def __init__(self, most: int) -> None:
        self._every = MINUTE / most
        self._empty_at: dict[str, float] = {}
        """When all that was counted is made up for, by key; the one that was counted last at the end."""

    def __len__(self) -> int:
        return len(self._empty_at)

    def wait(self, key: str, now: float) -> float:
        """Return in how many seconds there is room for one more; 0 if there is."""
        return max(0.0, self._empty_at.get(key, now) - now - (MINUTE - self._every))

    def count(self, key: str, now: float) -> None:
        """Count one more."""
        self._empty_at[key] = max(self._empty_at.pop(key, now), now) + self._every
        for _ in range(2):
            oldest = next(iter(self._empty_at))
            if self._empty_at[oldest] > now:
                break
            del self._empty_at[oldest]
