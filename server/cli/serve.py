"""`parley serve`: run the server."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.output import remark, say
from server.cli.setup import ConfigOption, read

if TYPE_CHECKING:
    from server.settings import Settings


def serve(
    welcome: Annotated[bool, typer.Option("--welcome", help="Print a key and how to use it, for a first try.")] = False,
    config: ConfigOption = None,
) -> None:
    """Run the server until it is told to stop."""
    from server import app
    from server.cli.chat import local_key

    settings = read(config)
    for warning in settings.warnings():
        remark(f"warning: {warning}")
    key = local_key(settings) if welcome else None

    def ready(address: str) -> None:
        say(f"Parley accepts requests at {address}" if key is None else welcome_text(settings, address, key))

    app.serve(settings, ready=ready)


def welcome_text(settings: "Settings", address: str, key: str) -> str:
    """Return what a newcomer needs to get a first answer."""
    model = settings.default_model
    small = "\nIt answers from a small demonstration model: name a better one in parley.yaml (docs/configuration.md).\n"
    return f"""
Parley accepts requests at {address}
{small if settings.models_catalogue()[model].demonstration else ""}
Talk to it in another terminal:

  {_command()} chat --persona socratic-tutor

Or from a program; this key of the user "local" works:

  curl {address}/v1/chat/completions \\
    -H "Authorization: Bearer {key}" -H "Content-Type: application/json" \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

  from openai import OpenAI
  client = OpenAI(base_url="{address}/v1", api_key="{key}")
  print(client.responses.create(model="{model}", input="Hello!").output_text)

Ctrl-C stops the server.
"""


def _command() -> str:
    """Return how this program was called, as it can be called again from the same folder."""
    called = Path(sys.argv[0])
    if called.name != "parley":
        return f"{sys.executable} -m server"
    return str(called)
