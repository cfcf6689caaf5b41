"""Fakes of what lets people in: keys and sessions that are names of users."""

from collections.abc import Mapping
from typing import Any

from server.core.errors import Refused
from server.core.ports_operator import Key
from server.core.ports_sessions import PREFIX
from server.core.records import Actor, Role


class FakeIdentity:
    """Keys and sessions are names of users, `sk-op` an operator's and `sk-dev` a developer's.

    `sk-gone` is revoked and `sk-bad` suspended, now or from now on.
    """

    def __init__(self) -> None:
        self.revoked = {"sk-gone"}
        self.suspended = {"sk-bad"}

    async def actor(self, secret: str, now: int) -> Actor:
        if secret in self.suspended:
            raise Refused("user_suspended", "Suspended.")
        name = secret.removeprefix("sk-").removeprefix(PREFIX)
        if name == secret or secret in self.revoked:
            raise Refused("invalid_api_key", "No such key.")
        role = {"op": Role.OPERATOR, "dev": Role.DEVELOPER}.get(name, Role.USER)
        return Actor(name, name, "plus", role, key_id=f"key_{name}")


class FakeSessions:
    """Codes are names of users, each good once; the sessions that they begin are keys of `identity`."""

    def __init__(self, identity: FakeIdentity) -> None:
        self._identity = identity
        self._spent: set[str] = set()

    async def make_code(self, *, user: str, **_: Any) -> str:
        return f"code-{user}"

    async def begin(self, code: str, *, lasts: Mapping[Role, int], now: int) -> tuple[str, Key] | None:
        if not code.startswith("code-") or code in self._spent:
            return None
        self._spent.add(code)
        name = code.removeprefix("code-")
        session = Key(
            id="session_1",
            user=name,
            role=Role.USER,
            hint=PREFIX,
            created_at=now,
            expires_at=now + lasts[Role.USER],
            kind="session",
        )
        return f"{PREFIX}{name}", session

    async def end(self, secret: str, now: int) -> bool:
        goes_on = secret not in self._identity.revoked
        self._identity.revoked.add(secret)
        return goes_on
