"""`parley config`: what holds, and what may be written."""

import typer

from server.cli.output import as_json, as_yaml, remark
from server.cli.setup import ConfigOption, JsonOption, read

commands = typer.Typer(help="Check the configuration; print its schema.", no_args_is_help=True)


@commands.command("check")
def check(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Print what holds, or every mistake.

    Secrets are masked. A mistake comes with its line and the way out.
    """
    settings = read(config)
    if json:
        as_json(settings.masked())
        return
    as_yaml(settings.masked())
    for warning in settings.warnings():
        remark(f"warning: {warning}")


@commands.command("schema")
def schema() -> None:
    """Print the JSON Schema of parley.yaml, for editors."""
    from server.settings import file_schema

    as_json(file_schema())
