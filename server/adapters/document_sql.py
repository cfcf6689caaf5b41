"""A shared text, kept among the values of the deployment."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from server.adapters.database import Database
from server.adapters.schema import meta

DEMAND: Final = "demand"
"""The key of what demand and operators have made of the caps."""


class SqlDocument:
    """A `Document`, by its key."""

    def __init__(self, database: Database, key: str) -> None:
        self._database, self._key = database, key

    async def read(self) -> str | None:
        return await self._database.read(self._read)

    async def change(self, work: Callable[[str | None], str | None]) -> str | None:
        def changed(connection: Connection) -> str | None:
            before = self._read(connection)
            after = work(before)
            if after is None or after == before:
                return before
            connection.execute(delete(meta).where(meta.c.key == self._key))
            connection.execute(insert(meta).values(key=self._key, value=after.encode()))
            return after

        return await self._database.write(changed)

    def _read(self, connection: Connection) -> str | None:
        value: bytes | None = connection.scalar(select(meta.c.value).where(meta.c.key == self._key))
        return None if value is None else bytes(value).decode()
