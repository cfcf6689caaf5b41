"""What has happened on this node in the last minutes, second by second, for whoever looks at it live."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import ratelimit
from server.core.errors import CATALOGUE
from server.core.happenings import Happening, Kind
from server.core.moments import rfc3339
from server.core.ports import Clock, Happened

SECOND: Final = 1_000_000
KEPT: Final = 900
"""Seconds that are remembered."""
MOST_WAITS: Final = 200
"""Times to the first text that are kept of one second; of more, the first ones."""
_TOO_MANY: Final = 429


@dataclass(slots=True)
class Second:
    """One second, by its number since the epoch."""

    number: int
    counts: dict[str, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    """Seconds to the first text."""

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""
        self.counts[name] = self.counts.get(name, 0) + amount


class Recent:
    """An observer that remembers the last 15 minutes. Seconds in which nothing happened take no room."""

    def __init__(self, *, clock: Clock, prices: Mapping[str, ratelimit.Price]) -> None:
        self._clock, self._prices = clock, prices
        self._seconds: deque[Second] = deque()

    def saw(self, happened: Happened) -> None:
        """Take note."""
        match happened.name:
            case Happening.TURN_STARTED:
                self._now().add("started")
            case Happening.TURN_ENDED:
                second = self._now()
                second.add("ended")
                if happened.labels["status"] == "failed":
                    second.add("failed")
            case Happening.FIRST_TOKEN:
                waits = self._now().waits
                if len(waits) < MOST_WAITS:
                    waits.append(happened.value)
            case Happening.INPUT_TOKENS | Happening.OUTPUT_TOKENS:
                self._tokens(happened.name.value, happened.labels["model"], round(happened.value))
            case Happening.REFUSED:
                limited = CATALOGUE[happened.labels["code"]].status == _TOO_MANY
                self._now().add("limited" if limited else "refused")
            case name if name.kind is Kind.FAULT:
                self._now().add("faults")
            case _:
                pass

    def since(self, at: int) -> Sequence[Mapping[str, Any]]:
        """Return the seconds that begin at or after a time, the oldest first, ready for JSON; not the one of now."""
        now = self._clock.now() // SECOND
        self._forget(now)
        return [_shown(one) for one in self._seconds if one.number * SECOND >= at and one.number < now]

    def _tokens(self, name: str, model: str, amount: int) -> None:
        second = self._now()
        second.add(name, amount)
        price = self._prices.get(model)
        if price is not None:
            answer = name == Happening.OUTPUT_TOKENS
            second.add("cost", price.cost(prompt=0 if answer else amount, answer=amount if answer else 0))

    def _now(self) -> Second:
        number = self._clock.now() // SECOND
        # A clock that steps back adds to the newest second.
        if not self._seconds or self._seconds[-1].number < number:
            self._seconds.append(Second(number))
            self._forget(number)
        return self._seconds[-1]

    def _forget(self, number: int) -> None:
        while self._seconds and self._seconds[0].number <= number - KEPT:
            self._seconds.popleft()


def _shown(second: Second) -> dict[str, Any]:
    waits = sorted(second.waits)
    counts = second.counts
    return {
        "at": rfc3339(second.number * SECOND),
        "started": counts.get("started", 0),
        "ended": counts.get("ended", 0),
        "failed": counts.get("failed", 0),
        "limited": counts.get("limited", 0),
        "refused": counts.get("refused", 0),
        "faults": counts.get("faults", 0),
        "input_tokens": counts.get("input_tokens", 0),
        "output_tokens": counts.get("output_tokens", 0),
        "cost_usd": counts.get("cost", 0) / 1_000_000,
        "first_text_seconds": waits[len(waits) // 2] if waits else None,
        "slowest_first_text_seconds": waits[-1] if waits else None,
    }
