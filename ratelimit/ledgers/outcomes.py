"""What ledgers have in common: what shared ones write down of a hold, and how the entries of a meter are told."""

import json
from dataclasses import dataclass
from typing import Self

from ratelimit.ledger import Charge, Entry, HoldRequest
from ratelimit.meter import Meter


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whose hold it is, which model it got and what it charged."""

    subject: str
    model: str
    charges: tuple[Charge, ...]

    @classmethod
    def of(cls, hold: HoldRequest) -> Self:
        """Return what the hold comes to if it is taken."""
        return cls(hold.subject, hold.model, tuple(demand.charge for demand in hold.demands))

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """Return what was written as `text`."""
        subject, model, charges = json.loads(text)
        return cls(
            subject,
            model,
            tuple(
                Charge(key=key, unit=unit, amount=amount, window_us=window, since_us=since)
                for key, unit, amount, window, since in charges
            ),
        )

    def leaves(self, at_us: int) -> int:
        """Return when the last charge leaves its window, of a hold that was taken then."""
        return max((charge.leaves(at_us) for charge in self.charges), default=at_us)

    @property
    def text(self) -> str:
        """The outcome as one line."""
        charges = [
            (charge.key, charge.unit, charge.amount, charge.window_us, charge.since_us) for charge in self.charges
        ]
        return json.dumps((self.subject, self.model, charges), separators=(",", ":"))

    @property
    def keys(self) -> list[str]:
        """The counters, in the order of the charges."""
        return [charge.key for charge in self.charges]


def subject_of(key: str) -> str:
    """Return the subject that the key of a counter begins with."""
    return key.rpartition("|")[0] or key


def entries_of(meter: Meter, now: int, window: int) -> list[Entry]:
    """Return what counts in the window, oldest first."""
    return [
        Entry(
            hold_id=hold_id,
            at_us=at,
            amount=amount,
            in_flight=deadline is not None,
            free_at_us=at + window if deadline is None else max(at + window, deadline),
        )
        for hold_id, at, amount, deadline in meter.rows
        if deadline is not None or at > now - window
    ]
