"""`parley serve`: run the server."""

import asyncio
import shlex
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.output import CommandError, remark, say
from server.cli.setup import ConfigOption, given, read

if TYPE_CHECKING:
    from server.settings import Settings


_HERE = ("PARLEY_CONFIG", "PARLEY_DATA", "PARLEY_LISTEN")
"""What this terminal may say of the server and another one does not know."""


def serve(
    welcome: Annotated[
        bool, typer.Option("--welcome", help="Print a link to sign in with and a key, for a first try.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Run the server until it is told to stop."""
    from server import serving
    from server.cli.chat import USER, local_key
    from server.cli.login import code_for
    from server.core.records import Role

    settings = read(config)
    for warning in settings.warnings():
        remark(f"warning: {warning}")
    prepare(settings)
    key = local_key(settings) if welcome else None
    code = asyncio.run(code_for(settings, USER, tier=None, role=Role.OPERATOR)) if welcome else ""
    if welcome:
        remark("Starting. This takes a few seconds.")

    def ready(address: str) -> None:
        if key is None:
            say(f"Parley accepts requests at {address}")
        else:
            chat = chat_command(settings, config or given.get(), address, key)
            login = login_command(config or given.get())
            say(welcome_text(settings, address, key, code=code, chat=chat, login=login))

    try:
        serving.serve(settings, ready=ready)
    except KeyboardInterrupt:
        # Ctrl-C is how people stop it: by now all is closed, and nothing went wrong.
        remark("Stopped.")


def prepare(settings: "Settings") -> None:
    """Bring the database up to date.

    Raises `DataInUse` or `CommandError` if another process has the data folder or the address.
    """
    from server import backends
    from server.adapters.data_lock import locked
    from server.cli.checks import in_the_way

    with ExitStack() as stack:
        if settings.embedded_database:
            settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            stack.enter_context(locked(settings.data))
        asyncio.run(backends.migrate(settings))
    if reason := in_the_way(settings.listen):
        other = settings.listen._replace(port=settings.listen.port + 1)
        raise CommandError(f"{reason} Stop what uses it, or listen elsewhere: PARLEY_LISTEN={other}")


def welcome_text(settings: "Settings", address: str, key: str, *, code: str, chat: str, login: str) -> str:
    """Return what a newcomer needs to get a first answer.

    `code` signs a browser in once; `login` is the command for another one, `chat` the one that talks in the terminal.
    """
    page = (settings.public_url or address).rstrip("/")
    model = settings.default_model
    kept = settings.data if settings.embedded_database else "the database"
    small = "It answers from a small demonstration model. To use a real one: docs/models.md\n"
    return f"""
Parley accepts requests at {address}
{small if settings.models_catalogue()[model].demonstration else ""}
In a browser; the link signs you in once, within ten minutes:

  {page}/login#{code}

  {page}/console is for operators. Another link:
  {login}

In another terminal:

  {chat} --persona socratic-tutor

From any program, with this key of the user "local":

  curl {address}/v1/chat/completions \\
    -H "Authorization: Bearer {key}" \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello!"}}]}}'

From Python, with the OpenAI SDK (pip install openai):

  from openai import OpenAI
  client = OpenAI(
      base_url="{address}/v1",
      api_key="{key}",
  )
  print(client.responses.create(model="{model}", input="Hello!").output_text)

Ctrl-C stops the server. What was said stays in {kept}.
"""


def login_command(config: Path | None) -> str:
    """Return the command that makes another link for the operator of this machine, in another terminal."""
    from server.settings import variable

    options = ["--config", str(config)] if config else []
    here_alone = [f"{name}={shlex.quote(value)}" for name in _HERE if (value := variable(name))]
    return " ".join([*here_alone, shlex.join([*_program(), "login", "--role", "operator", *options])])


def chat_command(settings: "Settings", config: Path | None, address: str, key: str) -> str:
    """Return the command that talks to this server from another terminal in the same folder."""
    from server.cli.chat import local_url
    from server.settings import variable

    # What this terminal's environment says is not known in the other one.
    here_alone = any(variable(name) for name in _HERE)
    if here_alone or local_url(settings) != address:
        options = ["--url", address, "--key", key]
    else:
        options = ["--config", str(config)] if config else []
    return shlex.join([*_program(), "chat", *options])


def _program() -> list[str]:
    """Return how this program was called, as it can be called again from the same folder."""
    called = Path(sys.argv[0])
    return [str(called)] if called.name == "parley" else [sys.executable, "-m", "server"]
