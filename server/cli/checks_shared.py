"""What the doctor looks at where several nodes share a database. Changes nothing."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from server.cli.check import Check, of_version
from server.settings import Settings

_PATIENCE: Final = 5.0

LIVE_REVISIONS: Final = "SELECT persona, number FROM persona_labels WHERE label = 'live'"


def examine(settings: Settings) -> Iterator[Check]:
    """Look at the database and at what nodes share beside it."""
    yield asyncio.run(_database(settings))
    if settings.clustered:
        yield _cluster(settings)
    else:
        about = "Nothing carries news between nodes: what one node answers is seen on others with a delay of a second."
        yield Check("cluster", "ok", about)


def live_revisions(settings: Settings) -> Mapping[str, int]:
    """Return the live revision of every persona; none if the database cannot be read."""
    from asyncpg import InterfaceError, PostgresError

    from server.adapters.database_postgres import Queries

    async def asked() -> Mapping[str, int]:
        async with asyncio.timeout(_PATIENCE), Queries(settings.database) as queries:
            return {str(name): int(number) for name, number in await queries.rows(LIVE_REVISIONS)}

    try:
        return asyncio.run(asked())
    except (PostgresError, InterfaceError, OSError):
        return {}


async def _database(settings: Settings) -> Check:
    from asyncpg import InterfaceError, PostgresError

    from server.adapters.database_postgres import Queries
    from server.adapters.schema import VERSION

    try:
        async with asyncio.timeout(_PATIENCE), Queries(settings.database) as queries:
            made = await queries.rows("SELECT to_regclass('alembic_version') IS NOT NULL")
            rows = await queries.rows("SELECT version_num FROM alembic_version") if made[0][0] else ()
    except (PostgresError, InterfaceError, OSError) as error:
        reason = str(error) or "no answer in time"
        return Check("database", "fail", f"It cannot be used ({reason}).", "Correct `database`, or start it.")
    if not rows:
        return Check("database", "ok", "It is empty; the first start makes what it needs.")
    return of_version(str(rows[0][0]), VERSION)


def _cluster(settings: Settings) -> Check:
    from redis import Redis
    from redis.exceptions import RedisError

    from server.backends import cluster_address

    try:
        with Redis.from_url(
            cluster_address(settings), socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        ) as client:
            memory = client.info("memory")
    except (RedisError, OSError) as error:
        return Check("cluster", "fail", f"It cannot be used ({error}).", "Correct `cluster`, or start it.")
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        why = f"It gives up keys when its memory is full (maxmemory-policy {policy}), and caps with them."
        return Check("cluster", "warn", why, "Set maxmemory-policy to noeviction.")
    return Check("cluster", "ok", "It answers.")
