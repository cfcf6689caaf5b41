"""`parley personas publish` and its kin: which revision of a persona answers, beside a running server."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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

_T = TypeVar("_T")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A persona.")]
NumberArgument = Annotated[int, typer.Argument(metavar="REVISION", min=1, help="The number of a revision.")]


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
        int | None, typer.Argument(metavar="REVISION", min=1, help="Its number; else the draft.")
    ] = None,
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="live, staging or draft.")] = "live",
    config: ConfigOption = None,
) -> None:
    """Let a revision answer from now on, or point another label at it. Ends a rollout."""
    done = _done(config, lambda releases: releases.publish(name, revision, by=BY, label=label))
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


def recall(name: NameArgument, revision: NumberArgument, config: ConfigOption = None) -> None:
    """Let nobody use a revision any more. Publishing it takes that back."""
    _done(config, lambda releases: releases.recall(name, revision, by=BY))
    remark(f"Revision {revision} of {name} is recalled.")


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
    old: Annotated[int | None, typer.Argument(metavar="OLD", min=1, help="A number; else the live one.")] = None,
    new: Annotated[int | None, typer.Argument(metavar="NEW", min=1, help="A number; else the newest.")] = None,
    config: ConfigOption = None,
) -> None:
    """Print what differs between two revisions."""
    from server.chat.differences import difference

    found, standing = _done(config, lambda releases: releases.revisions(name))
    before = _one(name, found, old or standing.labels.get("live") or found[-1].number)
    say(difference(before, _one(name, found, new or found[0].number)) or "They are the same.")


def _one(name: str, found: "Sequence[Revision]", number: int) -> "Revision":
    revision = next((one for one in found if one.number == number), None)
    if revision is None:
        raise CommandError(f"{name} has no revision {number}. `parley personas revisions {name}` shows all.")
    return revision


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
