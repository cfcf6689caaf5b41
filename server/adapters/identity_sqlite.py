"""Secrets to actors, read from SQLite at every request: a key that another process makes or revokes counts at once."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from server.adapters.database import sqlite_connection
from server.core.errors import Refused
from server.core.records import Actor, Role

_HOLDER: Final = """
    SELECT keys.hash, keys.id, keys.role, keys.expires_at, keys.revoked_at, users.id, users.name, users.tier,
           users.suspended
    FROM keys JOIN users ON users.id = keys.user_id WHERE keys.hash = ?"""
_NOBODY: Final = (bytes(32), "", "user", None, None, "", "", "", 0)


class SqliteIdentity:
    """An `Identity`, and a context manager.

    A lookup takes tens of microseconds, so it is made on the event loop.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite_connection(path, read_only=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._db.close()

    async def actor(self, secret: str, now: int) -> Actor:
        digest = key_hash(secret)
        row = self._db.execute(_HOLDER, (digest,)).fetchone() or _NOBODY
        stored, key_id, role, expires_at, revoked_at, user_id, name, tier, suspended = row
        known = compare_digest(stored, digest)
        if not known or revoked_at is not None or (expires_at is not None and expires_at <= now):
            raise Refused("invalid_api_key", "Incorrect API key provided. It is unknown, revoked or expired.")
        if suspended:
            raise Refused("user_suspended", "An operator has suspended this user.")
        return Actor(user_id=user_id, name=name, tier=tier, role=Role(role), key_id=key_id)


def key_hash(secret: str) -> bytes:
    """Return what is stored of a secret. It is long and random, so that a plain hash is enough."""
    return sha256(secret.encode(errors="surrogatepass")).digest()
