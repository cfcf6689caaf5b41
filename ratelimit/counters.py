"""Whose counter a cap is, and what is asked of the ledger to charge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ratelimit.answers import Ask, CapLevel
from ratelimit.caps import Cap, Whose
from ratelimit.ledger import Charge, Demand
from ratelimit.meter import Level


@dataclass(frozen=True, slots=True)
class Who:
    """A user, and the organisation whose pools it shares; without one, a pool counts the user alone."""

    subject: str
    organisation: str | None = None
    network: str | None = None
    """Where somebody comes from who is not known to be one person."""

    @classmethod
    def of(cls, ask: Ask) -> Self:
        """Return who asks."""
        return cls(ask.subject, ask.organisation, ask.extras.network)

    def key(self, cap: Cap) -> str:
        """Return the key of the counter that `cap` is for this user."""
        # Ids of caps have no bar in them, so that no subject can spell another one's key.
        return f"{self._subject(cap.whose)}|{cap.id}"

    def _subject(self, whose: Whose) -> str:
        if whose == "everyone":
            return "everyone"
        if whose == "network" and self.network is not None:
            return f"network:{self.network}"
        if whose == "pool" and self.organisation is not None:
            return f"organisation:{self.organisation}"
        return self.subject


def demand(who: Who, cap: Cap, amount: int, *, now: int | None = None) -> Demand:
    """Return what is asked of the ledger to charge `amount` to a cap.

    `now` finds the ends of a calendar or a term, which only what is taken needs.
    """
    ends = () if isinstance(cap.opens, str) or now is None else cap.opens.ends(now)
    return Demand(
        charge=Charge(key=who.key(cap), unit=cap.unit, amount=amount, window_us=cap.window_us),
        cap=cap.amount or 0,
        opens="first" if cap.opens == "first" else "rolling",
        ends_us=ends,
    )


def cap_levels(who: Who, caps: Sequence[Cap], levels: Mapping[str, Level]) -> tuple[CapLevel, ...]:
    """Return the caps with their levels, those that have one."""
    found = ((cap, levels.get(who.key(cap))) for cap in caps)
    return tuple(CapLevel(cap, level) for cap, level in found if level is not None)
