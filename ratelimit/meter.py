"""How full one counter is, and when there is room again.

Pure arithmetic: no users, no storage. Time is an argument, in integer microseconds.
"""

from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Iterable
from itertools import accumulate, islice
from operator import itemgetter
from typing import NamedTuple, Self

MAX_ENTRIES = 256
"""Above this many settled entries, the oldest ones are merged."""
SLOTS = 128
"""Merged entries are at most one SLOTS-th of the window late in leaving it, and never early."""


class Level(NamedTuple):
    """A counter at one moment, against a cap and the amount that is asked next."""

    # A tuple, because every decision makes some, and a frozen dataclass takes four times as long to make.
    cap: int
    used: int
    """Units settled within the window."""
    held: int
    """Units in flight."""
    fits: bool
    """Whether the amount asked fits now."""
    next_at: int | None
    """When the amount fits; None if it fits now, or if it is above the cap and never will."""
    at_most: bool
    """Whether something is in flight, so that room may come before `next_at`."""
    next_free_at: int | None
    """When the next units leave the window; None if there are none."""
    full_at: int | None
    """When the whole cap is free again; None if it is."""

    @property
    def remaining(self) -> int:
        """Units that may still be taken; 0 if a lowered cap left more in the window than it allows."""
        return max(0, self.cap - self.used - self.held)

    @property
    def nearly(self) -> bool:
        """Whether at least 80 % is taken."""
        return 5 * (self.used + self.held) >= 4 * self.cap

    @property
    def last_one(self) -> bool:
        """Whether exactly one unit is left."""
        return self.remaining == 1


Row = tuple[str, int, int, int | None]
"""An entry for storage: its hold, when it was taken, the amount, and when the lease of one in flight ends."""
_Settled = tuple[int, int, str]
"""What was settled: when it was taken, the amount, and its hold, which is empty for merged ones."""
_Flying = tuple[int, int, int]
"""What is in flight: when it was taken, the amount, and when its lease ends."""

_at = itemgetter(0)
_make = tuple.__new__
"""Half the time of a call of the class, twice in every decision on every counter."""


class Meter:
    """One counter: a weighted log with one entry per request, whatever its amount.

    A settled entry counts in the window (now - window, now]: it leaves exactly one window after the time it has. An
    entry in flight counts until it is settled, however old. A window of 0 therefore counts only what is in flight.
    Entries are kept for the widest window that they were taken under, so that a change of window forgets nothing.
    """

    __slots__ = ("_flight", "_held", "_keep", "_log", "_merge_above", "_settled")

    def __init__(self) -> None:
        self._log: list[_Settled] = []
        """What is settled, oldest first."""
        self._settled = 0
        """Its sum."""
        self._flight: dict[str, _Flying] = {}
        self._held = 0
        self._keep = 0
        self._merge_above = MAX_ENTRIES

    @classmethod
    def of(cls, rows: Iterable[Row], keep: int) -> Self:
        """Return the meter whose `rows` and `keep` were stored."""
        meter = cls()
        for hold_id, at, amount, deadline in rows:
            if deadline is None:
                meter._log.append((at, amount, hold_id))
            else:
                meter._flight[hold_id] = at, amount, deadline
        meter._settled = sum(amount for _, amount, _ in meter._log)
        meter._held = sum(amount for _, amount, _ in meter._flight.values())
        meter._keep = keep
        meter._merge_above = max(MAX_ENTRIES, len(meter._log))
        return meter

    def __len__(self) -> int:
        return len(self._log) + len(self._flight)

    @property
    def rows(self) -> list[Row]:
        """The entries, oldest first."""
        rows: list[Row] = [(hold_id, at, amount, None) for at, amount, hold_id in self._log]
        rows += [(hold_id, at, amount, deadline) for hold_id, (at, amount, deadline) in self._flight.items()]
        return sorted(rows, key=itemgetter(1))

    @property
    def keep(self) -> int:
        """The window for which entries are kept."""
        return self._keep

    @property
    def newest(self) -> int | None:
        """What the newest entry counts from; None if there is none."""
        newest = max((at for at, _, _ in self._flight.values()), default=None)
        if not self._log:
            return newest
        return self._log[-1][0] if newest is None else max(newest, self._log[-1][0])

    def hold(self, hold_id: str, *, at: int, amount: int, window: int, deadline: int) -> None:
        """Add an entry in flight, whether or not it fits."""
        if window > self._keep or not (self._log or self._flight):
            self._keep = window
        self._flight[hold_id] = at, amount, deadline
        self._held += amount

    def renew(self, hold_id: str, deadline: int) -> None:
        """Note that the lease of an entry in flight ends later; nothing else changes."""
        if flying := self._flight.get(hold_id):
            self._flight[hold_id] = flying[0], flying[1], deadline

    def settle(self, hold_id: str, *, at: int, amount: int, window: int, counted: int = 0) -> None:
        """Replace the entry by the truth: `amount` units at `at`; 0 removes it.

        An entry that is no longer there is put back at its own time, less the `counted` units of it that were
        settled when its lease ended.
        """
        flying = self._flight.pop(hold_id, None)
        if flying is not None:
            self._held -= flying[1]
            at = flying[0]
        else:
            if counted and not self._take_out(hold_id, at):
                amount -= counted
            if window > self._keep or not (self._log or self._flight):
                self._keep = window
        if amount > 0:
            self._add(at, amount, hold_id)

    def prune(self, now: int) -> None:
        """Forget what has left the window."""
        horizon = now - self._keep
        if self._log and self._log[0][0] <= horizon:
            old = bisect_right(self._log, horizon, key=_at)
            self._settled -= self._sum(old)
            del self._log[:old]

    def fits(self, *, now: int, cap: int, amount: int, window: int) -> bool:
        """Return whether `amount` fits under `cap` at `now`: what `level` says, for less."""
        used = self._settled
        if self._log and self._log[0][0] <= now - window:
            used -= self._sum(bisect_right(self._log, now - window, key=_at))
        return used + self._held + amount <= cap

    def level(self, *, now: int, cap: int, amount: int, window: int) -> Level:
        """Return the level at `now` against `cap`, for a request of `amount`. Changes nothing."""
        log, used, held, old = self._log, self._settled, self._held, 0
        first = last = None
        if log and log[0][0] <= now - window:
            old = bisect_right(log, now - window, key=_at)
            used -= self._sum(old)
        if old < len(log):
            first, last = log[old][0] + window, log[-1][0] + window
        for at, _, deadline in self._flight.values():
            free = max(at + window, deadline)
            first = free if first is None or free < first else first
            last = free if last is None or free > last else last
        missing = used + held + amount - cap
        fits = missing <= 0
        next_at = None if fits or amount > cap else self._next_at(missing, old, window)
        return _make(Level, (cap, used, held, fits, next_at, held > 0, first, last))

    def empty_at(self) -> int:
        """Return when nothing is left of what is there now, if no lease is renewed; 0 if it is empty."""
        frees = [max(at + self._keep, deadline) for at, _, deadline in self._flight.values()]
        if self._log:
            frees.append(self._log[-1][0] + self._keep)
        return max(frees, default=0)

    def _sum(self, old: int) -> int:
        """Return the units of the first `old` settled entries."""
        return sum(amount for _, amount, _ in islice(self._log, old))

    def _next_at(self, missing: int, old: int, window: int) -> int:
        frees = [(max(at + window, deadline), amount) for at, amount, deadline in self._flight.values()]
        frees += [(at + window, amount) for at, amount, _ in islice(self._log, old, None)]
        frees.sort()
        freed = accumulate(amount for _, amount in frees)
        return next(free_at for (free_at, _), so_far in zip(frees, freed, strict=True) if so_far >= missing)

    def _add(self, at: int, amount: int, hold_id: str) -> None:
        log = self._log
        if not log or at >= log[-1][0]:
            log.append((at, amount, hold_id))
        else:
            insort_right(log, (at, amount, hold_id), key=_at)
        self._settled += amount
        if len(log) > self._merge_above:
            self._merge()

    def _take_out(self, hold_id: str, at: int) -> bool:
        """Remove what is settled of the hold; False if it is not there, or merged with others."""
        for index in range(bisect_left(self._log, at, key=_at), bisect_right(self._log, at, key=_at)):
            if self._log[index][2] == hold_id:
                self._settled -= self._log.pop(index)[1]
                return True
        return False

    def _merge(self) -> None:
        """Merge the oldest entries of each slot into its newest one, until there is some room.

        The merged entry leaves when its newest part does: late, so that the cap is never exceeded.
        """
        slot = max(1, self._keep // SLOTS)
        spare = len(self._log) - MAX_ENTRIES * 3 // 4
        merged: list[_Settled] = []
        for at, amount, hold_id in self._log:
            if spare > 0 and merged and merged[-1][0] // slot == at // slot:
                # Without an id: neither part may be found and weighed again.
                merged[-1] = at, merged[-1][1] + amount, ""
                spare -= 1
            else:
                merged.append((at, amount, hold_id))
        self._log = merged
        self._merge_above = max(MAX_ENTRIES, len(merged) + MAX_ENTRIES // 4)
