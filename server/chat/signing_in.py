"""Signing in: a link that is good once becomes the session of a browser."""

from collections.abc import Mapping
from typing import Final

from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_operator import Identity, Key
from server.core.ports_sessions import Sessions
from server.core.records import Actor, Role

LINK_US: Final = 10 * 60_000_000
"""How long a link waits to be opened."""
DAY_US: Final = 86_400_000_000
LASTS: Final[Mapping[Role, int]] = {
    Role.USER: 30 * DAY_US,
    Role.DEVELOPER: 30 * DAY_US,
    Role.OPERATOR: DAY_US // 2,
}
"""How long a session goes on."""


class SigningIn:
    """Makes links and sessions, and ends them. `default_tier` is that of users who are new."""

    def __init__(self, *, sessions: Sessions, identity: Identity, clock: Clock, default_tier: str) -> None:
        self._sessions, self._identity, self._clock, self._default_tier = sessions, identity, clock, default_tier

    async def code(self, user: str, *, role: Role, by: str, tier: str | None = None) -> str:
        """Return a code that signs the user in once, within ten minutes; they are made if new."""
        now = self._clock.now()
        return await self._sessions.make_code(
            user=user, tier=tier, default_tier=self._default_tier, role=role, until=now + LINK_US, by=by, now=now
        )

    async def sign_in(self, code: str) -> tuple[str, Key, Actor]:
        """Spend the code; return the secret of the session, the session, and whose it is. Raises `Refused`."""
        now = self._clock.now()
        begun = await self._sessions.begin(code, lasts=LASTS, now=now)
        if begun is None:
            raise Refused(
                "invalid_login_code",
                "This link was opened before, or its ten minutes are over. `parley login` makes another one.",
            )
        secret, session = begun
        return secret, session, await self._identity.actor(secret, now)

    async def sign_out(self, secret: str) -> bool:
        """End the session of this secret; False if there is none that goes on."""
        return await self._sessions.end(secret, self._clock.now())


def path_of(code: str, role: Role) -> str:
    """Return where the link leads on this server: operators come to the console, others to the chat page.

    The code stands behind `#`, so that no server and no proxy writes it down.
    """
    return f"{'/console' if role is Role.OPERATOR else ''}/login#{code}"
