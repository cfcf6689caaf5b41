"""`parley chat`: talk in the terminal."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.setup import ConfigOption, now, read, stores

if TYPE_CHECKING:
    from server.settings import Settings

KEY_FILE = "cli-key"
USER = "local"
_TIER = "plus"


def chat(
    persona: Annotated[str | None, typer.Option("--persona", metavar="NAME", help="Who answers.")] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Which model answers.")] = None,
    conversation: Annotated[
        str | None, typer.Option("--conversation", metavar="ID", help="Go on with a stored one.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", envvar="PARLEY_KEY", help="Your key; else a local one.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", envvar="PARLEY_URL", help="The server; else the local one.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Talk to a running server. Ctrl-C stops an answer, Ctrl-D leaves.

    Without --key, a key of the user `local` is made in the data folder of the configuration and kept there.
    """
    from server.cli.lines import Lines
    from server.cli.slash import Choice
    from server.cli.talk import Talk

    if url is None or key is None:
        settings = read(config)
        url = url or local_url(settings)
        key = key or local_key(settings)
    lines = Lines(sys.stdin, sys.stdout, sys.stderr)
    with asyncio.Runner() as runner:
        choice = Choice(persona, model, conversation)
        talk = Talk(url, key, lines=lines, run=runner.run, choice=choice)
        raise typer.Exit(talk.go_on())


def local_url(settings: "Settings") -> str:
    """Return where the server of this configuration is reached from this machine."""
    host = settings.listen.host
    if host in {"0.0.0.0", "::", "*"}:  # noqa: S104  asked, not bound
        host = "127.0.0.1"
    return f"http://{settings.listen._replace(host=host)}"


def local_key(settings: "Settings") -> str:
    """Return the key that the data folder keeps for this machine's user, making one if there is none that works."""
    file = settings.data / KEY_FILE
    with suppress(FileNotFoundError):
        secret = file.read_text(encoding="ascii").strip()
        if asyncio.run(_works(settings, secret)):
            return secret
    secret = asyncio.run(_made(settings))
    _keep(file, secret)
    return secret


async def _works(settings: "Settings", secret: str) -> bool:
    from server.core.errors import Refused

    async with stores(settings) as opened:
        try:
            await opened.identity.actor(secret, now())
        except Refused:
            return False
    return True


async def _made(settings: "Settings") -> str:
    from server.core.records import Role

    tier = _TIER if _TIER in settings.tiers else settings.default_tier
    async with stores(settings) as opened:
        secret, _ = await opened.accounts.create_key(
            user=USER, tier=tier, default_tier=tier, role=Role.USER, expires_at=None, now=now()
        )
    return secret


def _keep(file: Path, secret: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(secret + "\n", encoding="ascii")
