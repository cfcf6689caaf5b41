"""`parley migrate`, `parley backup` and `parley restore`: the care of the database."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.output import CommandError, remark
from server.cli.setup import ConfigOption, read

if TYPE_CHECKING:
    from server.settings import Settings


def migrate(config: ConfigOption = None) -> None:
    """Bring the database up to date. `serve` does it too."""
    from server import backends

    settings = read(config)
    migrated = asyncio.run(backends.migrate(settings))
    place = backends.place(settings)
    remark(f"{place} is up to date now." if migrated else f"{place} was up to date.")


def backup(
    to: Annotated[Path, typer.Argument(metavar="TO", help="The file to write; it must not exist.")],
    config: ConfigOption = None,
) -> None:
    """Copy the SQLite database while the server runs.

    The copy is of one moment. PostgreSQL has `pg_dump` for it.
    """
    from rich.console import Console
    from rich.progress import Progress

    from server.adapters import database

    path = _file(read(config), "pg_dump --format=custom --file=TO")
    if not path.is_file():
        raise CommandError(f"There is no database at {path} yet: nothing to back up.")
    if to.is_dir():
        raise CommandError(f"{to} is a folder. Name a file in it: {to / database.FILE}")
    if to.exists():
        raise CommandError(f"{to} exists and is not overwritten. Name a new file.")
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("Copying", total=None)
        database.backup(path, to, lambda done, total: progress.update(task, completed=done, total=total))
    remark(f"{to} has the database ({to.stat().st_size:,} bytes). `parley restore {to}` brings it back.")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A file that `backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Give up the database that is there now.")] = False,
    config: ConfigOption = None,
) -> None:
    """Put a backup of the SQLite database back. The server must not run."""
    from server.adapters import database
    from server.adapters.data_lock import locked

    path = _file(read(config), "pg_restore --clean --if-exists --dbname=URI FROM, while no node runs")
    if not source.is_file():
        raise CommandError(f"There is no file {source}. Name one that `parley backup` wrote.")
    if path.exists() and not replace:
        raise CommandError(
            f"There is a database at {path}. Add --replace to give it up, after a `parley backup` of it."
        )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(path.parent):
        try:
            database.restore(source, path)
        except database.NotADatabase as error:
            raise CommandError(f"{error}. Name a file that `parley backup` wrote.") from error
    remark(f"{path} is as it was in {source}.")


def _file(settings: "Settings", instead: str) -> Path:
    """Return the file of the database. Raises `CommandError` with what serves PostgreSQL."""
    from server.adapters import database

    if not settings.embedded_database:
        raise CommandError(f"This database is PostgreSQL, which has its own tools for it: {instead}.")
    return settings.data / database.FILE
