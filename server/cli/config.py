"""`parley config`: what holds, and what may be written."""

import typer

from server.cli.output import as_json, remark, say
from server.cli.setup import ConfigOption, JsonOption, read

commands = typer.Typer(help="Check the configuration.", no_args_is_help=True)


@commands.command("check")
def check(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Print the effective configuration with secrets masked, or every mistake with its line and the way out."""
    settings = read(config)
    if json:
        as_json(settings.masked())
        return
    import yaml

    say(yaml.safe_dump(settings.masked(), sort_keys=False, allow_unicode=True).rstrip())
    for warning in settings.warnings():
        remark(f"warning: {warning}")


@commands.command("schema")
def schema() -> None:
    """Print the JSON Schema of parley.yaml, for editors."""
    from server.settings import file_schema

    as_json(file_schema())
