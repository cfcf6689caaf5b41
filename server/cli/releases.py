"""`parley personas publish` and its kin: which revision of a persona answers, beside a running server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from server.cli.output import CommandError, as_json, as_table, remark, rfc3339, say
from server.cli.setup import ConfigOption, JsonOption, read, stores

if TYPE_CHECKING:
    from server.chat.releases import Releases
    from server.core.ports_operator import Revision
    from server.core.rollout import Share

BY: Final = "cli"
"""Who did it, for the audit."""

_LONGEST_NUMBER: Final = 10

_T = TypeVar("_T")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A persona.")]
RevisionArgument = Annotated[str, typer.Argument(metavar="REVISION", help="A number or a label.")]


def revisions(name: NameArgument, json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the revisions of a persona, the newest first, with the labels that point at them."""
    found, standing = _done(config, lambda releases: releases.revisions(name))
    rows: list[dict[str, Any]] = [
        {
            "revision": one.number,
            "labels": [label for label, number in standing.labels.items() if number == one.number],
            "percent": next((share.percent for share in standing.rollout if share.revision == one.number), None),
            "origin": one.origin,
            "author": one.author or None,
            "note": one.note or None,
            "created_at": rfc3339(one.created_at),
            "published_at": rfc3339(one.published_at),
            "recalled_at": rfc3339(one.recalled_at),
            "digest": one.digest[:12],
        }
        for one in found
    ]
    if json:
        as_json(rows)
    else:
        as_table(rows, empty="There are no revisions.")


def publish(
    name: NameArgument,
    revision: Annotated[
        str | None, typer.Argument(metavar="REVISION", help="A number or a label; else the draft.")
    ] = None,
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="live, staging or draft.")] = "live",
    config: ConfigOption = None,
) -> None:
    """Let a revision answer from now on, or point another label at it. Ends a rollout."""

    async def published(releases: "Releases") -> "Revision":
        number = await _number(releases, name, revision) if revision else None
        return await releases.publish(name, number, by=BY, label=label)

    done = _done(config, published)
    remark(f"Revision {done.number} of {name} is {label} now.")


def rollback(
    name: NameArgument,
    recall: Annotated[
        bool, typer.Option("--recall", help="Let nobody use the revision that was live, not even old conversations.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Go back to the revision that was published before the live one. Ends a rollout."""
    done = _done(config, lambda releases: releases.roll_back(name, recall=recall, by=BY))
    remark(f"Revision {done.number} of {name} is live again.")


def recall(name: NameArgument, revision: RevisionArgument, config: ConfigOption = None) -> None:
    """Let nobody use a revision any more. Publishing it takes that back."""

    async def recalled(releases: "Releases") -> "Revision":
        return await releases.recall(name, await _number(releases, name, revision), by=BY)

    remark(f"Revision {_done(config, recalled).number} of {name} is recalled.")


def rollout(
    name: NameArgument,
    shares: Annotated[
        list[str] | None, typer.Argument(metavar="REVISION=PERCENT", help="Such as 7=10; none ends the rollout.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Give parts of the users other revisions than the live one. A user stays on the side that they are on."""
    wanted = [_share(text) for text in shares or []]
    _done(config, lambda releases: releases.roll_out(name, wanted, by=BY))
    told = ", ".join(f"revision {share.revision} to {share.percent}%" for share in wanted)
    remark(f"{name} is rolled out: {told}." if wanted else f"The rollout of {name} has ended.")


def diff(
    name: NameArgument,
    old: Annotated[str | None, typer.Argument(metavar="OLD", help="A number or a label; else the live one.")] = None,
    new: Annotated[str | None, typer.Argument(metavar="NEW", help="A number or a label; else the newest.")] = None,
    config: ConfigOption = None,
) -> None:
    """Print what differs between two revisions."""
    from server.chat.differences import difference

    async def compared(releases: "Releases") -> str:
        found, standing = await releases.revisions(name)
        before = old or str(standing.labels.get("live", found[-1].number))
        sides = [await _number(releases, name, text) for text in (before, new or str(found[0].number))]
        return difference(*[await releases.revision(name, number) for number in sides])

    say(_done(config, compared) or "They are the same.")


async def _number(releases: "Releases", name: str, text: str) -> int:
    """Return the number of a revision that is named by it or by a label."""
    if text.isdecimal() and len(text) < _LONGEST_NUMBER:
        return int(text)
    found, standing = await releases.revisions(name)
    if text not in standing.labels:
        known = ", ".join([*standing.labels, f"numbers up to {found[0].number}"])
        raise CommandError(f"{name} has no revision {text}. There are: {known}.")
    return standing.labels[text]


def _share(text: str) -> "Share":
    from server.core.rollout import Share

    revision, _, percent = text.partition("=")
    if not (revision.isdecimal() and percent.removesuffix("%").isdecimal()):
        raise typer.BadParameter(f"{text!r} is not REVISION=PERCENT, such as 7=10", param_hint="REVISION=PERCENT")
    return Share(int(revision), int(percent.removesuffix("%")))


def _done(config: ConfigOption, work: "Callable[[Releases], Awaitable[_T]]") -> _T:
    settings = read(config)

    async def run() -> _T:
        async with stores(settings) as opened:
            return await work(opened.releases)

    return asyncio.run(run())
