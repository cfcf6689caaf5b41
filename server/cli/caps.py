"""`parley caps`: what each tier comes to."""

import typer

from server.cli.output import as_json, as_table
from server.cli.setup import ConfigOption, JsonOption, read

commands = typer.Typer(help="Check the usage caps.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Check the usage caps."""


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
