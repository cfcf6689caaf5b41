"""How commands speak: results on stdout, remarks on stderr, JSON bare."""

import json
import sys
from collections.abc import Mapping, Sequence
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
        table.add_row(*(_cell(value) for value in row.values()))
    # A pipe has no width: cells are not to be cut for one that is made up.
    wide = None if sys.stdout.isatty() else 10_000
    Console(width=wide, markup=False, highlight=False).print(table)


def rfc3339(micros: int | None) -> str | None:
    """Return a time in microseconds since the epoch as text, None for None."""
    if micros is None:
        return None
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    return moment.isoformat().replace("+00:00", "Z")


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
