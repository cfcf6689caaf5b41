"""How long an answer may get, for what is set aside before it is written."""

from bisect import insort
from collections import deque

REMEMBERED = 200
"""Answers of one model that an estimate looks back on."""

ENOUGH = 20
"""Answers below which nothing is known yet."""


class Lengths:
    """The lengths, in tokens, of the newest answers of one model."""

    def __init__(self) -> None:
        self._newest: deque[int] = deque()
        self._sorted: list[int] = []

    def add(self, tokens: int) -> None:
        """Take note of an answer that ended."""
        if len(self._newest) == REMEMBERED:
            self._sorted.remove(self._newest.popleft())
        self._newest.append(tokens)
        insort(self._sorted, tokens)

    def p95(self, most: int) -> int:
        """Return what 95 of 100 answers need, at most `most`; `most` while too few answers are known."""
        if len(self._sorted) < ENOUGH:
            return most
        return min(most, self._sorted[len(self._sorted) * 95 // 100])
