"""Values that a deployment makes once and keeps."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from server.adapters.database import Database
from server.adapters.schema import meta


async def kept(database: Database, key: str, make: Callable[[], bytes]) -> bytes:
    """Return the value of `key`, made and stored by the first process that asks for it."""
    query = select(meta.c.value).where(meta.c.key == key)

    def work(connection: Connection) -> bytes:
        value: bytes | None = connection.scalar(query)
        if value is None:
            value = make()
            connection.execute(meta.insert().values(key=key, value=value))
        return value

    known: bytes | None = await database.read(lambda connection: connection.scalar(query))
    return await database.write(work) if known is None else known
