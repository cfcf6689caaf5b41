"""The wiring of prompts: personas, models and token tables to what writes prompts, and writes them again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache

from server import backends
from server.adapters.audit_sql import SqlAudit
from server.adapters.clock_system import SystemClock
from server.adapters.conversations_sql import SqlConversations
from server.adapters.database import Database
from server.adapters.ids_system import new_signing_secret
from server.adapters.meta_sql import kept
from server.adapters.revisions_sql import SqlRevisions
from server.adapters.tokens_tiktoken import TiktokenTokens
from server.adapters.turns_sql import SqlTurns
from server.chat.catalogue import Catalogue
from server.chat.persona_files import PersonaFiles
from server.chat.previewing import Previewing
from server.chat.prompts import Prompts
from server.chat.rewriting import Rewriting
from server.chat.weighing import Weighing
from server.core.ports import Clock
from server.core.screening import make_marker
from server.settings import Settings


def catalogue(settings: Settings, base: Database) -> Catalogue:
    """Return who can answer: the models, and the personas once they are taken."""
    return Catalogue(
        models=settings.models_catalogue(),
        groups=settings.groups,
        default_model=settings.default_model,
        default_persona=settings.default_persona,
        revisions=SqlRevisions(base),
    )


async def signing_secret(base: Database) -> bytes:
    """Return the secret of this deployment, which is made once."""
    return await kept(base, "signing_secret", new_signing_secret)


def prompts(secret: bytes) -> Prompts:
    """Return what writes prompts, with markers of this secret."""
    return Prompts(tokens=TiktokenTokens(), marker=lru_cache(lambda digest: make_marker(secret, digest)))


def weighing(settings: Settings, writing: Prompts) -> Weighing:
    """Return what says which personas are too long for their models."""
    return Weighing(
        models=settings.models_catalogue(),
        groups=settings.groups,
        default_model=settings.default_model,
        prompts=writing,
    )


def previewing(settings: Settings, files: PersonaFiles, writing: Prompts, clock: Clock) -> Previewing:
    """Return what shows operators what a model would get of a text."""
    return Previewing(
        files=files,
        prompts=writing,
        models=settings.models_catalogue(),
        default_model=settings.default_model,
        clock=clock,
    )


def rewriting(base: Database, known: Catalogue, writing: Prompts, clock: Clock) -> Rewriting:
    """Return what writes prompts again."""
    return Rewriting(
        turns=SqlTurns(base),
        anyones=SqlTurns(base),
        conversations=SqlConversations(base),
        catalogue=known,
        prompts=writing,
        audit=SqlAudit(base),
        clock=clock,
    )


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Rewriting]:
    """Open what writes prompts again, for commands."""
    async with backends.stores(settings) as stores:
        writing = prompts(await signing_secret(stores.base))
        yield rewriting(stores.base, catalogue(settings, stores.base), writing, SystemClock())
