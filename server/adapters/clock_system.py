"""The clock of this machine."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import time


class SystemClock:
    """A `Clock`."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()
