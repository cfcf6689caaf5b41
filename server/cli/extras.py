"""`parley caps grant`, `override`, `extras` and `void`: what single users have beside their tier."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from server.cli.output import CommandError, as_json, as_table, moment, remark
from server.cli.setup import ConfigOption, JsonOption, now, read
from server.core.moments import micros

if TYPE_CHECKING:
    from server.chat.extras import ExtrasDesk

_T = TypeVar("_T")

UserArgument = Annotated[str, typer.Argument(metavar="USER", help="The user's name.")]
UntilOption = Annotated[
    str, typer.Option("--until", metavar="TIME", help="How long, `30d`, or until the end of a day, `2026-12-31`; UTC.")
]
ReasonOption = Annotated[str, typer.Option("--reason", help="For whoever looks later.")]


def grant(
    user: UserArgument,
    gives: Annotated[str, typer.Argument(metavar="GIVES", help='"20 gpt-4 messages", "500k tokens" or "$5".')],
    until: UntilOption = "30d",
    priority: Annotated[
        int, typer.Option("--priority", min=1, max=99, help="Grants with the lowest are used first.")
    ] = 1,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Give a user something to use beside the tier, when the tier has no more."""
    ends_at = _until(until)

    async def given(desk: "ExtrasDesk") -> Mapping[str, Any]:
        return await desk.grant(user, gives, ends_at=ends_at, priority=priority, reason=reason, by="cli")

    made = asyncio.run(_at_desk(config, given))
    remark(f"{user} has {made['what']} until {moment(made['ends_at'])} ({made['id']}).")


def override(
    user: UserArgument,
    line: Annotated[str, typer.Argument(metavar="LINE", help='As in a tier: "gpt-4: 100 messages / 3h".')],
    until: UntilOption,
    reason: ReasonOption = "",
    config: ConfigOption = None,
) -> None:
    """Let a line hold for one user in place of the tier's, until a time."""
    ends_at = _until(until)

    async def given(desk: "ExtrasDesk") -> Mapping[str, Any]:
        return await desk.override(user, line, ends_at=ends_at, reason=reason, by="cli")

    made = asyncio.run(_at_desk(config, given))
    remark(f"For {user} holds {made['what']} until {moment(made['ends_at'])} ({made['id']}).")


def extras(
    user: Annotated[str | None, typer.Argument(metavar="[USER]", help="The user's name; all without it.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """List the grants and overrides that hold."""

    async def listed(desk: "ExtrasDesk") -> Sequence[Mapping[str, Any]]:
        return await desk.listed(user)

    rows = asyncio.run(_at_desk(config, listed))
    if json:
        as_json(list(rows))
    else:
        shown = [{"user": row["user"], **row, "object": row["object"].removeprefix("caps.")} for row in rows]
        as_table(shown, empty="There are none. `parley caps grant` and `parley caps override` give some.")


def void(
    extra: Annotated[str, typer.Argument(metavar="ID", help="As `caps extras` shows it.")],
    config: ConfigOption = None,
) -> None:
    """Take a grant or an override back."""

    async def voided(desk: "ExtrasDesk") -> bool:
        return await desk.void(extra, by="cli")

    if not asyncio.run(_at_desk(config, voided)):
        raise CommandError(f"Nothing that holds is called {extra}. `parley caps extras` shows what does.")
    remark(f"{extra} holds no more.")


async def _at_desk(config: ConfigOption, work: "Callable[[ExtrasDesk], Awaitable[_T]]") -> _T:
    from server.capping import giving

    async with giving(read(config)) as desk:
        return await work(desk)


def _until(text: str) -> int:
    """Return when a time, the end of a day, or so long from now is, in microseconds."""
    from server.settings.values import parse_duration

    try:
        if text[-1:].isalpha() and text[-1:] != "Z":
            return now() + int(parse_duration(text).total_seconds()) * 1_000_000
        if len(text) == len("2026-12-31"):
            day = datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
            return micros(day.isoformat())
        return micros(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}. Write 30d or 2026-12-31.", param_hint="--until") from error
