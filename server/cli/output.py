"""How commands speak: results on stdout, remarks on stderr, JSON bare."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any


class CommandError(Exception):
    """The command cannot do what it was asked; the message is one line that says the way out."""


def say(line: str) -> None:
    """Print a line of the result."""
    print(line, flush=True)  # noqa: T201  this is where commands print


def remark(line: str) -> None:
    """Print a line that is not part of the result."""
    print(line, file=sys.stderr)  # noqa: T201  this is where commands print


def as_json(value: Any) -> None:
    """Print a result for programs."""
    say(json.dumps(value, ensure_ascii=False, indent=2))


def as_yaml(value: Any) -> None:
    """Print a result for people: texts of several lines keep their lines."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """The safe one, with blocks."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    say(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10_000).rstrip())


def as_table(rows: Sequence[Mapping[str, Any]], *, empty: str) -> None:
    """Print rows for people, a column for each key of the first; `empty` stands for no rows."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(moment(value) if name.endswith("_at") else _cell(value) for name, value in row.items()))
    # A pipe has no width: cells are not to be cut for one that is made up.
    console = Console(width=None if sys.stdout.isatty() else 10_000, markup=False, highlight=False)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        say(line.rstrip())


@contextmanager
def progress(what: str, total: int, *, shown: bool) -> Iterator[Callable[[], None]]:
    """Show on a terminal how far work of `total` steps is; call what it gives after each step."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not (shown and console.is_terminal)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def rfc3339(micros: int | None) -> str | None:
    """Return a time in microseconds since the epoch as text, None for None."""
    if micros is None:
        return None
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return moment.isoformat().replace("+00:00", "Z")


def moment(value: str | None) -> str:
    """Return an RFC 3339 time as people read it in a column, to the second."""
    return f"{value[:19].replace('T', ' ')} UTC" if value else "-"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {inner}" for key, inner in value.items()) or "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return str(value)
