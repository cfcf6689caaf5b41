"""`parley caps`: what each tier comes to, and what demand and operators make of it."""

import asyncio
from typing import Annotated

import typer

from server.cli.output import CommandError, as_json, as_table, remark, rfc3339
from server.cli.setup import ConfigOption, JsonOption, pins, read

commands = typer.Typer(help="Check the usage caps, and fix them by hand while demand moves them.", no_args_is_help=True)


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

    async def pinned() -> None:
        async with pins(read(config)) as opened:
            await opened.pin(rule, asked, by="cli", reason=reason)

    asyncio.run(pinned())
    remark(f"The caps of {rule} are fixed. `parley caps unpin {rule}` lets them move again.")


@commands.command("unpin")
def unpin(rule: RuleArgument, config: ConfigOption = None) -> None:
    """Let the caps of a rule move again."""

    async def unpinned() -> bool:
        async with pins(read(config)) as opened:
            return await opened.unpin(rule, by="cli")

    if not asyncio.run(unpinned()):
        raise CommandError(f"The caps of {rule} are not fixed. `parley caps adaptive` shows what is.")
    remark(f"The caps of {rule} move with demand again.")


async def _parts(config: ConfigOption) -> list[dict[str, object]]:
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
