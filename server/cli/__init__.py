"""The `parley` command. Each module has one group of commands, which import what they need when they run."""

import sys
from collections.abc import Sequence

import typer

from server import __version__
from server.cli import (
    caps,
    chat,
    config,
    data,
    doctor,
    failures,
    keys,
    login,
    personas,
    prompts,
    releases,
    serve,
    users,
)
from server.cli.output import as_json, say
from server.cli.setup import ConfigOption, JsonOption, given

app = typer.Typer(
    name="parley",
    help="Parley: a self-hosted chat assistant backend.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    # The list of commands stands in one line each.
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
app.command("serve")(serve.serve)
app.command("chat")(chat.chat)
app.command("login")(login.login)
app.add_typer(keys.commands, name="keys")
app.add_typer(users.commands, name="users")
app.add_typer(personas.commands, name="personas")
for release in (
    releases.revisions,
    releases.diff,
    releases.publish,
    releases.rollback,
    releases.rollout,
    releases.recall,
):
    personas.commands.command(release.__name__)(release)
personas.commands.command("prompt")(prompts.prompt)
app.add_typer(caps.commands, name="caps")
app.add_typer(config.commands, name="config")
app.command("migrate")(data.migrate)
app.command("backup")(data.backup)
app.command("restore")(data.restore)
app.command("doctor")(doctor.doctor)


@app.callback()
def everywhere(config: ConfigOption = None) -> None:
    """Take the configuration that holds for whichever command follows."""
    given.set(config)


@app.command("version")
def version(json: JsonOption = False) -> None:
    """Print the version."""
    if json:
        as_json({"version": __version__})
    else:
        say(f"parley {__version__}")


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 not understood. Failures are lines on stderr."""
    try:
        app(args=list(arguments))
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  the last place before a traceback would be shown
        return failures.tell(error)
    return 0


def main() -> None:
    """Run the command that this process was started with."""
    sys.exit(run(sys.argv[1:]))
