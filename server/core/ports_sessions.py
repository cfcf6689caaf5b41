"""Sessions of browsers, and the codes that begin them."""

from collections.abc import Mapping
from typing import Final, Protocol

from server.core.ports_operator import Key
from server.core.records import Role

PREFIX: Final = "session-"
"""What the secret of every session begins with, and no other secret."""


class Sessions(Protocol):
    """Codes that are good once, and the sessions that they begin. Both are stored only as hashes; changes are audited.

    A session is a key of the kind `session`: an `Identity` knows its secret until it ends.
    """

    async def make_code(
        self, *, user: str, tier: str | None, default_tier: str, role: Role, until: int, by: str, now: int
    ) -> str:
        """Make a code that begins one session before `until`, and the user if new; it is never to be had again.

        `tier` changes the tier of a user who exists; None leaves it.
        """

    async def begin(self, code: str, *, lasts: Mapping[Role, int], now: int) -> tuple[str, Key] | None:
        """Spend the code and return the secret of a new session, which lasts as many microseconds as its role says.

        None if there is no such code, it was spent, or its time is over. Of calls at once, one gets the session.
        """

    async def end(self, secret: str, now: int) -> bool:
        """End the session of this secret; False if there is none that goes on."""
