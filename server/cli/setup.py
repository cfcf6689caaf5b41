"""What commands begin with: the configuration that holds, and the stores of its database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from server.chat.releases import Releases
    from server.core.ports import Turns
    from server.core.ports_operator import Accounts, Identity, Refusals
    from server.settings import Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration; else PARLEY_CONFIG, else ./parley.yaml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print bare JSON.")]

given: ContextVar[Path | None] = ContextVar("given", default=None)
"""The configuration that was named before the command."""


def read(config: Path | None) -> "Settings":
    """Return the settings: from `config`, from what was named before the command, or from where they are by default."""
    from server.settings import from_machine

    return from_machine(config or given.get())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The stores that commands work on, beside a running server."""

    accounts: "Accounts"
    identity: "Identity"
    releases: "Releases"
    turns: "Turns"
    refusals: "Refusals"


@asynccontextmanager
async def stores(settings: "Settings") -> AsyncIterator[Stores]:
    """Open the stores of the configured database, which is brought up to date if need be."""
    from server import backends
    from server.adapters.accounts_sql import SqlAccounts
    from server.adapters.clock_system import SystemClock
    from server.adapters.ids_system import SystemIds, new_secret
    from server.adapters.persona_files import FolderPersonas
    from server.adapters.refusals_sql import SqlRefusals
    from server.adapters.releases_sql import SqlReleases
    from server.adapters.revisions_sql import SqlRevisions
    from server.adapters.turns_sql import SqlTurns
    from server.chat.releases import Releases

    async with backends.stores(settings) as opened:
        base = opened.base
        yield Stores(
            accounts=SqlAccounts(base, ids=SystemIds(), clock=SystemClock(), new_secret=new_secret, by="cli"),
            identity=opened.identity,
            releases=Releases(
                revisions=SqlRevisions(base),
                releases=SqlReleases(base),
                files=FolderPersonas(settings.personas, groups=settings.groups, models=settings.models),
                clock=SystemClock(),
                # Commands that change what answers write nothing; `lint` weighs.
                weigh=lambda *_: (),
            ),
            turns=SqlTurns(base),
            refusals=SqlRefusals(base),
        )


def now() -> int:
    """Return microseconds since the epoch."""
    from server.adapters.clock_system import SystemClock

    return SystemClock().now()


def ago(since: str) -> int:
    """Return the time that lies `since`, such as `7d`, before now."""
    from server.settings.values import parse_duration

    try:
        return now() - int(parse_duration(since).total_seconds()) * 1_000_000
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
