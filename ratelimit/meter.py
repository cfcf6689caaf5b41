"""How full one counter is, and when there is room again.

Pure arithmetic: no users, no storage. Time is an argument, in integer microseconds.
"""

from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import attrgetter
from typing import Self

MAX_ENTRIES = 256
"""Above this many entries, the oldest settled ones are merged."""
SLOTS = 128
"""Merged entries are at most one SLOTS-th of the window late in leaving it, and never early."""

_at = attrgetter("at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A counter at one moment, against a cap and the amount that is asked next."""

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


@dataclass(slots=True, eq=False)
class _Entry:
    hold_id: str
    at: int
    amount: int
    deadline: int | None
    """When the lease of a held entry ends; None once it is settled."""

    def free_at(self, window: int) -> int:
        """Return when it leaves the window at the latest, if no lease is renewed."""
        return self.at + window if self.deadline is None else max(self.at + window, self.deadline)


class Meter:
    """One counter: a weighted log with one entry per request, whatever its amount.

    A settled entry counts in the window (now - window, now]: it leaves exactly one window after the time it has. A held
    entry counts until it is settled, however old. A window of 0 therefore counts only what is in flight.
    Entries are kept for the widest window that they were taken under, so that a change of window forgets nothing.
    """

    __slots__ = ("_entries", "_flight", "_held", "_keep", "_merge_above", "_total")

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._flight: dict[str, _Entry] = {}
        self._total = 0
        self._held = 0
        self._keep = 0
        self._merge_above = MAX_ENTRIES

    @classmethod
    def of(cls, rows: Iterable[Row], keep: int) -> Self:
        """Return the meter whose `rows` and `keep` were stored."""
        meter = cls()
        meter._entries = [_Entry(*row) for row in rows]
        meter._flight = {entry.hold_id: entry for entry in meter._entries if entry.deadline is not None}
        meter._total = sum(entry.amount for entry in meter._entries)
        meter._held = sum(entry.amount for entry in meter._flight.values())
        meter._keep = keep
        meter._merge_above = max(MAX_ENTRIES, len(meter._entries))
        return meter

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def rows(self) -> list[Row]:
        """The entries, oldest first."""
        return [(entry.hold_id, entry.at, entry.amount, entry.deadline) for entry in self._entries]

    @property
    def keep(self) -> int:
        """The window for which entries are kept."""
        return self._keep

    @property
    def newest(self) -> int | None:
        """What the last entry counts from; None if there is none."""
        return self._entries[-1].at if self._entries else None

    def hold(self, hold_id: str, *, at: int, amount: int, window: int, deadline: int) -> None:
        """Add an entry in flight, whether or not it fits."""
        entry = _Entry(hold_id, at, amount, deadline)
        self._add(entry, window)
        self._flight[hold_id] = entry
        self._held += amount

    def renew(self, hold_id: str, deadline: int) -> None:
        """Note that the lease of a held entry ends later; nothing else changes."""
        if entry := self._flight.get(hold_id):
            entry.deadline = deadline

    def settle(self, hold_id: str, *, at: int, amount: int, window: int, counted: int = 0) -> None:
        """Replace the entry by the truth: `amount` units at `at`; 0 removes it.

        An entry that is no longer there is put back at its own time, less the `counted` units of it that were
        settled when its lease ended.
        """
        entry = self._flight.pop(hold_id, None)
        if entry is not None:
            self._held -= entry.amount
            entry.deadline = None
        elif counted:
            entry = self._settled(hold_id, at)
        if entry is not None:
            self._total += amount - entry.amount
            entry.amount = amount
            if amount == 0:
                self._entries.remove(entry)
        elif amount > counted:
            self._add(_Entry(hold_id, at, amount - counted, None), window)

    def prune(self, now: int) -> None:
        """Forget what has left the window."""
        old = bisect_right(self._entries, now - self._keep, key=_at)
        if old:
            kept = [entry for entry in islice(self._entries, old) if entry.deadline is not None]
            self._total -= sum(entry.amount for entry in islice(self._entries, old) if entry.deadline is None)
            self._entries[:old] = kept

    def fits(self, *, now: int, cap: int, amount: int, window: int) -> bool:
        """Return whether `amount` fits under `cap` at `now`: what `level` says, for less."""
        old = bisect_right(self._entries, now - window, key=_at)
        return self._total - self._aged(old) + amount <= cap

    def level(self, *, now: int, cap: int, amount: int, window: int) -> Level:
        """Return the level at `now` against `cap`, for a request of `amount`. Changes nothing."""
        old = bisect_right(self._entries, now - window, key=_at)
        used = self._total - self._held - self._aged(old)
        missing = used + self._held + amount - cap
        frees = [entry.free_at(window) for entry in self._flight.values()]
        in_window = islice(self._entries, old, None)
        oldest = next((entry.at + window for entry in in_window if entry.deadline is None), None)
        newest = self._entries[-1].at + window if old < len(self._entries) else None
        return Level(
            cap=cap,
            used=used,
            held=self._held,
            fits=missing <= 0,
            next_at=self._next_at(missing, old, window) if missing > 0 and amount <= cap else None,
            at_most=self._held > 0,
            next_free_at=min((*frees, *_present(oldest)), default=None),
            full_at=max((*frees, *_present(newest)), default=None),
        )

    def empty_at(self) -> int:
        """Return when nothing is left of what is there now, if no lease is renewed; 0 if it is empty."""
        return max((entry.free_at(self._keep) for entry in self._entries), default=0)

    def _aged(self, old: int) -> int:
        """Return the settled units of the first `old` entries."""
        return sum(entry.amount for entry in islice(self._entries, old) if entry.deadline is None) if old else 0

    def _next_at(self, missing: int, old: int, window: int) -> int:
        live = [entry for entry in islice(self._entries, old) if entry.deadline is not None]
        live += islice(self._entries, old, None)
        frees = sorted((entry.free_at(window), entry.amount) for entry in live)
        freed = accumulate(amount for _, amount in frees)
        return next(free_at for (free_at, _), so_far in zip(frees, freed, strict=True) if so_far >= missing)

    def _add(self, entry: _Entry, window: int) -> None:
        self._keep = max(self._keep, window) if self._entries else window
        insort_right(self._entries, entry, key=_at)
        self._total += entry.amount
        if len(self._entries) > self._merge_above:
            self._merge()

    def _settled(self, hold_id: str, at: int) -> _Entry | None:
        first, last = bisect_left(self._entries, at, key=_at), bisect_right(self._entries, at, key=_at)
        return next((entry for entry in islice(self._entries, first, last) if entry.hold_id == hold_id), None)

    def _merge(self) -> None:
        """Merge the oldest settled entries of each slot into its newest one, until there is some room.

        The merged entry leaves when its newest part does: late, so that the cap is never exceeded.
        """
        slot = max(1, self._keep // SLOTS)
        spare = len(self._entries) - MAX_ENTRIES * 3 // 4
        merged: list[_Entry] = []
        last = -1
        for entry in self._entries:
            mergeable = spare > 0 and entry.deadline is None
            if mergeable and last >= 0 and merged[last].at // slot == entry.at // slot:
                # Into a new entry: the hold of neither part may be found and weighed again.
                merged.append(_Entry("", entry.at, merged.pop(last).amount + entry.amount, None))
                spare -= 1
            else:
                merged.append(entry)
            if entry.deadline is None:
                last = len(merged) - 1
        self._entries = merged
        self._merge_above = max(MAX_ENTRIES, len(merged) + MAX_ENTRIES // 4)


def _present(time: int | None) -> Iterator[int]:
    if time is not None:
        yield time
