"""Secrets to actors, read from PostgreSQL at every request: keys that others make or revoke count at once."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from types import TracebackType
from typing import Final, Self

from server.adapters.database_postgres import Queries
from server.adapters.identity_secrets import BEARER, HOLDER, bearer, holder, key_hash
from server.core.records import Actor, is_client_secret

_HOLDER: Final = f"{HOLDER} $1"
_BEARER: Final = f"{BEARER} $1"


class PostgresIdentity:
    """An `Identity`, and an async context manager. A lookup is one round trip.

    Raises `StoreAway` as stores do, `patience` seconds after a server has gone.
    """

    def __init__(self, uri: str, *, patience: float = 0.0) -> None:
        self._queries = Queries(uri, patience=patience)

    async def __aenter__(self) -> Self:
        await self._queries.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._queries.__aexit__(kind, exc, tb)

    async def actor(self, secret: str, now: int) -> Actor:
        digest = key_hash(secret)
        of_client = is_client_secret(secret)
        rows = await self._queries.rows(_BEARER if of_client else _HOLDER, digest)
        read = bearer if of_client else holder
        return read(rows[0] if rows else None, digest, now)
