"""`parley caps`: what each tier comes to, why users are refused, and what demand and operators make of it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli import extras, policies
from server.cli.output import CommandError, as_json, as_table, moment, progress, remark, rfc3339, say
from server.cli.setup import ConfigOption, JsonOption, ago, read, stores

commands = typer.Typer(
    help="Show, explain and try usage caps; publish policies; fix caps by hand.", no_args_is_help=True
)


@commands.callback()
def group() -> None:
    """Check the usage caps, and fix them by hand while demand moves them."""


@commands.command("check")
def check(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Print the effective caps of every tier, or what is wrong with them."""
    settings = read(config)
    rows = [
        {
            "tier": row.tier,
            "id": row.id,
            "cap": row.cap,
            "models": list(row.models),
            "when_capped": row.when_capped,
        }
        for row in settings.tier_table().table()
    ]
    if json:
        as_json(rows)
    else:
        as_table(rows, empty="There are no caps.")


@commands.command("explain")
def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user's name.")],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The alias that they ask for.")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Say what one more message of a user would meet: each cap, what fills it, when that frees; and past refusals."""
    from server.capping import explaining

    async def explained() -> Mapping[str, Any]:
        async with explaining(read(config)) as opened:
            return await opened.explain(user, model)

    why = asyncio.run(explained())
    if json:
        as_json(why)
        return
    say(_verdict(why))
    for cap in why["caps"]:
        state = "passes" if cap["passes"] else f"refuses until {moment(cap['next_at'])}"
        lowered = f" (of {cap['base_cap']})" if cap["base_cap"] != cap["cap"] else ""
        say("")
        unit = "at once" if cap["unit"] == "concurrent-requests" else cap["unit"]
        say(f"{cap['id']}: {cap['used']} used and {cap['held']} running of {cap['cap']}{lowered} {unit}: {state}")
        as_table(_entries(cap["entries"]), empty="Nothing is in its window.")
    if why["refused"]:
        say("")
        say("Refused in the last day:")
        as_table(why["refused"], empty="")


@commands.command("simulate")
def simulate(
    policy: Annotated[Path, typer.Option("--policy", metavar="FILE", help="Other groups, tiers and default tier.")],
    since: Annotated[str, typer.Option("--since", metavar="7d", help="How far to look back.")] = "7d",
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Replay past use under another policy: who would have met which cap, and what it would have cost."""
    from server.chat.simulating import Price
    from server.chat.simulating import simulate as replay
    from server.settings.policy import read_policy, tiers_of

    settings = read(config)
    tiers = tiers_of(read_policy(policy, settings), settings)
    start = ago(since)

    async def simulated() -> dict[str, Any]:
        async with stores(settings) as opened:
            rows = await opened.turns.usage_rows(None, start)
            users = await opened.accounts.users()
        prices = {
            alias: Price(model.price.input, model.price.output)
            for alias, model in settings.models.items()
            if model.price
        }
        with progress("Replaying", len(rows), shown=not json) as step:
            return await replay(tiers, rows=rows, users=users, models=settings.models, prices=prices, progress=step)

    found = asyncio.run(simulated())
    if json:
        as_json(found)
        return
    say(
        f"{found['requests']} requests in {since}: {found['served']} served, "
        f"{found['by_fallback']} of them by a fallback, {found['refused']} refused."
    )
    say(f"Cost: ${found['cost_before_usd']:.2f} as it was, ${found['cost_after_usd']:.2f} under the policy.")
    if found["unpriced_models"]:
        say(f"Without a price, and not counted: {', '.join(found['unpriced_models'])}.")
    touched = [row for row in found["users"] if row["refused"] or row["by_fallback"]]
    as_table(touched, empty="Nobody would have met a cap.")


RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="The group or model that `adaptive` names.")]


@commands.command("adaptive")
def adaptive(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Show which part of their cap tiers have now, and what is fixed by hand."""
    rows = asyncio.run(_parts(config))
    if json:
        as_json(rows)
    else:
        as_table(rows, empty="Demand changes no caps: `adaptive` in the configuration is empty.")


@commands.command("pin")
def pin(
    rule: RuleArgument,
    parts: Annotated[list[str] | None, typer.Argument(metavar="TIER=50%", help="None: all as they are now.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="For whoever looks later.")] = "",
    config: ConfigOption = None,
) -> None:
    """Fix the caps of a rule by hand, on every running node within a second."""
    asked = dict(_part(text) for text in parts or [])

    from server.capping import pins

    async def pinned() -> None:
        async with pins(read(config)) as opened:
            await opened.pin(rule, asked, by="cli", reason=reason)

    asyncio.run(pinned())
    remark(f"The caps of {rule} are fixed. `parley caps unpin {rule}` lets them move again.")


@commands.command("unpin")
def unpin(rule: RuleArgument, config: ConfigOption = None) -> None:
    """Let the caps of a rule move again."""
    from server.capping import pins

    async def unpinned() -> bool:
        async with pins(read(config)) as opened:
            return await opened.unpin(rule, by="cli")

    if not asyncio.run(unpinned()):
        raise CommandError(f"The caps of {rule} are not fixed. `parley caps adaptive` shows what is.")
    remark(f"The caps of {rule} move with demand again.")


async def _parts(config: ConfigOption) -> list[dict[str, object]]:
    from server.capping import pins

    async with pins(read(config)) as opened:
        rules, demand = await opened.demand()
    return [
        {
            "rule": rule.name,
            "tier": tier,
            "percent": demand.part(rule, tier) / 10,
            "never_below": rule.floor(tier),
            "pinned": rule.name in demand.pins and tier in demand.pins[rule.name].parts,
            "lowered_at": rfc3339(demand.published[rule.name].since) if rule.name in demand.published else None,
            "shadow": rule.shadow,
        }
        for rule in rules
        for tier in rule.tiers
    ]


def _part(text: str) -> tuple[str, int]:
    tier, equals, percent = text.partition("=")
    number = percent.removesuffix("%")
    if not equals or not number.isdecimal() or len(number) > 3:  # noqa: PLR2004  100%
        raise typer.BadParameter(f"{text} is not a part of a cap. Write TIER=50%.", param_hint="TIER=50%")
    return tier, 10 * int(number)


def _verdict(why: Mapping[str, Any]) -> str:
    who = f"{why['user']} (tier {why['tier']})"
    match why["verdict"]:
        case "served":
            return f"{who} would be served by {why['model']} now."
        case "served_by_grant":
            return f"{who} would be served by {why['model']} now, and a grant pays for it."
        case "served_by_fallback":
            return f"{who} would be served by {why['served_by']}; {why['model']} is back {moment(why['next_at'])}."
        case "user_suspended":
            return f"{who} is suspended: everything is refused."
        case "model_not_in_tier":
            having = ", ".join(why["tiers_with_model"]) or "no tier. `parley caps check` shows what tiers have"
            return f"{who} may not use {why['model']}; it is part of: {having}."
        case "too_many_at_once":
            return f"{who} has as many answers running as the tier allows."
        case _:
            more = f" The tier {why['upgrade']} gives more." if why["upgrade"] else ""
            return f"{who} is refused {why['model']} until {moment(why['next_at'])}.{more}"


def _entries(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "sent_at": entry["at"],
            "amount": entry["amount"],
            "model": entry["model"],
            "state": "running" if entry["in_flight"] else "charged",
            "frees_at": entry["frees_at"],
        }
        for entry in entries
    ]


commands.command("grant")(extras.grant)
commands.command("override")(extras.override)
commands.command("extras")(extras.extras)
commands.command("void")(extras.void)
commands.command("policies")(policies.policies)
commands.command("diff")(policies.diff)
commands.command("publish")(policies.publish)
commands.command("rollback")(policies.rollback)
