"""`parley login`: a link that signs a browser in."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.keys import check_tier
from server.cli.output import say
from server.cli.setup import ConfigOption, read
from server.core.records import Role

if TYPE_CHECKING:
    from server.settings import Settings


def login(
    user: Annotated[str, typer.Option("--user", metavar="USER", help="Who is signed in; made if new.")] = "local",
    tier: Annotated[
        str | None, typer.Option("--tier", metavar="TIER", help="The user's tier; else the default one, or as it is.")
    ] = None,
    role: Annotated[Role, typer.Option("--role", help="What they may do; operators come to the console.")] = Role.USER,
    config: ConfigOption = None,
) -> None:
    """Print a link that signs a browser in, once, within ten minutes."""
    from server.chat.signing_in import path_of
    from server.cli.chat import local_url

    if not user.strip() or not user.isprintable():
        raise typer.BadParameter("A name is one line of visible characters.", param_hint="--user")
    settings = read(config)
    check_tier(settings, tier)
    code = asyncio.run(code_for(settings, user, tier=tier, role=role))
    say(f"{(settings.public_url or local_url(settings)).rstrip('/')}{path_of(code, role)}")


async def code_for(settings: "Settings", user: str, *, tier: str | None, role: Role) -> str:
    """Return a code that signs the user in once."""
    from server import admitting

    async with admitting.opened(settings) as signing_in:
        return await signing_in.code(user, role=role, by="cli", tier=tier)
