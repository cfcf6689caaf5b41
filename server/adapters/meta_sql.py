"""Values that a deployment makes once and keeps."""

from collections.abc import Callable
from typing import Any, Final, cast

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.database import writing
from server.adapters.schema import meta

SIGNING_SECRET: Final = "signing_secret"  # noqa: S105  a name, not a secret


async def kept(engine: AsyncEngine, key: str, make: Callable[[], bytes]) -> bytes:
    """Return the value of `key`, made and stored by the first process that asks for it."""
    value = await _value(engine, key)
    if value is None:
        try:
            async with writing(engine) as connection:
                await connection.execute(meta.insert().values(key=key, value=make()))
        except IntegrityError:
            pass  # Another process was first.
        value = await _value(engine, key)
    return cast(bytes, value)


async def _value(engine: AsyncEngine, key: str) -> Any:
    async with engine.connect() as connection:
        return await connection.scalar(select(meta.c.value).where(meta.c.key == key))
