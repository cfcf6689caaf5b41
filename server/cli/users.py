"""`parley users`: who there is, what tier they have, what they used."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from server.cli.keys import check_tier
from server.cli.output import CommandError, as_json, as_table, remark, rfc3339, say
from server.cli.setup import ConfigOption, JsonOption, ago, read, stores
from server.core.ports_operator import Refusal, User
from server.core.records import UsageRow

commands = typer.Typer(help="List users, change their tier, suspend them, see what they used.", no_args_is_help=True)

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]


@commands.command("list")
def list_(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List all users."""
    settings = read(config)

    async def users() -> Sequence[User]:
        async with stores(settings) as opened:
            return await opened.accounts.users()

    rows = [_row(user) for user in asyncio.run(users())]
    if json:
        as_json(rows)
    else:
        as_table(rows, empty="There are no users. Make one with a key: parley keys create --user NAME")


@commands.command("set-tier")
def set_tier(
    user: UserArgument,
    tier: Annotated[str, typer.Argument(metavar="TIER", help="One of the configuration's tiers.")],
    config: ConfigOption = None,
) -> None:
    """Give a user another tier."""
    settings = read(config)
    check_tier(settings, tier)
    _change(user, config, f"{user} has tier {tier} now.", tier=tier)


@commands.command("set-organisation")
def set_organisation(
    user: UserArgument,
    organisation: Annotated[
        str, typer.Argument(metavar="[ORGANISATION]", help="Whose pools the user shares; none if left out.")
    ] = "",
    config: ConfigOption = None,
) -> None:
    """Put a user into an organisation, whose pools they share from then on; or into none."""
    if not organisation.isprintable() or len(organisation) > 255:  # noqa: PLR2004  as long as names are
        raise typer.BadParameter("A name is one line of visible characters.", param_hint="ORGANISATION")
    done = f"{user} belongs to {organisation} now." if organisation else f"{user} belongs to no organisation now."
    _change(user, config, done, organisation=organisation)


@commands.command("suspend")
def suspend(user: UserArgument, config: ConfigOption = None) -> None:
    """Refuse everything a user asks for, until `resume`."""
    _change(user, config, f"{user} is suspended.", suspended=True)


@commands.command("resume")
def resume(user: UserArgument, config: ConfigOption = None) -> None:
    """Let a suspended user in again."""
    _change(user, config, f"{user} is let in again.", suspended=False)


@commands.command("usage")
def usage(
    user: UserArgument,
    since: Annotated[str, typer.Option("--since", metavar="7d", help="How far to look back.")] = "30d",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Show what a user used of each model, and what they were refused."""
    from server.chat.explaining import refusal
    from server.chat.users import summed

    settings = read(config)
    start = ago(since)

    async def used() -> tuple[Sequence[UsageRow], Sequence[Refusal]]:
        async with stores(settings) as opened:
            found = await opened.accounts.user(user)
            if found is None:
                raise _nobody(user)
            return await opened.turns.usage_rows(found.id, start), await opened.refusals.of(found.id, start)

    rows, refusals = asyncio.run(used())
    if json:
        as_json(summed(rows))
        return
    as_table(summed(rows), empty=f"{user} used nothing in the last {since}.")
    if refusals:
        say("")
        say("Refused:")
        as_table([refusal(one) for one in refusals], empty="")


def _change(
    name: str,
    config: ConfigOption,
    done: str,
    *,
    tier: str | None = None,
    suspended: bool | None = None,
    organisation: str | None = None,
) -> None:
    settings = read(config)

    async def change() -> User | None:
        async with stores(settings) as opened:
            return await opened.accounts.change_user(name, tier=tier, suspended=suspended, organisation=organisation)

    if asyncio.run(change()) is None:
        raise _nobody(name)
    remark(done)


def _nobody(name: str) -> CommandError:
    return CommandError(f"There is no user {name}. `parley users list` shows all.")


def _row(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "tier": user.tier,
        "organisation": user.organisation,
        "suspended": user.suspended,
        "created_at": rfc3339(user.created_at),
        "id": user.id,
    }
