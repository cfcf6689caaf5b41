"""`parley keys`: make, list and revoke keys."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.output import CommandError, as_json, as_table, remark, rfc3339, say
from server.cli.setup import ConfigOption, JsonOption, now, read, stores
from server.core.ports_operator import Key
from server.core.records import Role

if TYPE_CHECKING:
    from server.settings import Settings

commands = typer.Typer(help="Make, list and revoke keys.", no_args_is_help=True)


@commands.command("create")
def create(
    user: Annotated[str, typer.Option("--user", metavar="USER", help="Whose key; made if new.")],
    tier: Annotated[
        str | None, typer.Option("--tier", metavar="TIER", help="The user's tier; else the default one, or as it is.")
    ] = None,
    role: Annotated[Role, typer.Option("--role", help="What the key may do.")] = Role.USER,
    expires: Annotated[str | None, typer.Option("--expires", metavar="30d", help="When it stops working.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make a key and print it. It cannot be shown again."""
    if not user.strip() or not user.isprintable():
        raise typer.BadParameter("A name is one line of visible characters.", param_hint="--user")
    settings = read(config)
    check_tier(settings, tier)
    at = now()
    until = None if expires is None else at + _micros(expires)

    async def make() -> str:
        async with stores(settings) as opened:
            secret, _ = await opened.accounts.create_key(
                user=user, tier=tier, default_tier=settings.default_tier, role=role, expires_at=until, now=at
            )
            return secret

    say(asyncio.run(make()))


@commands.command("list")
def list_(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List all keys, revoked and expired ones too."""
    settings = read(config)

    async def keys() -> list[Key]:
        async with stores(settings) as opened:
            return list(await opened.accounts.keys())

    rows = [
        {
            "id": key.id,
            "kind": key.kind,
            "user": key.user,
            "role": key.role.value,
            "hint": key.hint,
            "created_at": rfc3339(key.created_at),
            "expires_at": rfc3339(key.expires_at),
            "revoked_at": rfc3339(key.revoked_at),
        }
        for key in asyncio.run(keys())
    ]
    if json:
        as_json(rows)
    else:
        as_table(rows, empty="There are no keys. Make one: parley keys create --user NAME")


@commands.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it.")],
    config: ConfigOption = None,
) -> None:
    """Revoke a key for good. A running server sees it at once."""
    settings = read(config)

    async def end() -> bool:
        async with stores(settings) as opened:
            return await opened.accounts.revoke_key(key, now())

    if not asyncio.run(end()):
        raise CommandError(f"There is no key {key} that still works. `parley keys list` shows all.")
    remark(f"Revoked {key}.")


def check_tier(settings: "Settings", tier: str | None) -> None:
    """Refuse a tier that neither the configuration nor the live policy has."""
    if tier is None or tier in settings.tiers:
        return
    from server.capping import live_tiers

    live = asyncio.run(live_tiers(settings)).by_name
    if tier not in live:
        raise CommandError(f"There is no tier {tier}. Name one of: {', '.join({**settings.tiers, **live})}.")


def _micros(duration: str) -> int:
    from server.settings.values import parse_duration

    try:
        return int(parse_duration(duration).total_seconds()) * 1_000_000
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expires") from error
