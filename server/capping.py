"""The wiring of the caps: tiers, ledger and demand to what holds, watches and explains them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import ratelimit
from ratelimit.adaptive import Adaptive, AdaptiveLimiter
from ratelimit.explaining import Explainer
from ratelimit.waiting import WaitingLimiter
from server import backends
from server.adapters.accounts_sql import SqlAccounts
from server.adapters.audit_sql import SqlAudit
from server.adapters.clock_system import SystemClock
from server.adapters.database import Database
from server.adapters.document_sql import DEMAND, SqlDocument
from server.adapters.entitlements_sql import SqlEntitlements
from server.adapters.extras_sql import SqlExtras
from server.adapters.ids_system import SystemIds, new_secret
from server.adapters.policies_sql import SqlPolicies
from server.adapters.refusals_sql import SqlRefusals
from server.adapters.turns_sql import SqlTurns
from server.chat.adapting import Adapting
from server.chat.demand import Demand, Pins
from server.chat.entitlements import Entitling
from server.chat.explaining import Explaining
from server.chat.extras import ExtrasDesk, KnownExtras
from server.chat.policies import PolicyDesk
from server.chat.policing import Policing
from server.chat.refused import Remembering
from server.chat.simulating import Price, Simulating
from server.core.ports import Clock, Observer
from server.settings import Settings
from server.settings.policy import policy_of, shown, tiers_of

SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Capping:
    """All that has to do with caps on one node."""

    tiers: Callable[[], ratelimit.Tiers]
    limiter: ratelimit.Limits
    adaptive: Adaptive
    adapting: Adapting
    remembering: Remembering
    extras: KnownExtras
    explaining: Explaining
    giving: ExtrasDesk
    entitling: Entitling
    pins: Pins
    policing: Policing
    desk: PolicyDesk
    simulating: Simulating


def capping(
    settings: Settings,
    *,
    base: Database,
    ledger: ratelimit.Ledger,
    clock: Clock,
    observer: Observer,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Capping:
    """Return the caps of a node; `policing`, `adapting` and `remembering` have to be entered, in this order."""
    adaptive = _adaptive(settings, clock)
    policing = Policing(
        own=policy_of(settings),
        parse=lambda policy: tiers_of(policy, settings),
        policies=SqlPolicies(base),
        clock=clock,
        observer=observer,
        sleep=sleep,
    )

    def tiers() -> ratelimit.Tiers:
        return adaptive.tiers(policing.tiers())

    limiter = ratelimit.Limiter(
        tiers=tiers, ledger=ledger, lease_us=_lease(settings), clock=clock.now, prices=settings.prices()
    )
    document, refusals = SqlDocument(base, DEMAND), SqlRefusals(base)
    extras = KnownExtras(extras=SqlExtras(base), tiers=tiers, clock=clock)
    return Capping(
        tiers=tiers,
        limiter=WaitingLimiter(limiter=AdaptiveLimiter(limiter=limiter, adaptive=adaptive, tiers=tiers), tiers=tiers),
        adaptive=adaptive,
        adapting=Adapting(adaptive=adaptive, document=document, clock=clock, observer=observer, sleep=sleep),
        remembering=Remembering(refusals=refusals, clock=clock, observer=observer, sleep=sleep),
        extras=extras,
        explaining=_explaining(base, Explainer(tiers=tiers, ledger=ledger, clock=clock.now), extras, clock),
        giving=_giving(base, tiers, clock),
        entitling=Entitling(
            key=settings.caps.entitlement_key(),
            entitlements=SqlEntitlements(base),
            tiers=tiers,
            ids=SystemIds(),
            clock=clock,
        ),
        pins=_pins(settings, base, clock),
        policing=policing,
        desk=_desk(settings, base, clock),
        simulating=_simulating(settings, base, clock),
    )


@asynccontextmanager
async def pins(settings: Settings) -> AsyncIterator[Pins]:
    """Open what demand and operators have made of the caps, for commands."""
    async with backends.stores(settings) as opened:
        yield _pins(settings, opened.base, SystemClock())


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[PolicyDesk]:
    """Open the revisions of the policy, for commands."""
    async with backends.stores(settings) as opened:
        yield _desk(settings, opened.base, SystemClock())


async def live_tiers(settings: Settings) -> ratelimit.Tiers:
    """Return the tiers that hold: those of the live policy, or of the files where none was published."""
    async with backends.stores(settings) as opened:
        return await _live_tiers(settings, opened.base)


@asynccontextmanager
async def explaining(settings: Settings) -> AsyncIterator[Explaining]:
    """Open what explains the caps, for commands: what the stores know, which a running server may be ahead of."""
    clock = SystemClock()
    async with backends.stores(settings) as opened, backends.ledger_to_read(settings, clock) as ledger:
        adaptive, table = _adaptive(settings, clock), await _live_tiers(settings, opened.base)
        demand = Demand.read(await SqlDocument(opened.base, DEMAND).read())
        adaptive.publish(demand.published, demand.pins)
        extras = KnownExtras(extras=SqlExtras(opened.base), tiers=lambda: table, clock=clock)
        explainer = Explainer(tiers=lambda: adaptive.tiers(table), ledger=ledger, clock=clock.now)
        yield _explaining(opened.base, explainer, extras, clock)


@asynccontextmanager
async def giving(settings: Settings) -> AsyncIterator[ExtrasDesk]:
    """Open the grants and overrides, for commands."""
    async with backends.stores(settings) as opened:
        table = await _live_tiers(settings, opened.base)
        yield _giving(opened.base, lambda: table, SystemClock())


def _adaptive(settings: Settings, clock: Clock) -> Adaptive:
    return Adaptive(
        rules=settings.adaptive_rules(),
        upstreams={alias: model.upstreams for alias, model in settings.models_catalogue().items()},
        lease_us=_lease(settings),
        # Seconds are counted by a clock that never goes back.
        clock=lambda: round(clock.monotonic() * SECOND),
    )


def _explaining(base: Database, explainer: Explainer, extras: KnownExtras, clock: Clock) -> Explaining:
    return Explaining(
        explainer=explainer,
        accounts=_accounts(base, clock),
        extras=extras,
        turns=SqlTurns(base),
        refusals=SqlRefusals(base),
    )


def _giving(base: Database, tiers: Callable[[], ratelimit.Tiers], clock: Clock) -> ExtrasDesk:
    return ExtrasDesk(
        extras=SqlExtras(base), accounts=_accounts(base, clock), tiers=tiers, ids=SystemIds(), clock=clock
    )


def _simulating(settings: Settings, base: Database, clock: Clock) -> Simulating:
    return Simulating(
        parse=lambda policy: tiers_of(policy, settings),
        turns=SqlTurns(base),
        accounts=_accounts(base, clock),
        models=settings.models,
        prices={alias: Price(one.price.input, one.price.output) for alias, one in settings.models.items() if one.price},
        clock=clock,
    )


def _accounts(base: Database, clock: Clock) -> SqlAccounts:
    return SqlAccounts(base, ids=SystemIds(), clock=clock, new_secret=new_secret, by="server")


def _pins(settings: Settings, base: Database, clock: Clock) -> Pins:
    document = SqlDocument(base, DEMAND)
    return Pins(document=document, audit=SqlAudit(base), rules=settings.adaptive_rules(), clock=clock)


def _desk(settings: Settings, base: Database, clock: Clock) -> PolicyDesk:
    return PolicyDesk(
        policies=SqlPolicies(base), parse=lambda policy: tiers_of(policy, settings), shown=shown, clock=clock
    )


async def _live_tiers(settings: Settings, base: Database) -> ratelimit.Tiers:
    policies = SqlPolicies(base)
    number = (await policies.labels()).get("live")
    revision = None if number is None else await policies.revision(number)
    if revision is not None and revision.origin == "console":
        with suppress(ratelimit.InvalidTiers):
            return tiers_of(json.loads(revision.policy), settings)
    return settings.tier_table()


def _lease(settings: Settings) -> int:
    return round(settings.caps.lease.total_seconds() * SECOND)
