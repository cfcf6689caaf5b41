"""The wiring of who is let in: visitors, sessions and the links that begin them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server import backends
from server.adapters.clock_system import SystemClock
from server.adapters.database import Database
from server.adapters.ids_system import SystemIds
from server.adapters.sessions_sql import SqlSessions
from server.chat.signing_in import SigningIn
from server.core.ports import Clock, Ids
from server.core.ports_operator import Identity
from server.edge.cookies import is_secure
from server.edge.visitors import Visitors
from server.settings import Settings


def signing_in(settings: Settings, base: Database, identity: Identity, *, clock: Clock, ids: Ids) -> SigningIn:
    """Return what makes links and sessions."""
    return SigningIn(
        sessions=SqlSessions(base, ids=ids), identity=identity, clock=clock, default_tier=settings.default_tier
    )


def visitors(settings: Settings, secret: bytes, ids: Ids) -> Visitors | None:
    """Return what makes actors of people without an account, where they are let in."""
    tier = settings.auth.anonymous
    return (
        None if tier is None else Visitors(tier=tier, secret=secret, new=ids.new, secure=is_secure(settings.public_url))
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[SigningIn]:
    """Open what makes links, for commands."""
    async with backends.stores(settings) as stores:
        yield signing_in(settings, stores.base, stores.identity, clock=SystemClock(), ids=SystemIds())
