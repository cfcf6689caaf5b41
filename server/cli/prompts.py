"""`parley personas prompt`: what a model was sent, beside a running server."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.output import as_json, remark, say
from server.cli.setup import ConfigOption, JsonOption, read

if TYPE_CHECKING:
    from server.chat.rewriting import Rewritten
    from server.settings import Settings


def prompt(
    response: Annotated[str, typer.Argument(metavar="RESPONSE", help="The id of an answer: resp_… or chatcmpl-….")],
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print the messages that the model was sent for an answer. The audit tells that somebody looked."""
    from server.edge.completions_render import turn_id
    from server.edge.prompt_render import prompt_object

    told = prompt_object(asyncio.run(_again(read(config), turn_id(response))))
    if json:
        as_json(told)
        return
    for message in told["messages"]:
        say(f"[{message['role']}]\n{''.join(part.get('text', '[image]') for part in message['content'])}\n")
    for part in ("history", "examples", "knowledge"):
        if left_out := told[part]["left_out"]:
            remark(f"Of {part}, {left_out} had no room.")
    remark(told["remark"])


async def _again(settings: "Settings", turn_id: str) -> "Rewritten":
    from server.prompting import opened

    async with opened(settings) as rewriting:
        return await rewriting.of_anyone(turn_id, by="cli")
