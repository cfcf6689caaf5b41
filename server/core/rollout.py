"""Which revision of a persona a user gets while a new one is rolled out. Pure, and the same on every node."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Share:
    """A part of all users, in percent, who get another revision than the live one."""

    revision: int
    percent: int


def place(persona: str, user_id: str) -> int:
    """Return where the user stands for this persona, from 0 to 99: always the same place, another for each persona."""
    digest = hmac.digest(persona.encode(), user_id.encode(errors="surrogatepass"), "sha256")
    return int.from_bytes(digest[:8]) % WHOLE


def chosen(shares: Sequence[Share], at: int) -> int | None:
    """Return the revision of who stands at `at`, None for the live one.

    Shares lie side by side from 0 on, in their order: one that grows keeps those whom it had, if those before it stay.
    """
    end = 0
    for share in shares:
        end += share.percent
        if at < end:
            return share.revision
    return None


def flaw(shares: Sequence[Share]) -> str | None:
    """Return what is wrong with shares that somebody wants, None if nothing is."""
    if any(share.percent < 1 for share in shares):
        return "A share is at least 1 percent; leave a revision out to give it to nobody."
    if len({share.revision for share in shares}) < len(shares):
        return "Each revision has one share."
    if sum(share.percent for share in shares) > WHOLE:
        return f"The shares are more than {WHOLE} percent together."
    return None
