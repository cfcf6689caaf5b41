"""What users have beside their tier, as it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A grant or an override of one user. Nothing of it ever changes but `voided_at`."""

    id: str
    user_id: str
    kind: Literal["grant", "override"]
    what: str
    """What is granted, `20 gpt-4 messages`, or the line that holds, `gpt-4: 100 messages / 3h`."""
    priority: int = 1
    """Of grants: those with the lowest number are used first."""
    starts_at: int
    ends_at: int
    reason: str
    by: str
    """An actor's signature, or the program that gave it."""
    voided_at: int | None = None
    """When it was taken back."""


class Extras(Protocol):
    """Grants and overrides. Each change is audited in its own transaction; nothing is ever removed."""

    async def add(self, extra: Extra) -> None:
        """Keep `extra`. Whoever asks for it on another node finds it at once."""

    async def void(self, extra_id: str, *, by: str, now: int) -> bool:
        """Let it hold no more; False if there is none of this id or it does not hold."""

    async def of(self, user_id: str | None, now: int) -> Sequence[Extra]:
        """Return those of the user (None: of all) that hold at `now` or will, in the order in which they were given."""
