"""The wiring of who is let in: visitors, sessions and the links that begin them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import ratelimit
from server import backends
from server.adapters.accounts_sql import SqlAccounts
from server.adapters.clock_system import SystemClock
from server.adapters.database import Database
from server.adapters.ids_system import SystemIds, new_secret
from server.adapters.sessions_sql import SqlSessions
from server.adapters.turns_sql import SqlTurns
from server.chat.quota import Quota
from server.chat.signing_in import SigningIn
from server.chat.users import UserDesk
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


def users(
    base: Database,
    *,
    quota: Quota,
    links: SigningIn,
    tiers: Callable[[], ratelimit.Tiers],
    clock: Clock,
    ids: Ids,
) -> UserDesk:
    """Return what operators do with users."""
    return UserDesk(
        accounts=lambda by: SqlAccounts(base, ids=ids, clock=clock, new_secret=new_secret, by=by),
        turns=SqlTurns(base),
        quota=quota,
        signing_in=links,
        tiers=tiers,
        clock=clock,
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[SigningIn]:
    """Open what makes links, for commands."""
    async with backends.stores(settings) as stores:
        yield signing_in(settings, stores.base, stores.identity, clock=SystemClock(), ids=SystemIds())
