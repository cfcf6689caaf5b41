"""Secrets to actors, read from SQLite at every request: a key that another process makes or revokes counts at once."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from server.adapters.database import sqlite_connection
from server.adapters.identity_secrets import BEARER, HOLDER, bearer, holder, key_hash
from server.core.records import Actor, is_client_secret

_HOLDER: Final = f"{HOLDER} ?"
_BEARER: Final = f"{BEARER} ?"


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
        if is_client_secret(secret):
            return bearer(self._db.execute(_BEARER, (digest,)).fetchone(), digest, now)
        return holder(self._db.execute(_HOLDER, (digest,)).fetchone(), digest, now)
