"""The wiring: settings to adapters, adapters to use cases, use cases to doors."""

import asyncio
import hashlib
import hmac
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from server import admitting, backends, prompting
from server.adapters.answers_sql import SqlAnswers
from server.adapters.audit_sql import SqlAudit
from server.adapters.client_secrets_sql import SqlClientSecrets
from server.adapters.clock_system import SystemClock
from server.adapters.conversations_sql import SqlConversations
from server.adapters.database import Database
from server.adapters.ids_system import SystemIds, new_client_secret
from server.adapters.images_pillow import PillowCleaner
from server.adapters.images_sql import SqlImages
from server.adapters.keeping_sql import SqlKeeping
from server.adapters.moderator_rules import RulesModerator
from server.adapters.observer_logs import LogsObserver
from server.adapters.observer_prometheus import PrometheusObserver
from server.adapters.persona_files import FolderPersonas
from server.adapters.releases_sql import SqlReleases
from server.adapters.revisions_sql import SqlRevisions
from server.adapters.search_sql import SqlSearch
from server.adapters.turns_sql import SqlTurns
from server.adapters.upstream_embedded import EmbeddedUpstream
from server.adapters.upstream_openai import OpenAIUpstream
from server.adapters.upstream_scripted import ScriptedUpstream
from server.capping import capping
from server.chat.accepting import Accepting
from server.chat.adopting import Adopting
from server.chat.auditing import Auditing
from server.chat.client_secrets import SecretDesk
from server.chat.conversations import Conversations
from server.chat.files import FileShelf
from server.chat.keeping import Keeper
from server.chat.live_conversations import LiveConversations
from server.chat.mirrors import Mirrors
from server.chat.observing import Observers
from server.chat.operations import Operations
from server.chat.owning import Owning, Pace
from server.chat.pictures import Pictures
from server.chat.questions import Questions
from server.chat.quota import Quota
from server.chat.recent import Recent
from server.chat.releases import Releases, Weigh
from server.chat.reloading import Reloading
from server.chat.retaining import Retaining
from server.chat.routing import Routing
from server.chat.settling import Settling
from server.chat.stored import Stored
from server.chat.threads import Threads
from server.chat.titling import Titling
from server.chat.turns import Turns
from server.core.estimates import Lengths
from server.core.ports import Clock, Ids, Said, Upstream, Wakeups
from server.core.ports_images import Images
from server.core.wakes import PERSONAS
from server.edge.caps_news import CapsNews
from server.edge.doorkeeper import Doorkeeper
from server.edge.services import Services
from server.edge.sockets import Sockets
from server.edge.web import create
from server.settings import Settings
from server.settings import Upstream as UpstreamSettings

SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What tests put in the place of the real thing; None takes what the settings say."""

    clock: Clock | None = None
    ids: Ids | None = None
    upstreams: Mapping[str, Upstream] | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@asynccontextmanager
async def assembled(settings: Settings, parts: Parts = Parts()) -> AsyncIterator[Services]:
    """Open everything in the order in which it is needed, and close it in reverse.

    Raises what `backends.opened` does.
    """
    async with AsyncExitStack() as stack:
        clock, ids = parts.clock or SystemClock(), parts.ids or SystemIds()
        observers = Observers(LogsObserver())
        opened = await stack.enter_async_context(backends.opened(settings, clock=clock, observer=observers))
        engine = opened.base
        secret = await prompting.signing_secret(engine)
        catalogue = prompting.catalogue(settings, engine)
        files = FolderPersonas(
            settings.personas,
            groups=settings.groups,
            models=settings.models,
            record=settings.data / "personas-checked.json",
        )
        reloading = Reloading(
            files=files,
            revisions=SqlRevisions(engine),
            releases=SqlReleases(engine),
            catalogue=catalogue,
            wakeups=opened.wakeups,
            observer=observers,
            clock=clock,
        )
        await reloading.read()
        prompts = prompting.prompts(secret)
        stored, conversations, images = SqlTurns(engine), SqlConversations(engine), SqlImages(engine)
        cleaner = await stack.enter_async_context(PillowCleaner())
        pictures = Pictures(cleaner=cleaner, images=images, clock=clock)
        upstreams = parts.upstreams
        if upstreams is None:
            opening = prompts.opening(*catalogue.default(), now=clock.now())
            upstreams = {
                name: await stack.enter_async_context(_upstream(name, upstream, opening, images))
                for name, upstream in settings.upstreams.items()
                if upstream.disabled is None
            }
        caps = capping(settings, base=engine, ledger=opened.ledger, clock=clock, observer=observers, sleep=parts.sleep)
        limiter = caps.limiter
        lengths = {alias: Lengths() for alias in settings.models}
        moderator = RulesModerator(blocklist=settings.screening.blocklist)
        questions = Questions(
            prompts=prompts,
            moderator=moderator,
            user_tag=lambda user_id: hmac.new(secret, f"user:{user_id}".encode(), hashlib.sha256).hexdigest()[:32],
        )
        accepting = Accepting(
            clock=clock,
            ids=ids,
            threads=Threads(turns=stored, conversations=conversations, clock=clock, ids=ids),
            catalogue=catalogue,
            prompts=prompts,
            questions=questions,
            limiter=limiter,
            extras=caps.extras,
            moderator=moderator,
            pictures=pictures,
            lengths=lengths if settings.caps.estimate == "p95" else None,
        )
        settling = Settling(
            clock=clock,
            limiter=limiter,
            charges=stored,
            observer=observers,
            patience=round(settings.turns.lease.total_seconds() * SECOND),
            sleep=parts.sleep,
        )
        routing = Routing(upstreams, observers, capacity=caps.adaptive, clock=clock)
        owning = Owning(
            clock=clock,
            journal=opened.journal,
            conversations=conversations,
            adopting=Adopting(catalogue=catalogue, prompts=prompts, questions=questions),
            limiter=limiter,
            settling=settling,
            routing=routing,
            observer=observers,
            wakeups=opened.wakeups,
            pace=Pace(lease=settings.turns.lease.total_seconds(), linger=settings.turns.linger.total_seconds()),
            lengths=lengths,
            prices=settings.prices(),
            sleep=parts.sleep,
        )
        turns = Turns(
            clock=clock,
            journal=opened.journal,
            stored=stored,
            accepting=accepting,
            limiter=limiter,
            owning=owning,
            mirrors=Mirrors(journal=opened.journal, stored=stored, wakeups=opened.wakeups, observer=observers),
            pictures=pictures,
            titling=Titling(
                model=None if settings.titles is None else catalogue.find(settings.titles),
                routing=routing,
                store=conversations,
                moderator=moderator,
                wakeups=opened.wakeups,
                clock=clock,
                observer=observers,
            ),
            observer=observers,
            remember=caps.remembering.note,
            sleep=parts.sleep,
        )
        sockets = Sockets(
            random=random.random,
            most_per_user=settings.doors.sockets_per_user,
            most_per_network=settings.doors.sockets_per_network,
        )
        metrics = PrometheusObserver(running=lambda: turns.running, sockets=lambda: len(sockets))
        observers.join(metrics)
        await stack.enter_async_context(caps.policing)
        await stack.enter_async_context(caps.adapting)
        await stack.enter_async_context(caps.remembering)
        await stack.enter_async_context(reloading)
        await stack.enter_async_context(turns)
        followed = await stack.enter_async_context(
            LiveConversations(
                store=conversations,
                find=turns.find,
                wakeups=opened.wakeups,
                clock=clock,
                observer=observers,
                look_seconds=30.0 if opened.alone else 3.0,
                sleep=parts.sleep,
            )
        )
        retention = settings.retention.conversations
        await stack.enter_async_context(
            Retaining(
                keep=None if retention is None else round(retention.total_seconds() * SECOND),
                keeping=SqlKeeping(engine),
                store=conversations,
                live=followed,
                clock=clock,
                observer=observers,
                sleep=parts.sleep,
            )
        )
        adopted = await owning.adopt(everyone=opened.alone)
        for hold_id in set(opened.held) - adopted:
            await limiter.release(hold_id)
        quota = Quota(limiter=limiter, extras=caps.extras)
        signing_in = admitting.signing_in(settings, engine, opened.identity, clock=clock, ids=ids)
        recent = Recent(clock=clock, prices=settings.prices())
        observers.join(recent)
        observers.join(CapsNews(sockets))
        yield Services(
            turns=turns,
            stored=Stored(answers=SqlAnswers(engine), conversations=conversations, turns=turns),
            catalogue=catalogue,
            conversations=Conversations(store=conversations, live=followed, clock=clock),
            keeper=Keeper(
                keeping=SqlKeeping(engine),
                store=conversations,
                search=SqlSearch(engine),
                live=followed,
                moderator=moderator,
                clock=clock,
                ids=ids,
            ),
            moderator=moderator,
            files=FileShelf(cleaner=cleaner, images=images, files=images, clock=clock),
            secrets=SecretDesk(
                secrets=SqlClientSecrets(engine, ids=ids, new_secret=new_client_secret),
                catalogue=catalogue,
                tiers=caps.tiers,
                ids=ids,
                clock=clock,
            ),
            quota=quota,
            rewriting=prompting.rewriting(engine, catalogue, prompts, clock),
            operations=Operations(
                audit=Auditing(audit=SqlAudit(engine), clock=clock),
                releases=_releases(
                    engine, clock, files, opened.wakeups, prompting.weighing(settings, prompts).problems
                ),
                previewing=prompting.previewing(settings, files, prompts, clock),
                users=admitting.users(engine, quota=quota, links=signing_in, tiers=caps.tiers, clock=clock, ids=ids),
                recent=recent,
                simulating=caps.simulating,
                explaining=caps.explaining,
                extras=caps.giving,
                pins=caps.pins,
                policies=caps.desk,
                adaptive=caps.adaptive,
            ),
            entitling=caps.entitling,
            identity=opened.identity,
            signing_in=signing_in,
            clock=clock,
            ids=ids,
            sockets=sockets,
            doorkeeper=Doorkeeper(
                clock=clock.monotonic,
                requests=settings.doors.requests_per_minute,
                wrong_keys=settings.doors.wrong_keys_per_minute,
            ),
            observer=observers,
            metrics=metrics.metrics,
            ready=lambda: "draining" if sockets.draining else None,
            visitors=admitting.visitors(settings, secret, ids),
            allowed_origins=settings.allowed_origins,
            public_url=settings.public_url,
        )


def application(settings: Settings, parts: Parts = Parts()) -> FastAPI:
    """Return the web application; everything it needs is opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with assembled(settings, parts) as services:
            app.state.services = services
            yield

    return create(lifespan)


def _releases(engine: Database, clock: Clock, files: FolderPersonas, wakeups: Wakeups, weigh: Weigh) -> Releases:
    return Releases(
        revisions=SqlRevisions(engine),
        releases=SqlReleases(engine),
        files=files,
        clock=clock,
        weigh=weigh,
        tell=lambda: wakeups.publish(PERSONAS, b""),
    )


def _upstream(
    name: str, upstream: UpstreamSettings, opening: Sequence[Said], images: Images
) -> OpenAIUpstream | EmbeddedUpstream | ScriptedUpstream:
    timeouts = upstream.timeouts
    if upstream.base_url is not None:
        return OpenAIUpstream(
            name=name,
            base_url=upstream.base_url,
            api_key=upstream.api_key.get_secret_value() if upstream.api_key else None,
            timeout=timeouts.total.total_seconds(),
            connect_timeout=timeouts.connect.total_seconds(),
            first_token_timeout=timeouts.first_token.total_seconds(),
            idle_timeout=timeouts.idle.total_seconds(),
            max_retries=upstream.retries,
            images=images,
        )
    if upstream.embedded is not None:
        return EmbeddedUpstream(name=name, warm=[opening], idle_timeout=timeouts.idle.total_seconds())
    return ScriptedUpstream(idle_timeout=timeouts.idle.total_seconds())
