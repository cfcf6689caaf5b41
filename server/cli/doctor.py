"""`parley doctor`: is everything in place, and if not, what to do."""

import sys
from dataclasses import asdict

import typer

from server.cli.output import as_json, say
from server.cli.setup import ConfigOption, JsonOption, read

_COLOURS = {"ok": "32", "warn": "33", "fail": "31"}


def doctor(json: JsonOption = False, config: ConfigOption = None) -> None:
    """Check everything that the server needs.

    Each line says ok, warn or fail, and the cure. Fails if one line does.
    """
    from server.cli import checks
    from server.cli.check import Check
    from server.settings import ConfigError

    try:
        settings = read(config)
    except ConfigError as error:
        found = [Check("configuration", "fail", str(problem), "") for problem in error.problems]
    else:
        found = checks.examine(settings)
    if json:
        as_json([asdict(check) for check in found])
    else:
        for check in found:
            say(f"{_coloured(check.state)} {check.name:<14} {check.text} {check.cure}".rstrip())
    if any(check.state == "fail" for check in found):
        raise typer.Exit(1)


def _coloured(state: str) -> str:
    return f"\x1b[{_COLOURS[state]}m{state:<4}\x1b[0m" if sys.stdout.isatty() else f"{state:<4}"
