"""Where levels are kept: the promise that every ledger makes, and the values it deals in.

A ledger knows counters by key, not users, tiers or models. All times are integer microseconds since the epoch.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

from ratelimit.meter import Level

MOST = 10**12
"""The units that one hold may charge of a counter: sums of thousands of these are whole numbers in every store."""
GIVEN_BACK = frozenset({"messages", "concurrent-requests"})
"""Units that return to the user when a lease ends; of all others, the last progress stays charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An amount on one counter. A window of 0 counts only what is in flight."""

    key: str
    """The subject, a bar, and a name without one: a shared ledger keeps the counters of a subject together."""
    unit: str
    amount: int
    window_us: int
    since_us: int | None = None
    """When it counts from, where that is not when it was taken: it leaves the window `window_us` after this."""

    def since(self, taken_at: int) -> int:
        """Return when it counts from, of a hold that was taken then."""
        return taken_at if self.since_us is None else self.since_us

    def leaves(self, taken_at: int) -> int:
        """Return when it leaves its window, of a hold that was taken then."""
        return self.since(taken_at) + self.window_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """A charge that is asked for, and the cap it must fit under.

    A charge in a rolling window leaves it one window later. One that `opens` with the first leaves with the first of
    those that are there, so that all return together. With `ends_us`, it leaves at the first of these times that is
    ahead of the ledger's clock, or as in a rolling window if none is.
    """

    charge: Charge
    cap: int
    opens: Literal["rolling", "first"] = "rolling"
    ends_us: tuple[int, ...] = ()

    def dated(self, now: int, newest: int | None) -> Charge:
        """Return the charge as it counts from `now` on; `newest` is what the last one on the counter counts from."""
        since = newest if self.opens == "first" else None
        if since is not None and since <= now - self.charge.window_us:
            since = None
        if end := next((end for end in self.ends_us if end > now), None):
            since = end - self.charge.window_us
        return self.charge if since is None or since == now else replace(self.charge, since_us=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """All that one request asks for, all or none.

    Amounts are from 1 to `MOST` and no key comes twice; otherwise `ValueError`.
    """

    hold_id: str
    subject: str
    """Whose counters these are; a clustered ledger keeps them together."""
    model: str
    """The alias that is to serve: kept with the hold, so that a repeated request learns what it got."""
    demands: tuple[Demand, ...]
    lease_us: int

    def __post_init__(self) -> None:
        for demand in self.demands:
            if not 1 <= demand.charge.amount <= MOST:
                raise ValueError(f"a hold charges at least one unit of each counter, and at most {MOST}")
        if len(self.demands) > 1 and len({demand.charge.key for demand in self.demands}) != len(self.demands):
            raise ValueError("a hold charges each counter once")


class Taken(NamedTuple):
    """The request was admitted at `at_us`. `levels`, by key, are those after it, for one unit more.

    `charges` say what they count from.
    """

    at_us: int
    deadline_us: int
    model: str
    charges: tuple[Charge, ...]
    levels: Mapping[str, Level]


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """The request was refused and nothing was charged. `levels`, by key, are for the amounts that were asked."""

    at_us: int
    levels: Mapping[str, Level]

    @property
    def failing(self) -> tuple[str, ...]:
        """The keys without room, the one that has room last at the front."""
        keys = [key for key, level in self.levels.items() if not level.fits]
        return tuple(sorted(keys, key=self._never_then_latest))

    def _never_then_latest(self, key: str) -> tuple[bool, int]:
        next_at = self.levels[key].next_at
        return (next_at is not None, -(next_at or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Levels by key, at one moment of the ledger's clock."""

    at_us: int
    levels: Mapping[str, Level]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request in a counter: how much of it, since when, and when that leaves."""

    hold_id: str
    """Empty where the oldest requests of a long log were put together."""
    at_us: int
    amount: int
    in_flight: bool
    free_at_us: int
    """When it leaves; of one in flight the latest time, if its lease is not renewed."""


def check(amounts: Mapping[str, int]) -> None:
    """Raise `ValueError` if a hold cannot come to these amounts."""
    if amounts and (min(amounts.values()) < 0 or max(amounts.values()) > MOST):
        raise ValueError(f"a hold cannot come to less than 0 or more than {MOST}")


class LedgerEmptied(Exception):  # noqa: N818  # named by what happened, as all of ours
    """A shared ledger has lost what it kept; nothing was charged. `restore` makes it whole again."""


class LedgerAway(OSError):  # noqa: N818  # named by what happened, as all of ours
    """A shared ledger cannot be reached. Whether the call took effect is open; what was held ends with its lease."""


class Ledger(Protocol):
    """Counters over windows of time, charged by holds.

    A hold is *held*, then settled or released, exactly once. It is a lease: if its deadline passes first, it lapses.
    Messages and places in flight return; of other units the last progress stays charged.

    A counter never admits more than its cap in any window, held and settled together. What is in flight does not age
    out. Lowering a cap or changing a window cancels nothing that was admitted. A counter with anything in its window
    is never dropped. The clock is the ledger's own and never goes back: where the one underneath does, no time passes.

    A ledger on a server raises `LedgerAway` while that cannot be reached; every call may then be made again.
    """

    async def take(self, hold: HoldRequest) -> Taken | Full:
        """Charge every demand, or none if one does not fit.

        Atomic. A refusal changes nothing and is not remembered. An id that was taken gets its first outcome again,
        whatever is asked now, and is charged once; it is remembered while in flight and for an hour after its end.
        """

    async def settle(self, hold_id: str, actual: Mapping[str, int]) -> bool:
        """Replace what was held by `actual`, amounts by unit, at the time it was taken.

        A unit that is not named stays as held. Returns whether this call did it: False for an id that was settled or
        released before, or is unknown. Unconditional: the truth is recorded above the cap, and after the lease has
        ended. Places in flight are freed.
        Raises `ValueError` for an amount below 0 or above `MOST`.
        """

    async def release(self, hold_id: str) -> bool:
        """Undo the hold, as if it had never been taken. Returns as `settle` does."""

    async def renew(
        self, hold_ids: Collection[str], progress: Mapping[str, Mapping[str, int]], *, lease_us: int
    ) -> frozenset[str]:
        """Extend these holds to `lease_us` from now and note their progress, amounts by hold id and unit.

        Returns the ids that are held; of the others nothing is changed. A deadline never comes nearer.
        Raises `ValueError` for an amount below 0 or above `MOST`.
        """

    async def levels(self, demands: Sequence[Demand]) -> Reading:
        """Return the level of each demand's counter. Changes nothing; a counter never charged is empty."""

    async def entries(self, key: str, *, window_us: int) -> Sequence[Entry]:
        """Return what fills a counter in this window, oldest first: their amounts are what `levels` counts."""


class Held(NamedTuple):
    """A hold was taken."""

    hold_id: str
    subject: str
    model: str
    charges: tuple[Charge, ...]
    at_us: int
    deadline_us: int


class Settled(NamedTuple):
    """A hold was settled; `amounts`, by unit, are now what it charged."""

    hold_id: str
    amounts: Mapping[str, int]


class Released(NamedTuple):
    """A hold was released."""

    hold_id: str


JournalEntry = Held | Settled | Released


class Journal(Protocol):
    """Keeps what a ledger in memory must find again after a restart."""

    def record(self, entry: JournalEntry) -> None:
        """Take `entry` before its effect is visible, in order, without waiting. If it raises, nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHold:
    """A hold as a journal's store has it; released ones are not stored.

    A settled one has the settled amounts in `charges`; those of zero may be left out. For a held one, whoever goes on
    with the request gives a `deadline_us` ahead; with one that has passed, the hold lapses at once.
    """

    hold_id: str
    subject: str
    charges: tuple[Charge, ...]
    at_us: int
    state: Literal["held", "settled"]
    deadline_us: int
    model: str = ""
