"""`parley caps policies`, `diff`, `publish` and `rollback`: the revisions of what each user may use."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.output import as_json, as_table, remark, rfc3339, say
from server.cli.setup import ConfigOption, JsonOption, read
from server.core.ports_operator import PolicyRevision

RevisionArgument = Annotated[str, typer.Argument(metavar="REVISION", help="A number, `live` or `draft`.")]


def policies(json: JsonOption = False, config: ConfigOption = None) -> None:
    """List the revisions of the policy, the newest first."""
    from server.capping import desk

    async def listed() -> tuple[Sequence[PolicyRevision], Mapping[str, int]]:
        async with desk(read(config)) as opened:
            return await opened.revisions()

    revisions, labels = asyncio.run(listed())
    rows: list[dict[str, Any]] = [
        {
            "revision": one.number,
            "labels": [label for label, number in labels.items() if number == one.number],
            "origin": one.origin,
            "by": one.by,
            "created_at": rfc3339(one.created_at),
            "published_at": rfc3339(one.published_at),
            "digest": one.digest[:12],
        }
        for one in revisions
    ]
    if json:
        as_json(rows)
    else:
        as_table(rows, empty="There are none yet. The policy of the configuration becomes one when the server starts.")


def diff(
    before: RevisionArgument = "live",
    after: Annotated[str, typer.Argument(metavar="REVISION", help="The other one.")] = "draft",
    config: ConfigOption = None,
) -> None:
    """Show what differs between two revisions of the policy."""
    from server.capping import desk

    async def differing() -> str:
        async with desk(read(config)) as opened:
            return await opened.diff(before, after)

    say(asyncio.run(differing()) or "They are the same.")


def publish(
    revision: Annotated[str | None, typer.Argument(metavar="REVISION", help="A number; else the draft.")] = None,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Groups, tiers and default tier, to be stored first."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Let a revision of the policy hold, on every running node within a second."""
    from server.capping import desk
    from server.settings.policy import read_policy

    if revision is not None and policy is not None:
        raise typer.BadParameter("Name a revision, or a file with --policy, not both.", param_hint="REVISION")
    settings = read(config)
    new = read_policy(policy, settings) if policy else None

    async def published() -> PolicyRevision:
        async with desk(settings) as opened:
            stored = await opened.store(new, by="cli") if new is not None else None
            return await opened.publish(str(stored.number) if stored else revision or "draft", by="cli")

    remark(f"Policy {asyncio.run(published()).number} is live.")


def rollback(config: ConfigOption = None) -> None:
    """Go back to the revision that was published before the live one."""
    from server.capping import desk

    async def rolled() -> PolicyRevision:
        async with desk(read(config)) as opened:
            return await opened.roll_back(by="cli")

    remark(f"Policy {asyncio.run(rolled()).number} is live again.")
